"""Server-side sessions: the cookie carries a random token, the table its SHA-256."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amends import access, clock
from amends.access import FoundSession, NewSession, OpenSession
from amends.rules.people import Customer, Staff
from web import cookies
from web.doors import Door, House, house

log = structlog.get_logger(__name__)
_SCOPE = "amends.session"
_TOUCH_EVERY = timedelta(seconds=60)  # a write per minute of use, not per request
_TOKEN_LENGTH = 43  # 256 bits in base64
_WITHOUT = ("/static/", "/healthz")
# Polling must not keep an abandoned session alive.
BACKGROUND = "x-background"
UNKNOWN_AUTH_TIME = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass
class _Held:
    """This request's session."""

    found: FoundSession | None = None
    clear_site: bool = False


def cookie_name(door: Door) -> str:
    return f"__Host-amends-{door}"


def current(connection: HTTPConnection[Any]) -> FoundSession | None:
    held: _Held | None = connection.scope.get(_SCOPE)
    return held.found if held else None


async def start(
    request: Request[Any],
    *,
    email: str,
    account_id: int | None = None,
    person_id: int | None = None,
    auth_time: datetime | None = None,
    idp_sid: str | None = None,
    id_token: str | None = None,
) -> str:
    """Sign somebody in: a new token every time; this browser's former session ends.

    A customer has `account_id`, a member of staff `person_id` and the provider's `auth_time`.
    """
    if (account_id is None) == (person_id is None):
        raise ValueError("A session belongs to an account or to a person")
    at = clock.now()
    home = house(request)
    new = NewSession(
        door=home.door,
        email=email,
        auth_time=_auth_time(account_id, auth_time, at),
        expires_at=at + home.limits.absolute,
        account_id=account_id,
        person_id=person_id,
        idp_sid=idp_sid,
        id_token=id_token,
        user_agent=request.headers.get("user-agent", ""),
        address=request.client.host if request.client else "",
    )
    owner = {"account": account_id} if account_id is not None else {"person": person_id}
    log.info("signed_in", door=str(home.door), address=new.address, **owner)
    return await _begin(request, home, new)


def _auth_time(account_id: int | None, told: datetime | None, at: datetime) -> datetime:
    """Staff: as the provider says, never later than now; unsaid counts as long ago."""
    if account_id is not None:
        return at
    return min(told or UNKNOWN_AUTH_TIME, at)


async def _begin(request: Request[Any], home: House, new: NewSession) -> str:
    held = _held(request)
    if held.found:
        await access.end_session(held.found.id)
    token = await access.start_session(new)
    held.found = await access.find_session(token, home.door, home.limits.idle)
    cookies.put(request, cookies.header(cookie_name(home.door), token, home.limits.absolute))
    return token


async def end(request: Request[Any]) -> None:
    """Sign out: the row ends, the cookie goes, the browser forgets what it stored of us."""
    held = _held(request)
    if held.found:
        await access.end_session(held.found.id)
        log.info("signed_out", session=held.found.id)
    held.found = None
    cookies.put(request, cookies.removal(cookie_name(house(request).door)))
    held.clear_site = True


async def end_others(request: Request[Any]) -> int:
    """Sign out everywhere else; returns how many sessions ended."""
    return await access.end_others(_owner(request))


async def mine(request: Request[Any]) -> list[OpenSession]:
    """Where the viewer is signed in."""
    return await access.open_sessions(_owner(request))


async def id_token(request: Request[Any]) -> str | None:
    """The identity provider's token of this session, for signing out there too."""
    found = current(request)
    return await access.id_token(found.id) if found else None


def _owner(request: Request[Any]) -> Customer | Staff:
    found = current(request)
    if found is None:
        raise LookupError("Nobody is signed in")
    return found.viewer


def _held(request: HTTPConnection[Any]) -> _Held:
    held: _Held = request.scope[_SCOPE]
    return held


class SessionMiddleware:
    """Reads the session once per request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_WITHOUT):
            await self.app(scope, receive, send)
            return
        held = scope[_SCOPE] = _Held()
        held.found = await _load(HTTPConnection(scope))

        async def send_and_clear(message: Message) -> None:
            if message["type"] == "http.response.start" and held.clear_site:
                MutableHeaders(scope=message)["clear-site-data"] = '"cache", "storage"'
            await send(message)

        await self.app(scope, receive, send_and_clear)


async def _load(connection: HTTPConnection[Any]) -> FoundSession | None:
    home = house(connection)
    token = connection.cookies.get(cookie_name(home.door), "")
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    found = await access.find_session(token, home.door, home.limits.idle)
    in_use = BACKGROUND not in connection.headers
    if found and in_use and clock.now() - found.last_seen_at >= _TOUCH_EVERY:
        await access.touch(found.id)
    return found
