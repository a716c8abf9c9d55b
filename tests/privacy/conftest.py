"""A shop with its people, and settings that keep the worker's files in the test's own folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from amends import clock, settings
from amends.rules.people import Role, Staff
from tests import shop as shops


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AMENDS_DATA_DIR", str(tmp_path))
    shops.with_webhook_secret(monkeypatch)
    monkeypatch.setattr(settings, "load", lambda: settings.Settings())
    return tmp_path


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
