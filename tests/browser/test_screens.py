"""Every screen, narrow and wide, light and dark: no axe finding, no sideways scroll."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.demo import Demo
from tests.browser.screens import SCREENS, Screen, Visitors

pytestmark = pytest.mark.browser
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
def visitors(demo: Demo, chromium: Browser) -> Iterator[Visitors]:
    yield Visitors(chromium, demo)


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1440, "dark")])
@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_is_for_everyone(
    visitors: Visitors, screen: Screen, width: int, theme: Literal["light", "dark"]
) -> None:
    seat = visitors.seat(screen.by)
    seat.complaints.clear()
    seat.page.set_viewport_size({"width": width, "height": 900})
    seat.page.emulate_media(color_scheme=theme)
    page = visitors.show(screen).page
    found: dict[str, Any] = Axe().run(page, options=AXE).response
    told = [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found["violations"]]
    assert told == []
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{wide} px sideways"
    assert seat.complaints == []


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_screen_reflows_at_320_pixels(visitors: Visitors, screen: Screen) -> None:
    page = visitors.seat(screen.by).page
    page.set_viewport_size({"width": 320, "height": 700})
    page = visitors.show(screen).page
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
