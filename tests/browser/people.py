"""A customer and members of staff, as they use the pages: by what they read on them."""

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field

from playwright.sync_api import Browser, Error, Page, expect

from tests.browser.demo import Demo


@dataclass
class Seat:
    """Somebody at a browser of their own; the console and the policies are listened to."""

    page: Page
    demo: Demo
    complaints: list[str] = field(default_factory=list)

    def main(self) -> str:
        return self.page.inner_text("main")

    def press(self, words: str) -> None:
        """The button or link with these words, in the main part of the page."""
        main = self.page.locator("main")
        found = main.get_by_role("button", name=words).or_(main.get_by_role("link", name=words))
        found.first.click()

    def choose(self, words: str) -> None:
        self.page.locator("main").get_by_label(words, exact=False).first.check()


def seat(chromium: Browser, demo: Demo, script: bool, width: int = 1440) -> Seat:
    """A new browser with nothing remembered."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=script, locale="en-US"
    )
    page = context.new_page()
    made = Seat(page, demo)
    # Chromium notes each answer of 400 or more by itself; everything else is ours.
    page.on(
        "console",
        lambda note: (
            made.complaints.append(note.text)
            if note.type in ("error", "warning")
            and "Failed to load resource" not in note.text
            and "Autofocus" not in note.text
            else None
        ),
    )
    page.set_default_timeout(20_000)
    return made


def sign_in_customer(at: Seat, address: str) -> None:
    before = at.demo.newest(address)
    at.page.goto(f"{at.demo.portal}/sign-in")
    at.page.fill("input[name=email]", address)
    at.page.click("main form button")
    text = at.demo.mail(address, "sign-in code", after=before)
    code = re.search(r"\b(\d{4}) (\d{4})\b", text)
    assert code is not None
    at.page.fill("input[name=code]", code[0])
    at.page.click("main form button")
    expect(at.page.locator("h1")).to_contain_text("Your requests")


def sign_in_staff(at: Seat, name: str) -> None:
    at.page.goto(f"{at.demo.desk}/sign-in")
    if "/idp/" not in at.page.url:
        at.page.locator("main").get_by_role("button").or_(
            at.page.locator("main").get_by_role("link")
        ).first.click()
    at.page.get_by_role("button", name=re.compile(name)).first.click()
    at.page.wait_for_url(f"{at.demo.desk}/**")


def until(at: Seat, words: str, within_s: float = 40) -> None:
    """Read the page again until it says so; without script that is what people do."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if words in at.main():
            return
        time.sleep(0.5)
        with suppress(Error):  # the page is on its way elsewhere by itself
            at.page.reload()
    raise AssertionError(f"'{words}' never came up on {at.page.url}:\n{at.main()}")
