"""One table from exception to page: what happened, what to do, and nothing of the inside."""

from dataclasses import dataclass
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from amends import access, facts
from web import pages, security
from web.doors import house

log = structlog.get_logger(__name__)


class SignInFailed(Exception):
    """The identity provider's answer cannot be trusted or says no; the reason is for the log."""


@dataclass(frozen=True)
class _Page:
    status: int
    template: str


_TABLE: dict[type[Exception], _Page] = {
    facts.NotFound: _Page(404, "404"),
    facts.Refused: _Page(403, "refused"),
    facts.Stale: _Page(409, "409"),
    facts.AlreadyDecided: _Page(409, "409"),
    facts.InvalidInput: _Page(422, "422"),
    facts.Unavailable: _Page(503, "503"),
    facts.TooMany: _Page(429, "429"),
    SignInFailed: _Page(400, "sign_in_failed"),
    security.CrossSite: _Page(403, "cross_site"),
    **{kind: _Page(503, "503") for kind in access.DATABASE_DOWN},
}
_OWN_WORDS = (400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503)
# Facts whose sentence is meant for the viewer; a NotFound never says what it did not find.
_SPEAKING = (
    facts.Refused,
    facts.Stale,
    facts.AlreadyDecided,
    facts.InvalidInput,
    facts.Unavailable,
)


def handlers() -> dict[type[Exception], ExceptionHandler]:
    """For Starlette's own layer, so that a known exception never reaches the outer one."""
    return {kind: _handle for kind in (*_TABLE, HTTPException)}


async def _handle(request: Request[Any], error: Exception) -> Response:
    return respond(request, error)


def respond(request: Request[Any], error: Exception) -> Response:
    """The page for an exception, logged as far as it concerns the operator."""
    found = _lookup(error)
    _note(request, error, found.status)
    headers = _headers(request, error)
    if "hx-request" in request.headers:
        headers |= pages.TO_FLASH
    response = pages.page(
        request, f"errors/{found.template}.html", found.status, **_context(request, error)
    )
    response.headers.update(headers)
    return response


def _lookup(error: Exception) -> _Page:
    if isinstance(error, HTTPException) and type(error) not in _TABLE:
        status = error.status_code
        shown = status if status in _OWN_WORDS else 400 if status < 500 else 500
        return _Page(status, str(shown))
    known = (kind for kind in type(error).__mro__ if kind in _TABLE)
    return _TABLE.get(next(known, Exception), _Page(500, "500"))


def _context(request: Request[Any], error: Exception) -> dict[str, Any]:
    fragment = "hx-request" in request.headers
    return {
        "frame": "errors/_fragment.html" if fragment else "errors/_page.html",
        "base": f"parts/{house(request).door}_base.html",
        "sentence": str(error) if isinstance(error, _SPEAKING) else "",
        "minutes": _minutes(error),
        "reference": security.reference(request),
    }


def _minutes(error: Exception) -> int:
    return -(-error.retry_after // 60) if isinstance(error, facts.TooMany) else 0


def _headers(request: Request[Any], error: Exception) -> dict[str, str]:
    if isinstance(error, facts.TooMany):
        return {"retry-after": str(error.retry_after)}
    if isinstance(error, HTTPException) and error.status_code == 405:
        return {"allow": ", ".join(_methods(request)) or (error.headers or {}).get("Allow", "GET")}
    return dict(getattr(error, "headers", None) or {})


def _methods(request: Request[Any]) -> list[str]:
    """Every method this path has; Starlette's own answer names those of one route only."""
    routes = house(request).all_routes
    found = {m for r in routes if r.path_regex.match(request.url.path) for m in r.methods or ()}
    return sorted(found)


def _note(request: Request[Any], error: Exception, status: int) -> None:
    where = {"method": request.method, "path": request.url.path, "status": status}
    if status >= 500:
        log.error("request_failed", exc_info=error, **where)
    elif status in (400, 403, 429):
        log.warning("request_refused", reason=type(error).__name__, why=str(error)[:200], **where)


class FaultsMiddleware:
    """Turns what nobody caught into a page; inside the headers, outside of everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting_send)
        except ClientDisconnect:
            return  # nobody is left to read an answer
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            response = _last_resort(Request(scope, receive), error)
            await response(scope, receive, send)


def _last_resort(request: Request[Any], error: Exception) -> Response:
    """Even a broken error template must not show the inside."""
    try:
        return respond(request, error)
    except Exception as second:
        log.error("error_page_failed", exc_info=second, first=repr(error))
        number = security.reference(request)
        return PlainTextResponse(f"Something went wrong. Reference {number}.", status_code=500)
