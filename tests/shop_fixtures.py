"""A shop with its people, for every folder that does not make its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from amends import clock
from amends.rules.people import Role, Staff
from tests import shop as shops


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


def keep_files_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings under which the worker's files stay in the test's own folder."""
    monkeypatch.setenv("AMENDS_DATA_DIR", str(folder))
    shops.with_webhook_secret(monkeypatch)
    return folder
