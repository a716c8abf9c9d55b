"""A world with Priya Raman in it, and the real Stripe library talking to it in-process."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import httpx2
import pytest
import stripe

from sandbox.stripe_twin import drift
from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.transport import client_for
from sandbox.stripe_twin.world import World

stripe.enable_telemetry = False

# A Monday, noon UTC.
MONDAY = 1_795_435_200.0


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = MONDAY

    def __call__(self) -> float:
        return self.time


@dataclass
class Shop:
    """What most tests need: the world, a client and a customer with a card."""

    world: World
    client: stripe.StripeClient
    clock: Clock
    customer: str
    card: str

    def charge(self, amount: int = 6000, *, card: str | None = None, days_ago: int = 5) -> str:
        """A succeeded charge of some days ago; returns its id."""
        found = self.world.add_charge(
            self.customer,
            card or self.card,
            amount,
            "usd",
            created=self.clock.time - days_ago * DAY,
            description="Deposit",
            metadata={"order": "ORD-1"},
        )
        return str(found["id"])

    def new_card(self, number: str) -> str:
        return str(self.world.add_card(self.customer, number)["id"])

    async def refund(self, charge: str, **params: object) -> stripe.Refund:
        return await self.client.v1.refunds.create_async({"charge": charge, **params})

    def kinds(self) -> list[str]:
        """The types of all events so far."""
        return [event["type"] for event in self.world.events]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    clock = Clock()
    world = World(seed=7, now=clock)
    http = client_for(world)
    client = stripe.StripeClient("sk_test_twin", http_client=http, max_network_retries=2)
    priya = world.add_customer(
        "billing@harborfitness.example", "Priya Raman", {"tenant": "hf-0213"}
    )
    card = world.add_card(priya["id"], "4242424242424242")
    yield Shop(world, client, clock, priya["id"], card["id"])
    assert world.drift == []
    assert [line for event in world.events for line in drift.find(event)] == []
    assert world.jobs.failures == []
    await http.close_async()


@pytest.fixture
def client_with(shop: Shop) -> Callable[..., stripe.StripeClient]:
    """Another client of the same world: other key, other number of retries."""

    def make(key: str = "sk_test_twin", retries: int = 0) -> stripe.StripeClient:
        http = client_for(shop.world)
        return stripe.StripeClient(key, http_client=http, max_network_retries=retries)

    return make


@pytest.fixture
async def browser(shop: Shop) -> AsyncIterator[httpx2.AsyncClient]:
    """Visits hosted pages and the control API; does not follow redirects by itself."""
    transport = httpx2.ASGITransport(app=create_app(shop.world))
    async with httpx2.AsyncClient(transport=transport, base_url="http://twin.test") as client:
        yield client


@pytest.fixture
def clock() -> Clock:
    return Clock()
