"""A second manager, and settings that keep the worker's files in the test's own folder."""

from pathlib import Path

import pytest

from amends.rules.people import Role, Staff
from tests import shop as shops
from tests import shop_fixtures


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return shop_fixtures.keep_files_in(tmp_path, monkeypatch)


@pytest.fixture
async def ruth(db: None, shop: shops.Shop) -> Staff:
    return await shops.person("Ruth Adeyemi", Role.MANAGER)
