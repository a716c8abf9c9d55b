"""The provider itself: its settings, its key, who is signed in, and the codes it handed out."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from sandbox.identity import keys
from sandbox.identity.faults import BadCase, Faults
from sandbox.identity.people import PEOPLE, Person
from sandbox.identity.sessions import Session, Sessions

CODE_LIFETIME = timedelta(seconds=60)
TOKEN_LIFETIME = timedelta(minutes=5)


@dataclass(frozen=True)
class Grant:
    """What an authorization code stands for."""

    session: Session
    redirect_uri: str
    challenge: str
    nonce: str | None
    acr: str
    issued_at: datetime
    bad_case: BadCase | None = None


class Provider:
    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uris: Sequence[str],
        now: Callable[[], datetime],
        state_dir: Path,
        backchannel_logout_uri: str = "",
        people: Sequence[Person] = PEOPLE,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self.issuer = issuer.rstrip("/")
        self.client_id, self.client_secret = client_id, client_secret
        self.redirect_uris = tuple(redirect_uris)
        self.backchannel_logout_uri = backchannel_logout_uri
        self.now = now
        self.people = {person.sub: person for person in people}
        self.key = keys.load_or_create(state_dir / "identity-key.json")
        self.sessions = Sessions(state_dir / "identity-sessions.json")
        self.faults = Faults()
        self.transport = transport
        self.last_logout = ""
        self.base_path = urlsplit(self.issuer).path
        self.cookie_path = self.base_path or "/"
        self._codes: dict[str, Grant] = {}
        self._access: dict[str, tuple[str, datetime]] = {}
        self._spent: dict[str, str] = {}

    # Codes: good once, for one minute. A second use also ends what the first one got.

    def issue_code(self, grant: Grant) -> str:
        code = secrets.token_urlsafe(32)
        self._codes[code] = grant
        return code

    def redeem_code(self, code: str) -> Grant | None:
        grant = self._codes.pop(code, None)
        if grant is None:
            self._access.pop(self._spent.get(code, ""), None)
            return None
        return grant if self.now() - grant.issued_at <= CODE_LIFETIME else None

    def issue_access_token(self, code: str, grant: Grant) -> str:
        token = secrets.token_urlsafe(32)
        self._access[token] = (grant.session.sub, self.now() + TOKEN_LIFETIME)
        self._spent[code] = token
        return token

    def person_of(self, access_token: str) -> Person | None:
        sub, until = self._access.get(access_token, ("", self.now()))
        return self.people.get(sub) if self.now() < until else None

    def person_of_hint(self, hint: str) -> Person | None:
        wanted = hint.casefold()
        return next(
            (p for p in self.people.values() if wanted in (p.sub, p.email.casefold())), None
        )

    # Addresses of the application that the browser may be sent back to.

    def may_return_to(self, uri: str) -> bool:
        return uri in self.redirect_uris

    def may_leave_to(self, uri: str) -> bool:
        """After signing out: any page of the application, which has one origin."""
        return _origin(uri) in self.client_origins

    @property
    def client_origins(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_origin(uri) for uri in self.redirect_uris))


def _origin(uri: str) -> str:
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"
