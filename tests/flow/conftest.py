"""Every flow test runs with the rights of its process."""

import pytest

from tests.roles import under


@pytest.fixture(autouse=True)
def own_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker and the inbox act with the database rights of their processes."""
    under.acting(monkeypatch)
