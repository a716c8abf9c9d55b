"""A shop with its people for every flow test."""

from collections.abc import Iterator

import pytest

from amends import clock
from amends.rules.people import Role, Staff
from tests import shop as shops
from tests.roles import under


@pytest.fixture(autouse=True)
def own_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker and the inbox act with the database rights of their processes."""
    under.acting(monkeypatch)


@pytest.fixture
def shop() -> Iterator[shops.Shop]:
    made = shops.Shop()
    made.take()
    yield made
    clock.use()
    assert made.world.drift == []


@pytest.fixture
async def sam(db: None, shop: shops.Shop) -> Staff:
    return await shops.person("Sam Ito", Role.AGENT)


@pytest.fixture
async def dana(db: None, shop: shops.Shop) -> Staff:
    return await shops.person("Dana Cole", Role.MANAGER)
