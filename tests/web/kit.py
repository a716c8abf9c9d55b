"""A small door to try the kit on, and a browser that behaves like one."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from amends.settings import Settings
from web import app, guards
from web.doors import Door

PORTAL = "https://billing.amends.example"
DESK = "https://desk.amends.example"
ISSUER = "https://id.amends.example"
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}


def settings(**changes: Any) -> Settings:
    values = {
        "portal_url": PORTAL,
        "backoffice_url": DESK,
        "oidc_issuer": ISSUER,
        "oidc_client_id": "amends-desk",
        "oidc_client_secret": "s" * 32,
        "secret_key": "k" * 40,
        "support_email": "help@amends.example",
    }
    return Settings(**(values | changes))


def make_app(
    routes: Sequence[guards.GuardedRoute], door: Door = Door.PORTAL, **changes: Any
) -> Starlette:
    return app.build(door=door, routes=list(routes), settings=settings(**changes))


def browser(application: Starlette, headers: Mapping[str, str] = SAME_ORIGIN) -> httpx2.AsyncClient:
    """Keeps cookies and says where a request comes from; follows no redirect by itself."""
    base = application.state.house.base_url
    transport = httpx2.ASGITransport(app=application, raise_app_exceptions=True)
    return httpx2.AsyncClient(transport=transport, base_url=base, headers=dict(headers))


async def ok(request: Request[Any]) -> Response:
    return PlainTextResponse("ok")
