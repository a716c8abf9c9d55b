"""Every route names who may use it; there is no default."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from amends import clock, read_log
from amends.read_log import Read as Read
from amends.rules.people import Customer, Role, Staff
from web import pages, paths, security, sessions
from web.doors import Door as Door

Handler = Callable[[Request[Any]], Awaitable[Response]]
Allow = frozenset[str]

PUBLIC: Allow = frozenset({"public"})
CUSTOMER: Allow = frozenset({"customer"})
STAFF: Allow = frozenset({"staff"})
SIGNED: Allow = frozenset({"signed"})

SIGN_IN = "/sign-in"
STEP_UP = "/sign-in/again"
_LOOK = "amends.look"
FRESH = timedelta(seconds=300)  # a sign-in this recent may approve money


def roles(*names: str) -> Allow:
    """Staff with at least one of these roles."""
    if not names:
        raise ValueError("Name at least one role")
    return frozenset(Role(name).value for name in names)


class GuardedRoute(Route):
    """A route that remembers who may use it, for the matrix test."""

    def __init__(
        self,
        method: str,
        path: str,
        handler: Handler,
        *,
        allow: Allow,
        name: str,
        max_body: int,
        step_up: bool,
        reads: Read | None,
    ) -> None:
        self.allow, self.handler, self.step_up, self.max_body = allow, handler, step_up, max_body
        self.reads = reads
        super().__init__(path, self._guarded, methods=[method], name=name)
        self._begins = path.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As Starlette does; most routes are told apart by how the path begins."""
        if not scope.get("root_path") and not scope["path"].startswith(self._begins):
            return Match.NONE, {}
        return super().matches(scope)

    async def _guarded(self, request: Request[Any]) -> Response:
        security.limit_body(request.scope, self.max_body)
        if (turned_away := _turn_away(request, self.allow)) is not None:
            return turned_away
        if self.step_up and not _is_fresh(viewer(request)):
            return _to_sign_in(request, STEP_UP)
        request.scope[_LOOK] = self._look(request)
        try:
            response = await self.handler(request)
            await self._note_read(request, response)
            return response
        finally:
            await request.close()

    async def _note_read(self, request: Request[Any], response: Response) -> None:
        """What staff see of customers is written down before it leaves."""
        by, look = maybe_viewer(request), request.scope[_LOOK]
        if look is None or response.status_code >= 400 or not isinstance(by, Staff):
            return
        await read_log.note(by, look)

    def _look(self, request: Request[Any]) -> read_log.Look | None:
        if self.reads is None:
            return None
        return read_log.Look(
            self.reads,
            "/".join(str(value) for value in request.path_params.values()),
            self.name,
            request.client.host if request.client else "",
            security.reference(request),
        )


def route(
    method: str,
    path: str,
    handler: Handler,
    *,
    allow: Allow,
    name: str | None = None,
    max_body: int | None = None,
    step_up: bool = False,
    reads: Read | None = None,
) -> GuardedRoute:
    """A route. Its name is `module.function` of the handler unless given.

    `reads` says that it shows staff something of a customer, which is written down.
    """
    module = handler.__module__.rpartition(".")[2]
    own_name = f"{module}.{getattr(handler, '__name__', 'handler')}"
    return GuardedRoute(
        method,
        path,
        handler,
        allow=allow,
        name=name or own_name,
        max_body=max_body if max_body is not None else security.MAX_BODY,
        step_up=step_up,
        reads=reads,
    )


def viewer(request: Request[Any]) -> Customer | Staff:
    """Whoever is signed in."""
    found = maybe_viewer(request)
    if found is None:
        raise HTTPException(401)
    return found


def maybe_viewer(request: Request[Any]) -> Customer | Staff | None:
    found = sessions.current(request)
    return found.viewer if found else None


def taken_look(request: Request[Any]) -> read_log.Look:
    """The note of this look, for a handler whose own statement writes it down as it reads."""
    look: read_log.Look | None = request.scope[_LOOK]
    if look is None:
        raise LookupError("Nothing is noted of this route, or it was taken before")
    request.scope[_LOOK] = None
    return look


def customer(request: Request[Any]) -> Customer:
    """The signed-in customer, on a route that allows only customers."""
    found = viewer(request)
    if not isinstance(found, Customer):
        raise HTTPException(403)
    return found


def staff(request: Request[Any]) -> Staff:
    """The signed-in member of staff, on a route that allows only staff."""
    found = viewer(request)
    if not isinstance(found, Staff):
        raise HTTPException(403)
    return found


def _turn_away(request: Request[Any], allow: Allow) -> Response | None:
    """None if the viewer may pass; the way to the sign-in if nobody is signed in."""
    if allow in (PUBLIC, SIGNED):
        return None
    someone = maybe_viewer(request)
    if someone is None:
        return _to_sign_in(request, SIGN_IN)
    if not _may(someone, allow):
        raise HTTPException(403)
    return None


def _may(someone: Customer | Staff, allow: Allow) -> bool:
    if isinstance(someone, Customer):
        return allow == CUSTOMER
    return allow == STAFF or bool(someone.roles & allow)


def _is_fresh(someone: Customer | Staff) -> bool:
    if not isinstance(someone, Staff) or someone.auth_time is None:
        return False
    return clock.now() - someone.auth_time <= FRESH


def _to_sign_in(request: Request[Any], where: str) -> Response:
    address = f"{where}?{urlencode({'next': paths.came_from(request)})}"
    # Written into a query a long address grows; then the sign-in leads to the start instead.
    return pages.see_other(request, paths.safe(address, f"{where}?next=%2F"))
