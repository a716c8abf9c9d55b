"""Sign-in with OpenID Connect, of staff and where set up of customers; the only user of authlib.

Authlib fetches the provider's metadata and keys, builds the address with PKCE, and trades the
code. The ID token is checked here: authlib leaves `aud` and `auth_time` unchecked and reads the
machine's clock, which the sandbox moves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import structlog
from authlib.integrations.starlette_client import OAuth, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from amends import clock
from amends.facts import Refused, Unavailable
from amends.settings import Settings
from web import pages, paths, pending, sessions
from web.doors import Door, house
from web.errors import SignInFailed
from web.pending import Pending

CALLBACK = "/sign-in/callback"  # to be registered with the provider, under the door's address
FRESH_S = 300
_LEEWAY_S = 60  # two machines' clocks differ
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")  # none, and no shared secret
_LONGEST_TOKEN = 16_000
_REFETCH_S = 60  # an unknown key id may be a new key, or somebody who makes us ask
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_DOWN = "The sign-in service does not answer."
_ONE_FACTOR = (
    "The sign-in service did not ask you for a second factor. Set one up there, or ask whoever "
    "runs it, then sign in again."
)
Claims = dict[str, Any]
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class OidcIdentity:
    """Who the provider says came in. `auth_time` is 1970 where it does not say when.

    Staff are known by issuer and subject. A customer is known by the address, which then has to be
    one that the provider says it verified.
    """

    issuer: str
    subject: str
    email: str
    name: str
    groups: tuple[str, ...]
    auth_time: datetime
    sid: str | None
    id_token: str
    next: str
    step_up: bool
    email_verified: bool = False


@dataclass(frozen=True)
class _Registration:
    """What a provider knows this door by."""

    issuer: str
    client_id: str
    secret: SecretStr


def _registration(settings: Settings, door: Door) -> _Registration:
    if door is Door.DESK:
        return _Registration(
            settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
        )
    return _Registration(
        settings.customer_oidc_issuer,
        settings.customer_oidc_client_id,
        settings.customer_oidc_client_secret,
    )


@dataclass(frozen=True)
class ProviderLogout:
    """The provider ended a session (`sid`) or all sessions of a person (`subject`)."""

    issuer: str
    subject: str | None
    sid: str | None


class Provider:
    """The configured identity provider. Tests hand in a transport."""

    def __init__(
        self,
        settings: Settings,
        transport: httpx2.AsyncBaseTransport | None = None,
        door: Door = Door.DESK,
    ) -> None:
        known = _registration(settings, door)
        self.issuer, self.client_id = known.issuer, known.client_id
        self.factors = settings.second_factors if door is Door.DESK else frozenset[str]()
        _require_private(self.issuer)
        extra = {"transport": transport} if transport else {}
        self.client = OAuth().register(
            name=door.value,
            client_id=self.client_id,
            client_secret=known.secret.get_secret_value(),
            server_metadata_url=f"{self.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid email profile",
                "code_challenge_method": "S256",
                "timeout": 10,
                **extra,
            },
        )
        self._keys_at = 0.0

    async def metadata(self) -> Claims:
        """The provider's own description, which must be of the issuer we were told."""
        found: Claims = await self.client.load_server_metadata()
        if found.get("issuer") != self.issuer:
            # Forget it, or a mistake at the provider would stay with this process for ever.
            self.client.server_metadata.clear()
            raise SignInFailed("metadata names another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            _require_private(str(found.get(name)))
        return found

    async def claims(self, token: object) -> tuple[Claims, Claims]:
        """Header and claims of a token signed with one of the provider's keys."""
        if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
            raise SignInFailed("no token, or one of absurd size")
        await self.metadata()
        try:
            return _decode(token, await self.client.fetch_jwk_set())
        except InvalidKeyIdError:
            now = clock.now().timestamp()
            if abs(now - self._keys_at) < _REFETCH_S:
                raise
            self._keys_at = now
            return _decode(token, await self.client.fetch_jwk_set(force=True))


def _decode(token: str, keys: Any) -> tuple[Claims, Claims]:
    registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
    decoded = jwt.decode(token, KeySet.import_key_set(keys), registry=registry)
    return decoded.header, decoded.claims


def _require_private(url: str) -> None:
    """Secrets travel there, so https; on this machine http will do."""
    parts = urlsplit(url)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        log.error("oidc_address_refused", url=url, hint="AMENDS_OIDC_ISSUER needs https")
        raise Unavailable("Sign-in is not set up.")


async def begin(
    request: Request[Any], *, next: str = "/", step_up: bool = False, login_hint: str = ""
) -> Response:
    """Send the browser to the provider. `step_up` asks for the password again."""
    one = pending.new(paths.safe_next(request, next), step_up)
    extra = {"prompt": "login", "max_age": str(FRESH_S)} if step_up else {}
    if login_hint:
        extra["login_hint"] = login_hint
    with _plain_errors():
        provider = _provider(request)
        await provider.metadata()
        made = await provider.client.create_authorization_url(
            _callback(request),
            state=one.state,
            nonce=one.nonce,
            code_verifier=one.verifier,
            **extra,
        )
    pending.remember(request, one)
    return pages.leave(request, made["url"])


async def finish(request: Request[Any]) -> OidcIdentity:
    """Check what the browser brought back and what the provider says. Raises SignInFailed."""
    answer = request.query_params
    one = pending.take(request, answer.get("state", ""))
    if one is None:
        raise SignInFailed("state unknown to this browser")
    if "error" in answer or not answer.get("code"):
        raise SignInFailed(f"provider said {answer.get('error', 'nothing')}")
    with _plain_errors():
        provider = _provider(request)
        _check_sender(await provider.metadata(), provider.issuer, answer.get("iss"))
        token = await provider.client.fetch_access_token(
            redirect_uri=_callback(request), code=answer["code"], code_verifier=one.verifier
        )
        header, claims = await provider.claims(token.get("id_token"))
        _check_id_token(provider, header, claims, one.nonce, token.get("access_token"))
    _check_factors(provider.factors, claims)
    return _identity(claims, _auth_time(claims, one), str(token["id_token"]), one)


def _check_sender(metadata: Claims, issuer: str, said: str | None) -> None:
    """RFC 9207: an answer of another provider must not be taken for ours."""
    promised = metadata.get("authorization_response_iss_parameter_supported") is True
    if said != issuer and (promised or said is not None):
        raise SignInFailed("answer of another issuer")


def _check_id_token(
    provider: Provider, header: Claims, claims: Claims, nonce: str, access_token: object
) -> None:
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise SignInFailed("not an ID token")
    options = {
        "iss": {"essential": True, "value": provider.issuer},
        "aud": {"essential": True, "value": provider.client_id},
        "nonce": {"essential": True, "value": nonce},
        "sub": {"essential": True},
    }
    checked = {"client_id": provider.client_id, "nonce": nonce, "access_token": access_token}
    token = CodeIDToken(claims, header, options, checked)
    token.validate(now=int(clock.now().timestamp()), leeway=_LEEWAY_S)


def _check_factors(wanted: frozenset[str], claims: Claims) -> None:
    """Providers name a second factor in `amr` or `acr`, each in its own words (RFC 8176)."""
    said = claims.get("amr")
    shown = {str(each) for each in said} if isinstance(said, list) else set()
    acr = _text(claims, "acr")
    if wanted and not wanted & {*shown, acr}:
        log.warning("sign_in_without_second_factor", amr=sorted(shown), acr=acr)
        raise Refused(_ONE_FACTOR)


def _auth_time(claims: Claims, one: Pending) -> datetime:
    """When the person last proved who they are; for a step-up just now, or it does not count."""
    said = claims.get("auth_time")
    if said is None and not one.step_up:
        return sessions.UNKNOWN_AUTH_TIME
    if not isinstance(said, int) or isinstance(said, bool):
        raise SignInFailed("auth_time missing or not a number")
    age = clock.now().timestamp() - said
    if age < -_LEEWAY_S or (one.step_up and age > FRESH_S + _LEEWAY_S):
        raise SignInFailed("auth_time too old or in the future")
    return datetime.fromtimestamp(said, UTC)


def _identity(claims: Claims, auth_time: datetime, id_token: str, one: Pending) -> OidcIdentity:
    groups = claims.get("groups")
    email = claims.get("email") if claims.get("email_verified") is not False else ""
    return OidcIdentity(
        issuer=claims["iss"],
        subject=claims["sub"],
        email=str(email or "").lower(),
        name=str(claims.get("name") or claims["sub"]),
        groups=tuple(str(group) for group in groups) if isinstance(groups, list) else (),
        auth_time=auth_time,
        sid=_text(claims, "sid"),
        id_token=id_token,
        next=one.next,
        step_up=one.step_up,
        email_verified=claims.get("email_verified") is True,
    )


async def sign_out_address(request: Request[Any], id_token: str | None, back_to: str) -> str:
    """Where to sign out at the provider too; empty if it has no such page or does not answer."""
    try:
        with _plain_errors():
            found = (await _provider(request).metadata()).get("end_session_endpoint")
    except (SignInFailed, Unavailable):
        return ""
    query = {
        "client_id": _provider(request).client_id,
        "post_logout_redirect_uri": pages.absolute(request, back_to),
    }
    if id_token:
        query["id_token_hint"] = id_token
    return f"{found}?{urlencode(query)}" if found else ""


async def provider_logout(request: Request[Any]) -> ProviderLogout:
    """Check a back-channel logout token (the route is SIGNED). Raises SignInFailed."""
    async with request.form(max_files=0, max_fields=5, max_part_size=_LONGEST_TOKEN) as form:
        token = form.get("logout_token")
    with _plain_errors():
        provider = _provider(request)
        header, claims = await provider.claims(token)
        _check_logout(provider, header, claims)
    return ProviderLogout(provider.issuer, _text(claims, "sub"), _text(claims, "sid"))


def _text(claims: Claims, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and value else None


def _check_logout(provider: Provider, header: Claims, claims: Claims) -> None:
    events = claims.get("events")
    named = _text(claims, "sid") or _text(claims, "sub")
    if not isinstance(events, dict) or _LOGOUT_EVENT not in events or "nonce" in claims:
        raise SignInFailed("not a logout token")
    if str(header.get("typ", "logout+jwt")).lower() not in ("logout+jwt", "jwt") or not named:
        raise SignInFailed("not a logout token, or nobody is named")
    registry = jwt.JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=_LEEWAY_S,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        iat={"essential": True},
        jti={"essential": True},
    )
    registry.validate(claims)
    if clock.now().timestamp() - claims["iat"] > FRESH_S and "exp" not in claims:
        raise SignInFailed("old logout token")


def _callback(request: Request[Any]) -> str:
    return pages.absolute(request, CALLBACK)


def _provider(request: Request[Any]) -> Provider:
    """One per process, so that metadata and keys are fetched once."""
    state = request.app.state
    if not hasattr(state, "oidc"):
        state.oidc = Provider(house(request).settings, door=house(request).door)
    found: Provider = state.oidc
    return found


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Every way this can fail is either "start again" or "not there now"."""
    try:
        yield
    except httpx2.TransportError as error:
        raise Unavailable(_DOWN) from error
    except httpx2.HTTPStatusError as error:
        if error.response.status_code >= 500:
            raise Unavailable(_DOWN) from error
        raise SignInFailed(str(error.response.status_code)) from error
    except (OAuthError, JoseError, httpx2.HTTPError, ValueError, KeyError, RuntimeError) as error:
        raise SignInFailed(f"{type(error).__name__}: {error}") from error
