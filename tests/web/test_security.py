"""Every answer carries its headers; every request is from where it should be, and small enough."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from amends import facts
from tests.web import kit
from web import forms, guards, pages, security
from web.doors import Door


def _raises(error: Exception) -> Callable[[Request[Any]], Awaitable[Response]]:
    async def handler(request: Request[Any]) -> Response:
        raise error

    return handler


async def _page(request: Request[Any]) -> Response:
    return pages.page(
        request, "errors/404.html", frame="errors/_page.html", base="parts/portal_base.html"
    )


async def _file(request: Request[Any]) -> Response:
    return pages.download(request, b"%PDF-1.7", "proof.pdf", "application/pdf")


async def _form(request: Request[Any]) -> Response:
    class Anything(BaseModel):
        text: str = ""

    await forms.bind(request, Anything, max_files=1)
    return PlainTextResponse("taken")


async def _body(request: Request[Any]) -> Response:
    return PlainTextResponse(str(len(await request.body())))


STATUSES = (400, 401, 403, 404, 405, 409, 413, 415, 418, 422, 429, 500, 502, 503)
ROUTES = [
    guards.route("GET", "/", _page, allow=guards.PUBLIC, name="start"),
    guards.route("GET", "/file", _file, allow=guards.PUBLIC),
    guards.route("GET", "/inside", kit.ok, allow=guards.CUSTOMER, name="inside"),
    guards.route("POST", "/form", _form, allow=guards.PUBLIC),
    guards.route("PUT", "/form", _form, allow=guards.PUBLIC, name="put"),
    guards.route("DELETE", "/form", _form, allow=guards.PUBLIC, name="delete"),
    guards.route("POST", "/large", _form, allow=guards.PUBLIC, max_body=300_000, name="large"),
    guards.route("POST", "/webhook", _body, allow=guards.SIGNED, max_body=1000),
    guards.route("GET", "/boom", _raises(RuntimeError("inside")), allow=guards.PUBLIC, name="b"),
    guards.route("GET", "/down", _raises(ConnectionRefusedError()), allow=guards.PUBLIC, name="d"),
    guards.route(
        "GET", "/slow", _raises(facts.TooMany("Slow.", 61)), allow=guards.PUBLIC, name="s"
    ),
    guards.route("GET", "/gone", _raises(ClientDisconnect()), allow=guards.PUBLIC, name="g"),
    *[
        guards.route(
            "GET",
            f"/{status}",
            _raises(HTTPException(status)),
            allow=guards.PUBLIC,
            name=str(status),
        )
        for status in STATUSES
    ],
]


@pytest.fixture(params=list(Door))
def app(request: pytest.FixtureRequest) -> Starlette:
    return kit.make_app(ROUTES, request.param)


@pytest.fixture
async def browser(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    async with kit.browser(app) as client:
        yield client


REQUESTS = [
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/nowhere"),
    ("GET", "/static/"),
    ("GET", "/.git/config"),
    ("GET", "/static/app.css"),
    ("GET", "/inside"),
    ("GET", "/file"),
    ("POST", "/form"),
    ("POST", "/theme"),
    ("TRACE", "/"),
    ("OPTIONS", "/"),
    ("PATCH", "/form"),
    ("GET", "/boom"),
    ("GET", "/down"),
    ("GET", "/slow"),
    *[("GET", f"/{status}") for status in STATUSES],
]


@pytest.mark.req("V3.4.1", "V3.4.4", "V3.4.5", "V3.4.6", "T38")
@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_every_answer_carries_the_headers(
    browser: httpx2.AsyncClient, method: str, path: str
) -> None:
    headers = (await browser.request(method, path)).headers
    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert re.fullmatch(r"[0-9A-Z]{10}", headers["x-request-id"])
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "data:" not in policy
    expected = "no-cache" if path == "/static/app.css" else "no-store"
    assert headers["cache-control"] == expected
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/boom", "/nowhere", "/418"])
async def test_a_broken_gate_still_gives_headers(browser: httpx2.AsyncClient, path: str) -> None:
    for headers in ({"host": "evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = await browser.post(path, headers=headers)
        assert "content-security-policy" in answer.headers


@pytest.mark.req("V3.4.3")
async def test_the_portal_policy_word_for_word() -> None:
    answer = await kit.browser(kit.make_app(ROUTES)).get("/")
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self' https://checkout.stripe.com "
        "https://billing.stripe.com; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )


@pytest.mark.req("V3.4.3", "V1.2.3", "V1.3.2")
async def test_the_desk_policy_word_for_word_with_a_new_nonce_each_time() -> None:
    browser = kit.browser(kit.make_app(ROUTES, Door.DESK))
    policies = [(await browser.get("/")).headers["content-security-policy"] for _ in range(2)]
    pattern = (
        r"default-src 'none'; script-src 'nonce-([A-Za-z0-9_-]{24})'; "
        r"require-trusted-types-for 'script'; trusted-types htmx; style-src 'self'; "
        r"img-src 'self'; font-src 'self'; connect-src 'self'; "
        r"form-action 'self' https://id\.amends\.example; base-uri 'none'; "
        r"frame-ancestors 'none'; object-src 'none'"
    )
    nonces = [re.fullmatch(pattern, policy) for policy in policies]
    assert all(nonces) and nonces[0][1] != nonces[1][1]  # type: ignore[index]


async def test_forms_may_lead_to_the_payment_pages_of_the_sandbox_too() -> None:
    app = kit.make_app(ROUTES, stripe_api_base="http://127.0.0.1:8702/v1")
    policy = (await kit.browser(app).get("/")).headers["content-security-policy"]
    assert " http://127.0.0.1:8702;" in policy


SAME = {"sec-fetch-site": "same-origin"}
CROSS_SITE_TABLE: list[tuple[dict[str, str], bool]] = [
    (SAME, True),
    ({"sec-fetch-site": "none"}, True),
    ({"origin": "{own}"}, True),
    ({"sec-fetch-site": "same-origin", "origin": "https://evil.example"}, True),
    ({}, False),
    ({"sec-fetch-site": "cross-site"}, False),
    ({"sec-fetch-site": "same-site"}, False),
    ({"sec-fetch-site": ""}, False),
    ({"sec-fetch-site": "Same-Origin"}, False),
    ({"sec-fetch-site": "cross-site", "origin": "{own}"}, False),
    ({"origin": "https://evil.example"}, False),
    ({"origin": "null"}, False),
    ({"origin": ""}, False),
    ({"origin": "{own}.evil.example"}, False),
    ({"origin": "{own}:8443"}, False),
    ({"origin": "https://evil.example/{host}"}, False),
    ({"origin": "https://evil.example?{host}"}, False),
    ({"origin": "https://{host}@evil.example"}, False),
    ({"referer": "{own}/form"}, False),
]


@pytest.mark.req("V3.5.1", "T37")
@pytest.mark.parametrize(("headers", "passes"), CROSS_SITE_TABLE)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_only_our_own_pages_can_change_something(
    app: Starlette, headers: dict[str, str], passes: bool, method: str
) -> None:
    own = app.state.house.base_url
    sent = {k: v.format(own=own, host=own.removeprefix("https://")) for k, v in headers.items()}
    answer = await kit.browser(app, {}).request(method, "/form", headers=sent)
    assert (answer.status_code == 200) is passes
    if not passes:
        assert answer.status_code == 403
        assert "not sent from one of our pages" in answer.text


@pytest.mark.req("T37")
async def test_every_changing_route_is_behind_that_gate(app: Starlette) -> None:
    changing = [r for r in app.state.house.all_routes if r.methods - {"GET", "HEAD"}]
    assert len(changing) > 4
    for route in changing:
        for method in route.methods:
            answer = await kit.browser(app, {}).request(method, route.path)
            assert (answer.status_code == 403) is (route.allow != guards.SIGNED)


async def test_a_signed_message_needs_no_browser_headers(app: Starlette) -> None:
    answer = await kit.browser(app, {}).post("/webhook", content=b"{}")
    assert (answer.status_code, answer.text) == (200, "2")


@pytest.mark.req("V3.4.2")
async def test_looking_needs_no_headers_and_asking_from_elsewhere_is_fine(app: Starlette) -> None:
    assert (await kit.browser(app, {"sec-fetch-site": "cross-site"}).get("/")).status_code == 200


@pytest.mark.req("T47")
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "billing.amends.example.evil.example",
        "",
        "127.0.0.1",
        "[::1]",
        "evil.example:443",
        "[",
        "@",
        "a b",
    ],
)
async def test_a_foreign_host_is_refused(app: Starlette, host: str) -> None:
    answer = await kit.browser(app).get("/", headers={"host": host})
    assert answer.status_code == 400
    assert host == "" or host not in answer.text or len(host) == 1


async def test_another_name_of_this_machine_leads_to_the_configured_one() -> None:
    app = kit.make_app(ROUTES, portal_url="http://127.0.0.1:8700")
    browser = kit.browser(app)
    answer = await browser.get("/file?x=%2F%0d", headers={"host": "localhost:8700"})
    assert answer.status_code == 307
    assert answer.headers["location"] == "http://127.0.0.1:8700/file?x=%2F%0d"
    answer = await browser.get(
        "http://127.0.0.1:8700//evil.example/x", headers={"host": "[::1]:8700"}
    )
    assert answer.headers["location"].startswith("http://127.0.0.1:8700/evil.example")
    assert (await browser.post("/form", headers={"host": "localhost"})).status_code == 403
    assert (await browser.get("/", headers={"host": "evil.example"})).status_code == 400


async def test_our_host_on_any_port_is_fine_and_health_on_any_host(
    app: Starlette, db: None
) -> None:
    own = app.state.house.base_url.removeprefix("https://")
    assert (await kit.browser(app).get("/", headers={"host": f"{own}:8443"})).status_code == 200
    probe = await kit.browser(app).get("/healthz", headers={"host": "10.0.0.7:8000"})
    assert (probe.status_code, probe.text) == (200, "ok")


@pytest.mark.req("V4.1.3", "V15.3.4")
async def test_proxy_headers_of_a_visitor_change_nothing(app: Starlette) -> None:
    spoof = {
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "http",
        "x-forwarded-for": "9.9.9.9",
        "x-request-id": "chosen",
    }
    answer = await kit.browser(app).get("/", headers=spoof)
    assert "evil.example" not in answer.text
    assert answer.headers["x-request-id"] != "chosen"


LIMITS = [("/form", security.MAX_BODY), ("/large", 300_000), ("/webhook", 1000)]


@pytest.mark.req("V5.2.1", "T45")
@pytest.mark.parametrize(("path", "limit"), LIMITS)
async def test_a_body_over_the_limit_is_refused_with_a_page(
    app: Starlette, path: str, limit: int
) -> None:
    async def drip() -> AsyncIterator[bytes]:
        """No length announced, one piece at a time."""
        yield b"text="
        for _ in range(limit // 1000 + 1):
            yield b"x" * 1000

    kind = {"content-type": "application/x-www-form-urlencoded"}
    for content in (b"text=" + b"x" * limit, drip()):
        answer = await kit.browser(app).post(path, content=content, headers=kind)
        assert answer.status_code == 413
        assert "larger than we can take" in answer.text


async def test_a_body_under_the_limit_is_taken(app: Starlette) -> None:
    parts = {"file": ("a.bin", b"x" * 290_000)}
    assert (await kit.browser(app).post("/large", files=parts)).status_code == 200
    assert (await kit.browser(app).post("/webhook", content=b"x" * 1000)).text == "1000"


@pytest.mark.req("V4.2.1")
@pytest.mark.parametrize("length", ["-1", "x", "1e3", "²"])
async def test_a_length_that_is_no_number_is_refused(app: Starlette, length: str) -> None:
    answer = await kit.browser(app).post(
        "/form",
        headers={b"content-length": length.encode()},
    )
    assert answer.status_code == 400


@pytest.mark.req("V8.2.1")
async def test_every_route_says_who_may_use_it() -> None:
    with pytest.raises(TypeError, match="allow"):
        guards.route("GET", "/", kit.ok)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="queen"):
        guards.roles("manager", "queen")
    with pytest.raises(ValueError, match="at least one"):
        guards.roles()


async def test_a_visitor_who_leaves_is_not_an_error(app: Starlette) -> None:
    with pytest.raises(AssertionError):  # the transport found that nothing was answered
        await kit.browser(app).get("/gone")
