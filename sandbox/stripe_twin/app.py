"""The twin as an ASGI app: the API under /v1, hosted pages under /pages, control under /_twin."""

import anyio
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.stripe_twin.calls import Answer, Call
from sandbox.stripe_twin.control import Control
from sandbox.stripe_twin.faults import Hangup, Silence
from sandbox.stripe_twin.hosted import rendering
from sandbox.stripe_twin.hosted.authentication import AuthenticationPages
from sandbox.stripe_twin.hosted.checkout import CheckoutPages
from sandbox.stripe_twin.hosted.paper import PaperPages
from sandbox.stripe_twin.hosted.portal import PortalPages
from sandbox.stripe_twin.world import World

# A silent connection is dropped in the end, so that no client without a time limit hangs.
_SILENCE_S = 120.0


def create_app(world: World) -> Starlette:
    """One app for one world. May be mounted under a prefix; world.public_url says which."""
    routes = [
        Route("/v1/{path:path}", ApiEndpoint(world)),
        Route("/pages/hosted.css", rendering.stylesheet),
        *CheckoutPages(world).routes(),
        *AuthenticationPages(world).routes(),
        *PaperPages(world).routes(),
        *PortalPages(world).routes(),
        *Control(world).routes(),
    ]
    app = Starlette(routes=routes)
    app.state.world = world
    return app


class ApiEndpoint:
    """Reads the request, asks the world, and breaks the connection where a fault says so."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Only servers put a lifespan state into the scope; httpx's in-process transport does not.
        over_socket = "state" in scope
        request = Request(scope, receive)
        try:
            answer = await self._world.handle(await _call(request))
        except (Hangup, Silence) as fault:
            if not over_socket:
                raise _as_httpx(fault, request) from None
            await _break(fault, receive, send)
        else:
            await _response(answer)(scope, receive, send)


async def _call(request: Request) -> Call:
    return Call(
        request.method,
        "/v1/" + request.path_params["path"],
        request.url.query,
        request.headers,
        await request.body(),
    )


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers)


def _as_httpx(fault: Hangup | Silence, request: Request) -> httpx.TransportError:
    """What httpx raises when a real connection does this."""
    asked = httpx.Request(request.method, str(request.url))
    if isinstance(fault, Silence):
        return httpx.ReadTimeout("The read operation timed out", request=asked)
    return httpx.RemoteProtocolError(
        "Server disconnected without sending a response.", request=asked
    )


async def _break(fault: Hangup | Silence, receive: Receive, send: Send) -> None:
    """Silence waits for the caller to give up; then, as for a hang-up, the connection closes."""
    if isinstance(fault, Silence):
        with anyio.move_on_after(_SILENCE_S):
            while (await receive())["type"] != "http.disconnect":
                pass
    # The server closes the connection when an announced body does not come.
    headers = [(b"content-length", b"9999")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
