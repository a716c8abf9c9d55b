"""The base pages in Chromium: no policy broken, no axe finding, and safe from what people write."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser import barriers
from tests.web import samples
from web.doors import Door

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", params=list(Door))
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with samples.serve(request.param) as found:
        yield found


@pytest.fixture(scope="module")
def desk() -> Iterator[str]:
    with samples.serve(Door.DESK) as found:
        yield found


@dataclass
class Seen:
    """A page, and what its console and network said."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def complaints(self) -> list[str]:
        # Chromium notes every answer of 400 or more, and an autofocus that came too late for it.
        own = ("Failed to load resource", "Autofocus processing")
        return [text for text in self.console if not text.startswith(own)]


def _open(
    chromium: Browser, address: str, width: int = 1440, scheme: str = "light", script: bool = True
) -> Seen:
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        java_script_enabled=script,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.new_page().goto(address + "/enter")
    seen = Seen(context.new_page())
    seen.page.on("console", lambda message: seen.console.append(message.text))
    seen.page.on("pageerror", lambda error: seen.console.append(str(error)))
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    return seen


@pytest.mark.req("V3.4.3", "T39")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_and_no_policy_is_broken(
    chromium: Browser, address: str, width: int, scheme: str
) -> None:
    for path, post in (("/form", False), ("/form", True), ("/nowhere", False)):
        seen = _open(chromium, address, width, scheme)
        seen.page.goto(address + path)
        if post:
            seen.page.click("text=Continue")
            seen.page.wait_for_selector(".errsum")
        assert barriers.violations(seen.page) == []
        assert seen.complaints() == []
        seen.page.context.close()


def test_a_planted_barrier_is_found(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content("<html lang=en><title>A</title><main><h1>Refund</h1><img src='data:,'></main>")
    page.evaluate("document.body.style.color = '#ddd'")
    found = {told.partition(":")[0] for told in barriers.violations(page)}
    assert found == {"image-alt", "color-contrast"}
    page.close()


@pytest.mark.parametrize("path", ["/form", "/nowhere"])
def test_nothing_scrolls_sideways_at_320(chromium: Browser, address: str, path: str) -> None:
    seen = _open(chromium, address, 320)
    seen.page.goto(address + path)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 320
    seen.page.context.close()


def test_errors_take_the_focus_without_script(chromium: Browser, address: str) -> None:
    seen = _open(chromium, address, script=False)
    seen.page.goto(address + "/form")
    seen.page.click("text=Continue")
    assert seen.page.title().startswith("Error: ")
    assert seen.page.locator(":focus").get_attribute("class") == "errsum"
    seen.page.click(".errsum a")
    assert seen.page.locator(":focus").get_attribute("id") == "amount"
    seen.page.context.close()


def test_the_appearance_is_kept_without_script(chromium: Browser, address: str) -> None:
    seen = _open(chromium, address, script=False)
    seen.page.goto(address + "/form?tab=2")
    seen.page.click("button:text-is('Dark')")
    assert seen.page.url == address + "/form?tab=2"
    assert seen.page.locator("html").get_attribute("data-theme") == "dark"
    seen.page.context.close()


def test_the_desk_swaps_errors_in_and_goes_on(chromium: Browser, desk: str) -> None:
    seen = _open(chromium, desk)
    seen.page.goto(desk + "/form")
    seen.page.click("text=Continue")
    seen.page.wait_for_selector(".errsum")
    assert seen.page.evaluate("document.activeElement.className") == "errsum"
    seen.page.fill("#amount", "5")
    seen.page.click("text=Continue")
    seen.page.wait_for_url("**/done")
    assert seen.page.input_value("#story") == "All done"
    assert seen.complaints() == []
    seen.page.context.close()


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("gone", "We cannot find that page"),
        ("boom", "Something went wrong on our side"),
    ],
)
def test_an_error_shows_at_the_top_and_nothing_typed_is_lost(
    chromium: Browser, desk: str, amount: str, words: str
) -> None:
    seen = _open(chromium, desk)
    seen.page.goto(desk + "/form")
    seen.page.fill("#story", "A long story")
    seen.page.fill("#amount", amount)
    seen.page.click("text=Continue")
    seen.page.wait_for_selector("#flash .errsum")
    assert words in seen.page.inner_text("#flash")
    assert seen.page.input_value("#story") == "A long story"
    assert seen.page.evaluate("document.activeElement.className").startswith("errsum")
    assert seen.complaints() == []
    seen.page.context.close()


