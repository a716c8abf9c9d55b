"""Every screen, narrow and wide, light and dark: no axe finding, no sideways scroll."""

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import barriers
from tests.browser.demo import Demo
from tests.browser.screens import SCREENS, Screen, Visitors

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def visitors(demo: Demo, chromium: Browser) -> Iterator[Visitors]:
    yield Visitors(chromium, demo)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_is_for_everyone(visitors: Visitors, screen: Screen) -> None:
    """Loaded once: the server does not know the width or the colors, only the style sheet does."""
    seat = visitors.seat(screen.by)
    seat.complaints.clear()
    page = seat.page
    _look(page, 390, "light")
    visitors.show(screen)
    _has_no_barrier(page)
    _look(page, 320, "light")
    assert _sideways(page) <= 0, "at 320 px, which is 1280 px at four times the size"
    _look(page, 1440, "dark")
    _has_no_barrier(page)
    assert seat.complaints == []


def _look(page: Page, width: int, theme: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    # Without motion: a color on its way from light to dark is neither.
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")


def _has_no_barrier(page: Page) -> None:
    assert barriers.violations(page) == []
    assert _sideways(page) <= 0


def _sideways(page: Page) -> int:
    """By how many pixels the page can be scrolled sideways."""
    found: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return found
