"""Takes docs/screens/: `python -m tests.browser.pictures [name ...]`, each at 390 and 1440 px,
light and dark."""

import sys
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser import demo as demos
from tests.browser.screens import SCREENS, Screen, Visitors

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
WIDTHS = (390, 1440)
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# A page longer than this is cut: the picture is for looking at, not for reading it all.
_TALLEST = 2400


def main() -> None:
    chosen = [each for each in SCREENS if not sys.argv[1:] or each.name in sys.argv[1:]]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demos.running() as demo, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=demos.chromium(), args=demos.FLAGS)
        visitors = Visitors(browser, demo)
        for screen in chosen:
            _take(visitors, screen)
        browser.close()


def _take(visitors: Visitors, screen: Screen) -> None:
    for width in WIDTHS:
        for theme in THEMES:
            page = visitors.seat(screen.by).page
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            shown = visitors.show(screen).page.screenshot(full_page=True)
            _save(shown, FOLDER / f"{screen.name}-{width}-{theme}.png")


def _save(shot: bytes, path: Path) -> None:
    """128 colours are enough for flat pages and keep the folder small."""
    picture = Image.open(BytesIO(shot)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, _TALLEST)))
    picture.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
