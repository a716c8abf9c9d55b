"""What axe finds wrong with a page, for everyone who reads it otherwise than most."""

from typing import Any, Final

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

_OPTIONS: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # Of what holds, one node each is enough: telling them all takes longer than finding them.
    "resultTypes": ["violations"],
}
_RUN: Final = "options => axe.run(options).then(found => found.violations)"


def violations(page: Page) -> list[str]:
    """Each broken rule with the first element that breaks it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(_RUN, _OPTIONS)
    return [f"{each['id']}: {each['nodes'][0]['html'][:160]}" for each in found]
