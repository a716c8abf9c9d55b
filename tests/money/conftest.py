"""A shop with its people, for the proofs of the money engine."""

from collections.abc import Iterator

import pytest

from amends import clock
from amends.rules.people import Role, Staff
from tests import shop as shops


@pytest.fixture(autouse=True)
def webhook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    shops.with_webhook_secret(monkeypatch)


@pytest.fixture
def shop() -> Iterator[shops.Shop]:
    made = shops.Shop()
    made.take()
    yield made
    clock.use()


@pytest.fixture
async def sam(db: None, shop: shops.Shop) -> Staff:
    return await shops.person("Sam Ito", Role.AGENT)


@pytest.fixture
async def dana(db: None, shop: shops.Shop) -> Staff:
    return await shops.person("Dana Cole", Role.MANAGER)
