"""The whole sandbox as one ASGI application, with what runs beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from sandbox import control, identity, mailbox, pages
from sandbox.clock import Clock
from sandbox.config import SandboxConfig
from sandbox.control import Outside
from sandbox.guard import Guard
from sandbox.stripe_twin import app as twin_app
from sandbox.stripe_twin import deliver
from sandbox.stripe_twin.errors import ApiError
from sandbox.stripe_twin.world import World

_STATIC = pages.HERE / "static"


def create_app(config: SandboxConfig) -> Starlette:
    return compose(config, outside(config))


def outside(config: SandboxConfig) -> Outside:
    """Builds the neighbours. Nothing listens yet, but the mail server has its port."""
    clock = Clock(config.clock_file, country=config.country, zone=config.time_zone)
    inbox = mailbox.Mailbox(config.state_dir / "mail", clock.now)
    return Outside(
        clock=clock,
        world=_world(config, clock),
        provider=_provider(config, clock),
        mail=mailbox.Server(inbox, config.smtp_port),
        links=config.links,
    )


def compose(config: SandboxConfig, neighbours: Outside) -> Starlette:
    desk = mailbox.Desk(neighbours.mail.mailbox, neighbours.clock.now, config.inbox)
    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=_STATIC)),
            Mount("/stripe", twin_app.create_app(neighbours.world)),
            Mount("/idp", identity.create_app(neighbours.provider)),
            Mount("/mailbox", mailbox.create_app(desk)),
            *control.routes(),
        ],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: _explain, ApiError: _explain_refusal},
        lifespan=_lifespan(neighbours),
    )
    app.state.outside = neighbours
    return app


def _world(config: SandboxConfig, clock: Clock) -> World:
    world = World(
        seed=config.seed,
        now=lambda: clock.now().timestamp(),
        state_file=config.state_dir / "stripe.jsonl",
        public_url=f"{config.url}/stripe",
    )
    if config.webhook_url:
        world.add_endpoint(config.webhook_url, config.webhook_secret)
    return world


def _provider(config: SandboxConfig, clock: Clock) -> identity.Provider:
    return identity.Provider(
        issuer=f"{config.url}/idp",
        client_id=config.oidc_client_id,
        client_secret=config.oidc_client_secret,
        redirect_uris=[config.desk_url + config.oidc_redirect_path],
        backchannel_logout_uri=config.desk_url + config.oidc_backchannel_path,
        now=clock.now,
        state_dir=config.state_dir,
    )


def _lifespan(
    neighbours: Outside,
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await neighbours.mail.start()
        deliveries = asyncio.create_task(deliver.run(neighbours.world))
        try:
            yield
        finally:
            deliveries.cancel()
            with suppress(asyncio.CancelledError):
                await deliveries
            await neighbours.mail.stop()

    return lifespan


async def _explain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return pages.page(request, "error.html", error.status_code, error=error)


async def _explain_refusal(request: Request, error: Exception) -> Response:
    """A button asked for something that Stripe does not allow, such as a refund of too much."""
    return await _explain(request, HTTPException(422, str(error)))
