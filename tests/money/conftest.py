"""What the proofs of the money engine need of the settings."""

import pytest

from tests import shop as shops


@pytest.fixture(autouse=True)
def webhook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    shops.with_webhook_secret(monkeypatch)
