"""Some seeds of the simulation with every test run; `make simulate` runs as many as you like."""

import secrets
from collections.abc import AsyncIterator

import pytest
from tortoise import Tortoise

from amends import clock, database, embedded
from amends.rules.people import Role
from tests import shop as shops
from tests.simulate import story

SEEDS = range(1, 26)
# One whose plan goes over the desk, one with kills, one with many faults, one with late requests.
REPLAYED = (3, 7, 14, 39)


@pytest.fixture
async def people(fresh_db: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    shops.with_webhook_secret(monkeypatch)
    shops.Shop().take()
    story.PEOPLE["sam"] = await shops.person("Sam Ito", Role.AGENT)
    story.PEOPLE["dana"] = await shops.person("Dana Cole", Role.MANAGER)
    yield
    story.PEOPLE.clear()
    clock.use()


@pytest.mark.usefixtures("people")
async def test_it_holds_every_invariant_in_25_seeds() -> None:
    for seed in SEEDS:
        await story.tell(seed)


async def _in_a_database_of_its_own(server: embedded.Server, template: str) -> list[story.Report]:
    name = "replay_" + secrets.token_hex(4)
    embedded.create_database(server, name, template)
    context = await Tortoise.init(
        config=database.config(server.url(name), 8), _enable_global_fallback=True
    )
    try:
        with context:
            shops.Shop().take()
            story.PEOPLE["sam"] = await shops.person("Sam Ito", Role.AGENT)
            story.PEOPLE["dana"] = await shops.person("Dana Cole", Role.MANAGER)
            return [await story.tell(seed) for seed in REPLAYED]
    finally:
        await context.close_connections()
        clock.use()


async def test_a_seed_replays_exactly(
    postgres: embedded.Server, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same turns, kills, faults and end, so that a failing seed can be looked into."""
    shops.with_webhook_secret(monkeypatch)
    first = await _in_a_database_of_its_own(postgres, template)
    second = await _in_a_database_of_its_own(postgres, template)
    for one, other in zip(first, second, strict=True):
        assert one.trace == other.trace
        assert (one.status, one.steps, one.kills) == (other.status, other.steps, other.kills)
