"""Every answer of every address: headers, cookies, caches, types, and nothing of the inside."""

import re
from collections.abc import Iterator

import httpx2
import pytest
from starlette.applications import Starlette

from tests.backoffice import desk, scene
from tests.portal.visitor import Browser
from tests.security import doors
from tests.security.test_access import KEPT, rows_of
from tests.web import kit
from web.doors import Door

pytestmark = pytest.mark.usefixtures("db")
PAYLOADS = (
    "q=%27%20OR%201=1--&after=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "after=9999999999999999999999&view=../../etc/passwd&kind=%00",
    "session_id=" + "%C3%A9%25" * 80,
    "a=1&a=2&q=%0d%0aSet-Cookie:x=1",
    "x" * 3000,
)
NOT_OURS = (
    *("/.git/config", "/.git/HEAD", "/.env", "/docs", "/openapi.json", "/metrics", "/debug"),
    *("/static/", "/static/none.css", "/server-status", "/admin/", "/pyproject.toml"),
)
INSIDE = re.compile(
    r"Traceback|site-packages|asyncpg|tortoise|psycopg|jinja2\.|File \"|SELECT .* FROM|"
    r"sk_(?:test|live)_|whsec_|postgresql://"
)
# 200: what takes no form at all, as "take the next case".
TURNED_DOWN = (200, 303, 403, 404, 409, 422)
HTML = "text/html; charset=utf-8"


