"""One demo for all browser tests."""

from collections.abc import Iterator

import pytest

from tests.browser import demo as demos


@pytest.fixture(scope="session")
def demo() -> Iterator[demos.Demo]:
    with demos.running() as found:
        yield found
