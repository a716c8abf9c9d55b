"""What guards every answer and every request: headers, host, cross-site posts, body size."""

import secrets
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web import cookies
from web.doors import Door

MAX_BODY = 64 * 1024
_NONCE = "amends.nonce"
_REFERENCE = "amends.reference"
_LIMIT = "amends.body_limit"
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")
_REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that can be misheard or misread
_REFERENCE_LENGTH = 10
_ALWAYS = {
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), "
    "payment=(), publickey-credentials-get=(), usb=()",
    "origin-agent-cluster": "?1",
}
_ALWAYS_RAW = tuple((name.encode(), value.encode()) for name, value in _ALWAYS.items())
_OURS = frozenset({name for name, _ in _ALWAYS_RAW} | {b"x-request-id"})


def nonce(connection: HTTPConnection[Any]) -> str:
    """This answer's nonce for scripts and htmx elements."""
    return str(connection.scope[_NONCE])


def reference(connection: HTTPConnection[Any]) -> str:
    """This request's number, shown on error pages and written in the log."""
    return str(connection.scope[_REFERENCE])


def policy(door: Door, nonce: str, origins: Iterable[str]) -> str:
    """The content security policy. `origins` are those a form's redirect may lead to."""
    scripts = {
        Door.PORTAL: "script-src 'self'",
        Door.DESK: f"script-src 'nonce-{nonce}'; "
        "require-trusted-types-for 'script'; trusted-types htmx",
    }
    form_action = " ".join(["'self'", *origins])
    return (
        f"default-src 'none'; {scripts[door]}; style-src 'self'; img-src 'self'; "
        f"font-src 'self'; connect-src 'self'; form-action {form_action}; base-uri 'none'; "
        "frame-ancestors 'none'; object-src 'none'"
    )


class HeadersMiddleware:
    """Outermost: names the request and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, door: Door, origins: tuple[str, ...]) -> None:
        self.app, self.door, self.origins = app, door, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # Ours, never the sender's: a number in the log must not be chosen from outside.
        scope[_REFERENCE] = _new_reference()
        scope[_NONCE] = secrets.token_urlsafe(18)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(message, scope)
            await send(message)

        with structlog.contextvars.bound_contextvars(reference=scope[_REFERENCE]):
            await self.app(scope, receive, send_with_headers)

    def _add(self, message: Message, scope: Scope) -> None:
        """On top of the answer's own, of which only what is ours in any case gives way."""
        own = [pair for pair in message.get("headers", ()) if pair[0] not in _OURS]
        names = {name for name, _ in own}
        own += _ALWAYS_RAW
        own.append((b"x-request-id", scope[_REFERENCE].encode()))
        if b"cache-control" not in names:
            own.append((b"cache-control", b"no-store"))
        if b"content-security-policy" not in names:
            words = policy(self.door, scope[_NONCE], self.origins)
            own.append((b"content-security-policy", words.encode("latin-1")))
        message["headers"] = own
        cookies.write(scope, MutableHeaders(scope=message))


def _new_reference() -> str:
    """Random letters from one random number, which has far more values than the letters."""
    number, letters = secrets.randbits(96), []
    for _ in range(_REFERENCE_LENGTH):
        number, at = divmod(number, len(_REFERENCE_LETTERS))
        letters.append(_REFERENCE_LETTERS[at])
    return "".join(letters)


class GateMiddleware:
    """Refuses foreign hosts and changes that another site asked for."""

    def __init__(self, app: ASGIApp, base_url: str, exempt: tuple[Route, ...]) -> None:
        self.app, self.base_url, self.exempt = app, base_url, exempt
        self.host = urlsplit(base_url).hostname or ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # neither door speaks WebSocket
        headers = Headers(scope=scope)
        host = _hostname(headers.get("host", ""))
        if host != self.host and scope["path"] != "/healthz":
            await self._elsewhere(host, scope, receive, send)
            return
        changes = scope["method"] not in _SAFE_METHODS
        if changes and not same_site(headers) and not _matches(self.exempt, scope):
            raise CrossSite
        await self.app(scope, receive, send)

    async def _elsewhere(self, host: str, scope: Scope, receive: Receive, send: Send) -> None:
        """This machine has several names, but cookies and sign-in know only the configured one."""
        if host not in _THIS_MACHINE or self.host not in _THIS_MACHINE:
            raise HTTPException(400, "This address is not one of ours.")
        if scope["method"] not in _SAFE_METHODS:
            raise CrossSite
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        path = quote("/" + scope["path"].lstrip("/"))
        headers = {"location": f"{self.base_url}{path}{query}"}
        await Response(status_code=307, headers=headers)(scope, receive, send)


class CrossSite(HTTPException):
    """A form of another site, or a program that says nothing about where it comes from."""

    def __init__(self) -> None:
        super().__init__(403, "This was not sent from one of our pages, so nothing was done.")


def same_site(headers: Headers) -> bool:
    """Whether a change was asked for by one of our own pages (Fetch metadata, else Origin)."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc == headers.get("host")


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _matches(routes: Iterable[Route], scope: Scope) -> bool:
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


class BodyLimitMiddleware:
    """Counts what arrives. The limit is the app's until the route sets its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_LIMIT] = MAX_BODY
        await self.app(scope, _counted(scope, receive), send)


def _counted(scope: Scope, receive: Receive) -> Callable[[], Any]:
    arrived = 0

    async def receive_counted() -> Message:
        nonlocal arrived
        message = await receive()
        arrived += len(message.get("body", b""))
        if arrived > scope[_LIMIT]:
            raise HTTPException(413)
        return message

    return receive_counted


def body_limit(connection: HTTPConnection[Any]) -> int:
    """How many bytes this request may carry."""
    return int(connection.scope[_LIMIT])


def limit_body(scope: Scope, max_body: int) -> None:
    """Set this route's limit; refuses at once what announces itself as larger."""
    scope[_LIMIT] = max_body
    announced = Headers(scope=scope).get("content-length", "0")
    if not announced.isdigit():
        raise HTTPException(400)
    if int(announced) > max_body:
        raise HTTPException(413)
