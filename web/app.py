"""Builds a door: its routes, and around them everything no handler should have to think of."""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from amends import database, keyring
from amends.rights import Process
from amends.settings import Settings, project_root
from web import basics, compression, errors, guards, logs, pages, paths, security, sessions
from web.assets import Assets
from web.doors import LIMITS, Door, House

_PROCESSES = {Door.PORTAL: Process.PORTAL, Door.DESK: Process.BACKOFFICE}
_STRIPE_PAGES = ("https://checkout.stripe.com", "https://billing.stripe.com")


def build(
    *,
    door: Door,
    routes: Sequence[guards.GuardedRoute],
    settings: Settings,
    form_action: Iterable[str] = (),
) -> Starlette:
    """One door as an ASGI app. `form_action`: further origins its forms may lead to."""
    logs.configure()
    every = (*routes, *basics.routes(door))
    home = _house(door, every, settings, (*_known_origins(door, settings), *form_action))
    app = Starlette(
        routes=[Mount("/static", app=home.assets), *every],
        middleware=_middleware(home),
        exception_handlers=errors.handlers(),
        lifespan=_lifespan,
    )
    app.state.house = home
    return app


def _house(
    door: Door,
    routes: tuple[guards.GuardedRoute, ...],
    settings: Settings,
    origins: tuple[str, ...],
) -> House:
    assets = Assets(project_root() / "static")
    names = _named(routes)
    return House(
        door=door,
        settings=settings,
        assets=assets,
        templates=pages.environment(project_root() / "templates", settings, assets, names),
        routes=names,
        all_routes=routes,
        origins=tuple(dict.fromkeys(origin for origin in origins if origin)),
        limits=LIMITS[door],
        # Without a key of the operator's, sign-ins under way end with the process; no more.
        keys=keyring.keys(settings) or (keyring.Key("once", secrets.token_bytes(32)),),
    )


def _named(routes: Iterable[guards.GuardedRoute]) -> dict[str, guards.GuardedRoute]:
    """Routes by name; GET and POST of one path may share theirs, two paths may not."""
    names: dict[str, guards.GuardedRoute] = {}
    ambiguous = set()
    for route in routes:
        if names.setdefault(route.name, route).path != route.path:
            ambiguous.add(route.name)
    return {name: route for name, route in names.items() if name not in ambiguous}


def _known_origins(door: Door, settings: Settings) -> tuple[str, ...]:
    if door is Door.DESK:
        return (paths.origin(settings.oidc_issuer),)
    theirs = (
        (paths.origin(settings.customer_oidc_issuer),) if settings.customers_have_provider else ()
    )
    if settings.is_at_stripe:
        return (*_STRIPE_PAGES, *theirs)
    return (*_STRIPE_PAGES, paths.origin(settings.stripe_api_base), *theirs)


def _middleware(home: House) -> list[Middleware]:
    """Outermost first."""
    exempt = tuple(r for r in home.all_routes if getattr(r, "allow", None) == guards.SIGNED)
    return [
        Middleware(security.HeadersMiddleware, door=home.door, origins=home.origins),
        Middleware(compression.CompressionMiddleware),
        Middleware(errors.FaultsMiddleware),
        Middleware(security.GateMiddleware, base_url=home.base_url, exempt=exempt),
        Middleware(security.BodyLimitMiddleware),
        Middleware(sessions.SessionMiddleware),
    ]


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    home: House = app.state.house
    await database.connect(home.settings, process=_PROCESSES[home.door])
    try:
        yield
    finally:
        await database.disconnect()