class Kept:
    """Every answer that a door gave while it was tried."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, httpx2.Response]] = []

    async def ask(self, client: httpx2.AsyncClient, method: str, path: str, **more: object) -> None:
        answer = await client.request(method, path, **more)  # type: ignore[arg-type]
        self.answers.append((f"{method} {path[:90]}", answer))

    def __iter__(self) -> Iterator[tuple[str, httpx2.Response]]:
        return iter(self.answers)


async def _tried(door: Door) -> Kept:
    """Each address by GET, POST and what it does not take, by visitors and by people inside."""
    harbor = await scene.harbor()
    case = await scene.submitted(harbor)
    kept = Kept()
    for client in await _clients(door, harbor):
        for row in doors.written():
            if row.door != door or row.path in ("/sign-in/again", "/sign-in/callback"):
                continue
            path = doors.address(row, ref=case.ref, draft=case.ref, tenant="hf-0213")
            for method in ("GET", "POST", "PUT", "TRACE"):
                if (door, method, path) != (Door.DESK, "GET", "/sign-in"):
                    await kept.ask(client, method, path)
            if row.method == "GET" and path != "/sign-in":
                for payload in PAYLOADS:
                    await kept.ask(client, "GET", f"{path}?{payload}")
            if row.method == "POST":
                await kept.ask(client, "POST", path, data={"status": "approved", "amount": "1"})
        for path in NOT_OURS:
            await kept.ask(client, "GET", path)
    return kept


async def _clients(door: Door, harbor: scene.Customers) -> list[httpx2.AsyncClient]:
    app: Starlette = doors.portal_app(harbor) if door is Door.PORTAL else doors.desk_app()
    if door is Door.PORTAL:
        priya = Browser(app)
        await priya.sign_in(harbor.priya)
        return [kit.browser(app), priya.http]
    return [kit.browser(app), await desk.browser(await scene.staff("Dana Cole"), app)]


@pytest.mark.req(
    "V3.4.1", "V3.4.2", "V3.4.3", "V3.4.4", "V3.4.5", "V3.4.6", "V3.3.1", "V3.3.2", "V3.3.3",
    "V3.3.4", "V4.1.1", "V14.3.2", "V14.2.1", "V14.2.2", "V16.5.1", "V13.4.1", "V13.4.2", "V13.4.3",
    "V13.4.4", "V13.4.5", "V10.1.1", "V14.2.3", "T38", "T62", "T54", "V16.5.4",
)  # fmt: skip
@pytest.mark.parametrize("door", list(Door))
async def test_every_answer_of_every_address_is_guarded(door: Door) -> None:
    kept = await _tried(door)
    statuses = {answer.status_code for _, answer in kept}
    assert {200, 303, 404, 405, 422} <= statuses and max(statuses) < 500, statuses
    for name, answer in kept:
        _check_headers(name, answer)
        _check_cookies(name, answer)
        _check_words(name, answer)


def _check_headers(name: str, answer: httpx2.Response) -> None:
    head = answer.headers
    assert int(head["strict-transport-security"].split("max-age=")[1].split(";")[0]) >= 31_536_000
    assert "includeSubDomains" in head["strict-transport-security"], name
    assert head["x-content-type-options"] == "nosniff", name
    assert head["referrer-policy"] == "same-origin", name
    policy = head["content-security-policy"]
    for part in ("default-src 'none'", "object-src 'none'", "base-uri 'none'",
                 "frame-ancestors 'none'"):  # fmt: skip
        assert part in policy or "sandbox" in policy, name
    assert "unsafe" not in policy and "http:" not in policy.replace("http://twin.test", ""), name
    assert "access-control-allow-origin" not in head, name
    assert len(head["x-request-id"]) == 10, name
    if "/static" not in name:
        assert head["cache-control"] == "no-store", name
    if answer.content:
        assert head["content-type"].partition(";")[0] != "text/html" or head["content-type"] == HTML
        assert "content-type" in head, name


def _check_cookies(name: str, answer: httpx2.Response) -> None:
    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-"), name
        for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
            assert flag in cookie, (name, cookie)
        assert "Domain" not in cookie
        value = cookie.split("=", 1)[1].split(";")[0]
        assert len(value) < 20 or value not in answer.text, name


def _check_words(name: str, answer: httpx2.Response) -> None:
    if "application/pdf" not in answer.headers.get("content-type", ""):
        assert not INSIDE.search(answer.text), name
        assert "<script>alert" not in answer.text, name
        foreign = re.findall(r'(?:src|action|href)="(https?://[^"]+)"', answer.text)
        assert [each for each in foreign if "example" not in each and "stripe" not in each] == []
        assert not re.search(r'(?:href|action|src)="(?:javascript|data|vbscript):', answer.text)
    location = answer.headers.get("location", "")
    assert "@" not in location and "%40" not in location, name
    if location:
        assert location.startswith(("/", kit.PORTAL, kit.DESK, "http://twin.test", "https://")), (
            name
        )
    if name.startswith(("TRACE", "PUT")):
        assert answer.status_code in (403, 405), name
    if any(name == f"GET {path}" for path in NOT_OURS):
        assert answer.status_code == 404, name


@pytest.mark.req("V7.4.4")
async def test_every_page_inside_offers_to_sign_out() -> None:
    harbor = await scene.harbor()
    case = await scene.submitted(harbor)
    for door in Door:
        client = (await _clients(door, harbor))[1]
        for row in doors.written():
            if row.door != door or row.method != "GET" or row.who in (("public",), ("signed",)):
                continue
            if row.path.endswith((".csv", ".pdf", "/changes", "/live")) or "/again" in row.path:
                continue
            answer = await client.get(doors.address(row, ref=case.ref, tenant="hf-0213"))
            if answer.status_code == 200 and "html" in answer.headers["content-type"]:
                assert 'action="/sign-out"' in answer.text, row.key


@pytest.mark.req("V2.2.1", "V2.2.2", "V8.2.3", "T14", "V15.3.3", "V15.3.7", "V15.3.5")
@pytest.mark.parametrize("door", list(Door))
async def test_no_form_takes_a_field_it_does_not_have_or_one_twice(door: Door) -> None:
    """Names of columns are posted to every form that takes one: refused, nothing is written."""
    harbor = await scene.harbor()
    case = await scene.submitted(harbor)
    client = (await _clients(door, harbor))[1]
    app = client._transport.app  # type: ignore[attr-defined]
    assert app is not None
    before = await _state()
    for row in doors.written():
        if row.door != door or row.method != "POST" or row.who == ("signed",):
            continue
        if row.path in ("/sign-out", "/account/sign-out-everywhere", "/profile/sessions"):
            continue
        path = doors.address(row, ref=case.ref, draft=case.ref, tenant="hf-0213")
        for name in ("status", "account_id", "owner_id", "amount_approved", "role", "flagged_at"):
            answer = await client.post(path, data={name: "approved"})
            assert answer.status_code in TURNED_DOWN, row.key
        twice = await client.post(
            path, content=b"version=1&version=2&email=a&email=b",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )  # fmt: skip
        assert twice.status_code in TURNED_DOWN, row.key
    assert await _state() == before


async def _state() -> dict[str, str]:
    return dict(await rows_of([table for table in KEPT if table not in ("case_", "timeline")]))


@pytest.mark.req("T48", "V16.5.1")
@pytest.mark.parametrize("length", [100, 150, 290, 400, 2000])
async def test_a_long_address_still_leads_to_the_sign_in(length: int) -> None:
    client = kit.browser(doors.desk_app())
    answer = await client.get("/queue?q=" + "%27" * length)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
