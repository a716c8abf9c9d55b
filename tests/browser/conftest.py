"""One demo and one Chromium for all browser tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import demo as demos


@pytest.fixture(scope="session")
def demo() -> Iterator[demos.Demo]:
    with demos.running() as found:
        yield found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=demos.chromium(), args=demos.FLAGS)
        yield browser
        browser.close()