@pytest.mark.req("T39", "V3.2.2")
def test_what_a_customer_wrote_is_text(chromium: Browser, address: str) -> None:
    seen = _open(chromium, address)
    seen.page.goto(address + "/form")
    assert seen.page.inner_text("#told") == samples.HOSTILE
    assert seen.page.title().startswith("Which charge")
    assert seen.complaints() == []
    seen.page.context.close()


@pytest.mark.req("T39", "T40")
def test_even_unescaped_on_the_desk_it_can_do_nothing(chromium: Browser, desk: str) -> None:
    """A mistake in a template is caught by the policy and by the nonce on htmx elements."""
    samples.STOLEN.clear()
    seen = _open(chromium, desk)
    seen.page.goto(desk + "/form?raw")
    seen.page.wait_for_timeout(500)
    assert samples.STOLEN == []
    assert "owned" not in seen.page.title()
    assert seen.complaints() != []
    seen.page.context.close()


@pytest.mark.req("T39", "T40")
def test_a_slow_network_leaves_no_moment_without_the_guard(chromium: Browser, desk: str) -> None:
    """htmx starts as soon as it is there: what comes after it in a file of its own is too late."""
    samples.STOLEN.clear()
    seen = _open(chromium, desk)
    scripts: list[str] = []

    def late(route: Route) -> None:
        scripts.append(route.request.url)
        if len(scripts) > 1:
            seen.page.wait_for_timeout(700)
        route.continue_()

    seen.page.route("**/*.js*", late)
    seen.page.goto(desk + "/form?raw")
    seen.page.wait_for_timeout(300)
    assert scripts
    assert samples.STOLEN == []
    seen.page.context.close()


def test_letters_move_the_focus_and_never_send(chromium: Browser, desk: str) -> None:
    seen = _open(chromium, desk)
    seen.page.goto(desk + "/form")
    seen.page.keyboard.press("/")
    assert seen.page.evaluate("document.activeElement.id") == "gs"
    seen.page.keyboard.type("jk?")
    assert seen.page.input_value("#gs") == "jk?"
    seen.page.locator("h1").click()
    before = len(seen.requests)
    for key in "jkxdrnis[]":
        seen.page.keyboard.press(key)
    assert len(seen.requests) == before
    seen.page.keyboard.press("?")
    assert seen.page.locator("#keys").is_visible()
    seen.page.context.close()


@pytest.mark.req("T62", "V14.3.1", "V14.3.3")
def test_after_signing_out_going_back_shows_nothing(chromium: Browser, address: str) -> None:
    """The next user of the computer."""
    seen = _open(chromium, address)
    seen.page.goto(address + "/form")
    assert seen.page.evaluate("localStorage.length + sessionStorage.length") == 0
    seen.page.click("text=Sign out")
    seen.page.wait_for_url("**/enter-again")
    seen.page.go_back()
    seen.page.wait_for_url("**/sign-in?next=*")
    assert "Which charge" not in seen.page.content()
    assert seen.page.evaluate("localStorage.length + sessionStorage.length") == 0
    seen.page.context.close()


def test_polling_says_that_nobody_asked(chromium: Browser, address: str) -> None:
    seen = _open(chromium, address)
    seen.page.goto(address + "/form")
    seen.page.wait_for_selector("text=In the background")
    assert seen.complaints() == []
    seen.page.context.close()


def test_pages_are_light(chromium: Browser, address: str) -> None:
    """Bytes on the wire on the first visit: a phone on a slow line is a customer too."""
    seen = _open(chromium, address)
    session = seen.page.context.new_cdp_session(seen.page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    seen.page.goto(address + "/form", wait_until="networkidle")
    desk = seen.page.locator("html").get_attribute("class") == "desk"
    assert sum(sizes) < (95_000 if desk else 40_000), sizes
    seen.page.context.close()
