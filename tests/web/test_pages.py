"""Pages: how amounts and days read, links by name, redirects, downloads, appearance."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest
from jinja2 import Environment, FileSystemLoader, UndefinedError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from amends import clock
from amends.rules import quoting
from tests.web import kit
from web import formats, guards, pages
from web.assets import Assets
from web.doors import Door

SHARED_SUMS = {
    "vendor/htmx-4.0.1.min.js": ("a0abb04f", "32130"),
    "vendor/hx-csp-4.0.1.min.js": ("a7e1e671", "6e143"),
    "vendor/inter-latin-wght-normal.woff2": ("3100e775", "fbd4c62"),
}


async def _file(request: Request[Any]) -> Response:
    return pages.download(
        request, b"<script>alert(1)</script>", request.query_params["name"], "text/html"
    )


ROUTES = [
    guards.route("GET", "/", kit.ok, allow=guards.PUBLIC, name="start"),
    guards.route("GET", "/requests/{ref}", kit.ok, allow=guards.PUBLIC, name="case"),
    guards.route("GET", "/file", _file, allow=guards.PUBLIC),
]


@pytest.fixture
def app() -> Starlette:
    return kit.make_app(ROUTES)


def _render(app: Starlette, source: str, **context: Any) -> str:
    return app.state.house.templates.from_string(source).render(context)


FORMATS = [
    ("{{ 120000 | money('usd') }}", "$1,200.00"),
    ("{{ -5 | money('USD') }}", "−$0.05"),
    ("{{ 1200 | money('jpy') }}", "¥1,200"),
    ("{{ at | day }}", "Mon, Nov 23"),
    ("{{ at | day_long }}", "Mon, Nov 23, 2026"),
    ("{{ at | clock_time }}", "Nov 23, 10:02 am"),
    ("{{ at | iso }}", "2026-11-23T15:02:00+00:00"),
    ("{{ day | day }} {{ day | iso }}", "Wed, Dec 2 2026-12-02"),
    ("{{ late | day }} {{ late | clock_time }}", "Mon, Nov 23 Nov 23, 11:30 pm"),
    ("{{ noon | clock_time }} {{ midnight | clock_time }}", "Nov 23, 12:00 pm Nov 23, 12:00 am"),
]
TIMES = {
    "at": datetime(2026, 11, 23, 15, 2, tzinfo=UTC),
    "day": date(2026, 12, 2),
    "late": datetime(2026, 11, 24, 4, 30, tzinfo=UTC),
    "noon": datetime(2026, 11, 23, 17, tzinfo=UTC),
    "midnight": datetime(2026, 11, 23, 5, tzinfo=UTC),
}


@pytest.mark.parametrize(("source", "text"), FORMATS)
def test_amounts_and_times_read_as_a_person_writes_them(
    app: Starlette, source: str, text: str
) -> None:
    assert _render(app, source, **TIMES) == text


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=4), "4 seconds ago"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=70), "2 months ago"),
        (timedelta(days=400), "1 year ago"),
        (-timedelta(days=3), "in 3 days"),
    ],
)
def test_ago(span: timedelta, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: at)
    assert formats.ago(at - span) == words


@pytest.mark.req("V1.2.1", "V1.1.2")
def test_what_a_customer_wrote_is_text_and_a_forgotten_name_is_an_error(app: Starlette) -> None:
    hostile = '<script>alert(1)</script> <b hx-get="/x">"\''
    text = _render(app, "{{ words }}", words=hostile)
    assert "<" not in text and '"' not in text and "'" not in text
    with pytest.raises(UndefinedError):
        _render(app, "{{ forgotten }}")


def test_links_go_by_name_and_what_the_path_has_no_place_for_into_the_query(
    app: Starlette,
) -> None:
    assert _render(app, "{{ url('case', ref='RB-2417') }}") == "/requests/RB-2417"
    assert _render(app, "{{ url('start', view='mine', q='a b') }}") == "/?view=mine&amp;q=a+b"
    for wrong in ("{{ url('nowhere') }}", "{{ url('case') }}", "{{ static('nothing.css') }}"):
        with pytest.raises(LookupError):
            _render(app, wrong)


@pytest.mark.req("T47")
def test_addresses_in_mail_come_from_the_settings_not_the_visitor(app: Starlette) -> None:
    headers = [(b"host", b"evil.example")]
    request = Request({"type": "http", "app": app, "headers": headers})
    assert pages.absolute(request, "/requests/RB-2417") == f"{kit.PORTAL}/requests/RB-2417"


async def _download(app: Starlette, name: str) -> httpx2.Response:
    return await kit.browser(app).get("/file", params={"name": name})


@pytest.mark.req("V3.2.1", "V5.4.2", "V5.4.1", "T44", "V1.2.1")
@pytest.mark.parametrize(
    ("name", "plain", "true"),
    [
        ("proof RB-2417.pdf", "proof RB-2417.pdf", "proof%20RB-2417.pdf"),
        ("Beleg für Zoë.pdf", "Beleg fur Zoe.pdf", "Beleg%20f%C3%BCr%20Zo%C3%AB.pdf"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ('a"; filename=b.exe', "a__ filename=b.exe", "a%22%3B%20filename%3Db.exe"),
        ("a\r\nSet-Cookie: x=1", "a__Set-Cookie: x=1", "a__Set-Cookie%3A%20x%3D1"),
        ("", "file", "file"),
        ("证明", "file", "%E8%AF%81%E6%98%8E"),
    ],
)
async def test_a_download_is_kept_and_never_shown(
    app: Starlette, name: str, plain: str, true: str
) -> None:
    answer = await _download(app, name)
    assert answer.headers["content-disposition"] == (
        f"attachment; filename=\"{plain}\"; filename*=UTF-8''{true}"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers


async def test_the_chosen_appearance_is_written_by_the_server(app: Starlette) -> None:
    browser = kit.browser(app)
    assert "data-theme" not in (await browser.get("/nowhere")).text
    answer = await browser.post("/theme", data={"theme": "dark", "to": "/requests/RB-1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/requests/RB-1")
    assert answer.headers["set-cookie"] == (
        "__Host-amends-theme=dark; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000"
    )
    assert 'data-theme="dark"' in (await browser.get("/nowhere")).text
    await browser.post("/theme", data={"theme": "", "to": "/"})
    assert "data-theme" not in (await browser.get("/nowhere")).text


async def test_a_made_up_appearance_is_ignored(app: Starlette) -> None:
    cookie = {"cookie": '__Host-amends-theme="><script>'}
    assert "<script>" not in (await kit.browser(app).get("/nowhere", headers=cookie)).text
    answer = await kit.browser(app).post("/theme", data={"theme": "neon", "to": "/"})
    assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_static_files_are_kept_for_ever_under_the_name_of_their_content(
    app: Starlette,
) -> None:
    browser = kit.browser(app)
    url = app.state.house.assets.url("app.css")
    answer = await browser.get(url, headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    plain = await browser.get(url, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.content == answer.content
    again = await browser.get(url, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/static/app.css", "/static/0123456789ab/app.css"])
async def test_a_file_under_another_name_is_not_kept(app: Starlette, path: str) -> None:
    answer = await kit.browser(app).get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.req("V13.4.3", "V5.3.1")
@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/x/",
        "/static/../pyproject.toml",
        "/static",
        "/static/%2e%2e/pyproject.toml",
        "/static/vendor/",
        "/static/x/y/app.css",
        "/static//etc/passwd",
    ],
)
async def test_nothing_else_can_be_read_from_static(app: Starlette, path: str) -> None:
    assert (await kit.browser(app).get(path)).status_code in (404, 307)


async def test_static_files_are_only_read(app: Starlette) -> None:
    answer = await kit.browser(app).post("/static/app.css")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_the_vendored_files_are_the_published_ones(app: Starlette) -> None:
    assets: Assets = app.state.house.assets
    for name, (start, end) in SHARED_SUMS.items():
        digest = hashlib.sha256(assets.files[name].plain).hexdigest()
        assert digest.startswith(start) and digest.endswith(end)
    assert "SIL Open Font License" in assets.files["vendor/inter-OFL.txt"].plain.decode()


@pytest.mark.req("T39", "T40")
def test_htmx_and_its_guard_arrive_as_one_file(app: Starlette) -> None:
    """Two files have a gap between them, in which htmx would heed what a customer wrote."""
    files = app.state.house.assets.files
    apart = [files[f"vendor/{name}-4.0.1.min.js"].plain for name in ("htmx", "hx-csp")]
    assert files["vendor/htmx-with-csp-4.0.1.min.js"].plain == b";\n".join(apart)


def test_every_file_the_style_sheet_names_is_there(app: Starlette) -> None:
    css = app.state.house.assets.files["app.css"].plain.decode()
    assert 'url("vendor/inter-latin-wght-normal.woff2")' in css
    assert css.count("url(") == 1 and "data:" not in css and "@import" not in css


async def test_a_page_is_compressed_on_its_way(app: Starlette) -> None:
    answer = await kit.browser(app).get("/nowhere", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()


async def test_crawlers_are_kept_off_the_desk() -> None:
    answer = await kit.browser(kit.make_app([], Door.DESK)).get("/robots.txt")
    assert answer.text == "User-agent: *\nDisallow: /\n"


def test_quoted_text_is_folded_and_never_markup() -> None:
    env = Environment(loader=FileSystemLoader("templates"), autoescape=True)
    env.filters.update(formats.filters("UTC"))
    body = quoting.joined("Thank you <b>all</b>", "> as before")
    shown = env.from_string('{% from "parts/macros.html" import said %}{{ said(body) }}').render(
        body=body
    )
    assert "Thank you &lt;b&gt;all&lt;/b&gt;" in shown
    assert "<summary>Show quoted text</summary>" in shown
    assert "&gt; as before" in shown
