"""Where `next` may lead: forty ways out, none of which works."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from tests.web import kit
from web import guards, pages, paths

BYPASSES = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "http:evil.example",
    "http:/evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "/%2f/evil.example",
    "/%2fevil.example",
    "/%5cevil.example",
    "/%09/evil.example",
    "/%0d%0aLocation:%20https://evil.example",
    "/%252fevil.example",
    "/./evil.example",
    "/.//evil.example",
    "/../evil.example",
    "/queue/..//evil.example",
    "/queue//evil.example",
    "/%2e%2e//evil.example",
    "//evil.example/%2f..",
    "/@evil.example//",
    "//evil.example@billing.amends.example",
    "https://billing.amends.example.evil.example",
    "evil.example",
    "queue",
    "?next=//evil.example",
    "#//evil.example",
    "/\u2215evil.example",
    "/\uff0fevil.example",
    "/\x00/evil.example",
    "",
    "/" + "a" * 400,
    "ftp://evil.example",
    "/sign-in",
    "/sign-in?next=/sign-in",
    "/sign-out",
    "/nowhere",
    "/queue/\u202egro",
]


async def _next(request: Request[Any]) -> Response:
    return PlainTextResponse(paths.safe_next(request, request.query_params.get("next")))


async def _go(request: Request[Any]) -> Response:
    return pages.see_other(request, request.query_params["to"])


ROUTES = [
    guards.route("GET", "/", kit.ok, allow=guards.PUBLIC, name="start"),
    guards.route("GET", "/queue", kit.ok, allow=guards.PUBLIC, name="queue"),
    guards.route("GET", "/requests/{ref}", kit.ok, allow=guards.PUBLIC, name="case"),
    guards.route("POST", "/post-only", kit.ok, allow=guards.PUBLIC, name="post"),
    guards.route("GET", "/next", _next, allow=guards.PUBLIC),
    guards.route("GET", "/go", _go, allow=guards.PUBLIC),
]


async def _landed(path: str | None) -> str:
    params = {} if path is None else {"next": path}
    return (await kit.browser(kit.make_app(ROUTES)).get("/next", params=params)).text


@pytest.mark.req("T48", "V1.2.2")
@pytest.mark.parametrize("bypass", BYPASSES)
async def test_a_way_out_lands_on_the_start_page(bypass: str) -> None:
    assert len(BYPASSES) >= 40
    assert await _landed(bypass) == "/"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/queue",
        "/queue?view=mine&page=2",
        "/requests/RB-2417",
        "/requests/RB-2417?to=%2Fqueue",
    ],
)
async def test_our_own_pages_are_kept(path: str) -> None:
    assert await _landed(path) == path


async def test_what_is_not_a_page_to_look_at_is_not_kept() -> None:
    assert await _landed("/post-only") == "/"
    assert await _landed(None) == "/"


OTHERS = ["https://checkout.stripe.com/c/pay/cs_1", "https://billing.stripe.com/p/session/x"]


@pytest.mark.req("V3.7.2")
@pytest.mark.parametrize("url", [*OTHERS, "/queue", "/queue#order"])
async def test_a_redirect_leads_to_us_or_a_listed_origin(url: str) -> None:
    answer = await kit.browser(kit.make_app(ROUTES)).get("/go", params={"to": url})
    assert (answer.status_code, answer.headers["location"]) == (303, url)


@pytest.mark.req("V3.7.2")
@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example",
        "https://checkout.stripe.com.evil.example/",
        "//checkout.stripe.com",
        "http://checkout.stripe.com/",
        "https://checkout.stripe.com@evil.example/",
        "javascript:x",
        "https://checkout.stripe.com:444/",
    ],
)
async def test_a_redirect_to_anywhere_else_is_our_mistake(url: str) -> None:
    answer = await kit.browser(kit.make_app(ROUTES)).get("/go", params={"to": url})
    assert answer.status_code == 500
    assert "location" not in answer.headers


async def test_htmx_is_told_to_go_as_a_whole_page() -> None:
    answer = await kit.browser(kit.make_app(ROUTES)).get(
        "/go", params={"to": "/queue"}, headers={"hx-request": "true"}
    )
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/queue")
    assert "location" not in answer.headers


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_choosing_an_appearance_leads_nowhere_else(to: str) -> None:
    browser = kit.browser(kit.make_app(ROUTES))
    answer = await browser.post("/theme", data={"theme": "dark", "to": to})
    assert answer.headers["location"] == "/"


async def _here(request: Request[Any]) -> Response:
    return PlainTextResponse(paths.came_from(request))


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("/in/a?view=all&q=x", "/in/a?view=all&q=x"),
        ("/in/a", "/in/a"), ("/in/a%3Fb", "/in/a%3Fb"),
        ("/in/a%23b?q=1", "/in/a%23b?q=1"), ("/in/a%20b", "/"),
        ("/in/a?q=%3Cb%3E", "/in/a?q=%3Cb%3E"),
    ],
)  # fmt: skip
async def test_the_page_asked_for_is_remembered_as_it_was_asked(asked: str, kept: str) -> None:
    app = kit.make_app([guards.route("GET", "/in/{name:path}", _here, allow=guards.PUBLIC)])
    assert (await kit.browser(app).get(asked)).text == kept
