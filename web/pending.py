"""Sign-ins under way, kept in a signed cookie of the browser that began them; one per tab."""

import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import Request

from amends import clock, keyring
from web import cookies
from web.doors import house

COOKIE = "__Host-amends-oidc"
_LIFETIME = timedelta(minutes=10)
_MOST = 5  # tabs; also keeps the cookie under the 4 kB a browser stores


@dataclass(frozen=True)
class Pending:
    """What must come back unchanged, and where to go then."""

    state: str
    nonce: str
    verifier: str
    next: str
    step_up: bool
    at: int


def new(next_path: str, step_up: bool) -> Pending:
    return Pending(
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        verifier=secrets.token_urlsafe(32),
        next=next_path,
        step_up=step_up,
        at=int(clock.now().timestamp()),
    )


def remember(request: Request[Any], one: Pending) -> None:
    _write(request, [*_read(request), one][-_MOST:])


def take(request: Request[Any], state: str) -> Pending | None:
    """The sign-in with this state, which is then forgotten whatever becomes of it."""
    every = _read(request)
    found = next((p for p in every if hmac.compare_digest(p.state, state)), None)
    if found is not None:
        _write(request, [p for p in every if p is not found])
    return found


def _read(request: Request[Any]) -> list[Pending]:
    key_id, _, signed = request.cookies.get(COOKIE, "").partition(".")
    known = next((key for key in house(request).keys if key.id == key_id), None)
    try:
        every = [Pending(**row) for row in _signer(known).loads(signed)] if known else []
    except (BadData, TypeError):
        return []
    age = int(clock.now().timestamp()) - int(_LIFETIME.total_seconds())
    return [one for one in every if one.at > age]


def _write(request: Request[Any], every: list[Pending]) -> None:
    if not every:
        cookies.put(request, cookies.removal(COOKIE))
        return
    newest = house(request).keys[0]
    value = _signer(newest).dumps([asdict(one) for one in every])
    text = value if isinstance(value, str) else value.decode()
    cookies.put(request, cookies.header(COOKIE, f"{newest.id}.{text}", _LIFETIME))


def _signer(key: keyring.Key) -> URLSafeSerializer:
    # The library's own choice is SHA-1.
    how = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(key.secret, salt="amends-oidc-pending", signer_kwargs=how)
