"""LCP, CLS and INP of the main pages in headless Chromium: `python -m bench.vitals`.

The network is a slow phone's (150 ms, 1.6 Mbit/s down). LCP and CLS are taken of a first visit,
with nothing kept, and of a repeated one; INP of taps and keys with a processor slowed four times.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, StorageState, sync_playwright

from bench.result import Result
from tests.browser import demo as demos
from tests.browser import screens
from tests.browser.screens import CEDAR, DANA, HARBOR, Screen

PAGES = (
    Screen("sign in", "", "/sign-in"),
    Screen("start", "", "/"),
    Screen("new request", HARBOR, "/requests/new"),
    Screen("status page", CEDAR, "/requests/{first}", CEDAR),
    Screen("desk queue", DANA, "/queue?view=all"),
    Screen("desk case", DANA, "/cases/{ref}", "accounts@lakesidegym.example"),
    Screen("desk approval", DANA, "/approvals/{ref}", "bills@pulsepilates.example"),
)
# Milliseconds, but for CLS, which has no unit.
LCP_MS = {False: 1200.0, True: 1800.0}  # portal, desk
CLS, INP_MS = 0.01, 200.0
SLOW_4G = {
    "offline": False, "latency": 150,
    "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8,
}  # fmt: skip
SLOWED = 4
_WATCH = """
window.seen = { lcp: 0, cls: 0, inp: 0, taps: 0 };
const watch = (type, note, more) => new PerformanceObserver(
  list => list.getEntries().forEach(note)).observe({ type, buffered: true, ...more });
watch("largest-contentful-paint", each => { seen.lcp = each.startTime; });
watch("layout-shift", each => { if (!each.hadRecentInput) seen.cls += each.value; });
watch("event", each => { if (each.interactionId) {
  seen.taps += 1; seen.inp = Math.max(seen.inp, each.duration); } }, { durationThreshold: 16 });
"""
# What people tap first on a page, that leads nowhere else.
_TAPPED = "main input[type=radio], main summary, main textarea, main input[type=text], " \
    "main input[type=email], main input:not([type=hidden])"  # fmt: skip


@dataclass(frozen=True)
class Seen:
    lcp: float
    cls: float


@dataclass(frozen=True)
class Visit:
    """A page, and the cookies of whoever looks."""

    browser: Browser
    screen: Screen
    address: str
    cookies: StorageState

    @contextmanager
    def page(self) -> Iterator[tuple[Page, CDPSession]]:
        """A browser that keeps nothing of earlier visits."""
        wide = self.screen.is_desk
        context = self.browser.new_context(
            viewport={"width": 1440, "height": 900} if wide else {"width": 390, "height": 844},
            storage_state=self.cookies, locale="en-US",
        )  # fmt: skip
        page = context.new_page()
        page.add_init_script(_WATCH)
        try:
            yield page, context.new_cdp_session(page)
        finally:
            context.close()

    def seen(self, page: Page) -> Seen:
        page.goto(self.address, wait_until="load")
        for _ in range(40):
            page.wait_for_timeout(400)  # a late font or picture may still move something
            found = page.evaluate("seen")
            if found["lcp"] > 0:
                return Seen(found["lcp"], found["cls"])
        raise AssertionError(f"{self.address} showed nothing")

    def first_and_again(self) -> tuple[Seen, Seen]:
        with self.page() as (page, devtools):
            devtools.send("Network.enable")
            devtools.send("Network.emulateNetworkConditions", SLOW_4G)
            return self.seen(page), self.seen(page)

    def answer_ms(self) -> float | None:
        """The slowest answer to a tap or a key; None where there is nothing to tap."""
        with self.page() as (page, devtools):
            page.goto(self.address, wait_until="load")
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
            _used(page, self.screen.is_desk)
            found = page.evaluate("seen")
            return max(found["inp"], 8.0) if found["taps"] else None


def _used(page: Page, keys: bool) -> None:
    if keys:
        for key in ("j", "k", "?", "Escape"):
            page.keyboard.press(key)
    tapped = page.locator(_TAPPED).locator("visible=true")
    for place in range(min(3, tapped.count())):
        tapped.nth(place).click()
        page.keyboard.press("Tab")
    page.wait_for_timeout(600)


def run(quick: bool) -> list[Result]:
    rounds = 2 if quick else 5
    with demos.running() as demo, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=demos.chromium(), args=demos.FLAGS)
        visits = _visits(browser, demo)
        # Round by round, so that noise falls on all pages alike; the first warms the processes.
        _round(visits)
        taken, bare = [], []
        for _ in range(rounds):
            taken.append(_round(visits))
            bare.append(_bare(browser))
        browser.close()
    least = Result(f"{BARE}: INP", round(median(bare), 0), len(bare))
    return [least] + [row for visit in visits for row in _told(visit.screen, taken)]


def _visits(browser: Browser, demo: demos.Demo) -> list[Visit]:
    visitors, made = screens.Visitors(browser, demo), []
    for screen in PAGES:
        seat = visitors.show(screen)
        made.append(Visit(browser, screen, seat.page.url, seat.page.context.storage_state()))
    return made


BARE = "three bare fields"


def _bare(browser: Browser) -> float:
    """The same taps on a page with nothing but three fields: what the machine takes anyway."""
    page = browser.new_page()
    page.set_content("<main><input type=text><input type=text><input type=text></main>")
    page.evaluate(_WATCH)
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
    _used(page, keys=False)
    found = page.evaluate("seen.inp")
    page.close()
    return max(float(found), 8.0)


Round = Mapping[str, tuple[Seen, Seen, float | None]]


def _round(visits: Sequence[Visit]) -> Round:
    return {each.screen.name: (*each.first_and_again(), each.answer_ms()) for each in visits}


def _told(screen: Screen, taken: Sequence[Round]) -> list[Result]:
    rows = []
    for place, when in enumerate(("first visit", "repeated visit")):
        seen: list[Any] = [each[screen.name][place] for each in taken]
        lcp, cls = median(each.lcp for each in seen), max(each.cls for each in seen)
        name = f"{screen.name}, {when}"
        target = LCP_MS[screen.is_desk]
        rows += [
            Result(f"{name}: LCP", round(lcp, 0), len(seen), target=target),
            Result(f"{name}: CLS at most", round(cls, 4), len(seen), target=CLS, unit=""),
        ]
    answers = [each for round_ in taken if (each := round_[screen.name][2]) is not None]
    if answers:
        inp = round(median(answers), 0)
        rows.append(Result(f"{screen.name}: INP", inp, len(answers), target=INP_MS))
    return rows


if __name__ == "__main__":
    for row in run("--quick" in sys.argv):
        print(json.dumps(row.__dict__))
