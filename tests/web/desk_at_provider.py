"""The desk, a browser at it, and the provider both talk to."""

import dataclasses
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from amends import clock
from tests.web import kit
from tests.web.fake_provider import FakeProvider
from web import guards, oidc, pages
from web.doors import Door


async def _sign_in(request: Request[Any]) -> Response:
    return await oidc.begin(request, next=request.query_params.get("next", "/"))


async def _again(request: Request[Any]) -> Response:
    return await oidc.begin(request, step_up=True, login_hint="dana@amends.example")


async def _callback(request: Request[Any]) -> Response:
    identity = dataclasses.asdict(await oidc.finish(request))
    return JSONResponse(identity | {"auth_time": identity["auth_time"].isoformat()})


async def _provider_logout(request: Request[Any]) -> Response:
    return JSONResponse(dataclasses.asdict(await oidc.provider_logout(request)))


async def _sign_out(request: Request[Any]) -> Response:
    there = await oidc.sign_out_address(request, "token", "/sign-in")
    return pages.leave(request, there or "/sign-in")


ROUTES = [
    guards.route("GET", "/", kit.ok, allow=guards.PUBLIC, name="start"),
    guards.route("GET", "/queue", kit.ok, allow=guards.PUBLIC, name="queue"),
    guards.route("GET", "/sign-in", _sign_in, allow=guards.PUBLIC),
    guards.route("GET", "/sign-in/again", _again, allow=guards.PUBLIC),
    guards.route("GET", oidc.CALLBACK, _callback, allow=guards.PUBLIC),
    guards.route("POST", "/sign-out", _sign_out, allow=guards.PUBLIC),
    guards.route("POST", "/sign-out/provider", _provider_logout, allow=guards.SIGNED),
]


class Desk:
    """The desk, a browser at it, and the provider both talk to."""

    def __init__(self, provider: FakeProvider, **settings: str) -> None:
        self.provider = provider
        self.app: Starlette = kit.make_app(ROUTES, Door.DESK)
        transport = httpx2.ASGITransport(app=provider.app)
        self.app.state.oidc = oidc.Provider(kit.settings(**settings), transport)
        self.browser = kit.browser(self.app)

    async def begin(self, path: str = "/sign-in") -> dict[str, str]:
        answer = await self.browser.get(path)
        assert answer.status_code == 303
        return self.provider.authorize(answer.headers["location"])

    async def finish(self, carried: dict[str, str]) -> httpx2.Response:
        return await self.browser.get(oidc.CALLBACK, params=carried)

    async def sign_in(self, path: str = "/sign-in") -> httpx2.Response:
        return await self.finish(await self.begin(path))


def now() -> int:
    return int(clock.now().timestamp())
