"""Priya Raman of Harbor Fitness, Maya Lindholm of another shop, and the portal they use."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from amends import settings
from amends.gateways import stripe
from sandbox.stripe_twin import transport
from sandbox.stripe_twin.world import World
from tests.backoffice import scene
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser, make_app


@pytest.fixture(autouse=True)
def own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each test stores its files in a folder of its own."""
    monkeypatch.setenv("AMENDS_FILES_URL", (tmp_path / "files").as_uri())
    monkeypatch.setattr(settings, "load", settings.Settings)


@pytest.fixture
async def harbor(db: None) -> Customers:
    """An account with order SO-10482, paid with two cards; Stripe is a twin in this process."""
    return await scene.harbor()


@pytest.fixture
async def river(harbor: Customers) -> Customers:
    """Another customer with an order of their own."""
    return await scene.shop(
        harbor.world,
        "ry-0356",
        "Riverbend Yoga",
        "hello@riverbendyoga.example",
        "SO-10497",
        (("4242424242424242", 1200_00),),
    )


@pytest.fixture
def world(harbor: Customers) -> World:
    return harbor.world


@pytest.fixture
async def visitor(harbor: Customers) -> AsyncIterator[Browser]:
    """Nobody is signed in."""
    browser = Browser(make_app())
    stripe.use(stripe.for_transport(transport.client_for(harbor.world)))
    yield browser
    await browser.http.aclose()


@pytest.fixture
async def priya(visitor: Browser, harbor: Customers) -> Browser:
    """Priya's browser, signed in."""
    await visitor.sign_in(harbor.priya)
    return visitor


@pytest.fixture
async def maya(visitor: Browser, river: Customers) -> AsyncIterator[Browser]:
    """Maya's browser, signed in; the same portal."""
    browser = Browser(visitor.http._transport.app)  # type: ignore[attr-defined]
    await browser.sign_in(river.priya)
    yield browser
    await browser.http.aclose()
