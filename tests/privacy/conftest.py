"""Settings that keep the worker's files in the test's own folder."""

from pathlib import Path

import pytest

from tests import shop_fixtures


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return shop_fixtures.keep_files_in(tmp_path, monkeypatch)
