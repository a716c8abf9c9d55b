"""Sessions: who is signed in, for how long, and that signing out means it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from amends import access, clock
from amends.models.access import Person, Session
from amends.models.accounts import Account
from tests.web import kit
from web import guards, sessions
from web.doors import Door

Advance = Callable[..., None]


@pytest.fixture
def advance(monkeypatch: pytest.MonkeyPatch) -> Advance:
    """Moves the clock forward."""
    moved = 0

    def _advance(**span: float) -> None:
        nonlocal moved
        moved += int(timedelta(**span).total_seconds())

    monkeypatch.setattr(clock, "offset_seconds", lambda: moved)
    return _advance


async def _enter_priya(request: Request[Any]) -> Response:
    account = await Account.get(tenant_id="hf-0213")
    return PlainTextResponse(
        await sessions.start(request, account_id=account.id, email=account.billing_email)
    )


async def _enter_dana(request: Request[Any]) -> Response:
    dana = await Person.get(subject="dana.cole")
    token = await sessions.start(
        request,
        person_id=dana.id,
        email=dana.email,
        idp_sid="s-1",
        id_token="t",
        auth_time=clock.now() - timedelta(seconds=int(request.query_params.get("ago", "0"))),
    )
    return PlainTextResponse(token)


async def _leave(request: Request[Any]) -> Response:
    await sessions.end(request)
    return PlainTextResponse("out")


async def _who(request: Request[Any]) -> Response:
    someone = guards.viewer(request)
    return JSONResponse({"id": someone.actor_id, "email": someone.email})


async def _places(request: Request[Any]) -> Response:
    return JSONResponse([place.id for place in await sessions.mine(request)])


async def _only_here(request: Request[Any]) -> Response:
    return JSONResponse(await sessions.end_others(request))


def _routes(enter: guards.Handler, allow: guards.Allow) -> list[guards.GuardedRoute]:
    return [
        guards.route("POST", "/enter", enter, allow=guards.PUBLIC),
        guards.route("POST", "/sign-out", _leave, allow=guards.PUBLIC),
        guards.route("GET", "/who", _who, allow=allow),
        guards.route("POST", "/who", _who, allow=allow),
        guards.route("GET", "/places", _places, allow=allow),
        guards.route("POST", "/only-here", _only_here, allow=allow),
    ]


@pytest.fixture
async def portal(db: None) -> Starlette:
    await Account.create(
        tenant_id="hf-0213",
        organisation="Harbor Fitness LLC",
        contact_name="Priya Raman",
        billing_email="billing@harborfitness.example",
        created_at=clock.now(),
    )
    return kit.make_app(_routes(_enter_priya, guards.CUSTOMER))


@pytest.fixture
async def desk(db: None) -> Starlette:
    await Person.create(
        issuer=kit.ISSUER,
        subject="dana.cole",
        email="dana@amends.example",
        name="Dana Cole",
        roles=["manager"],
        created_at=clock.now(),
    )
    money = [
        guards.route("GET", "/money", _who, allow=guards.roles("manager"), step_up=True),
        guards.route("GET", "/audit", _who, allow=guards.roles("auditor", "lead")),
    ]
    return kit.make_app([*_routes(_enter_dana, guards.STAFF), *money], Door.DESK)


async def _is_in(browser: httpx2.AsyncClient) -> bool:
    return (await browser.get("/who")).status_code == 200


async def test_it_knows_priya_after_she_signed_in(portal: Starlette) -> None:
    browser = kit.browser(portal)
    assert not await _is_in(browser)
    await browser.post("/enter")
    assert (await browser.get("/who")).json()["email"] == "billing@harborfitness.example"


@pytest.mark.req("V3.3.1", "V3.3.3", "V3.3.4", "T07")
async def test_the_cookie_is_for_this_host_only_and_unreadable_by_scripts(
    portal: Starlette, desk: Starlette
) -> None:
    for app, name, age in ((portal, "portal", 43200), (desk, "desk", 28800)):
        cookie = (await kit.browser(app).post("/enter")).headers["set-cookie"]
        assert cookie.startswith(f"__Host-amends-{name}=")
        parts = cookie.split("; ")[1:]
        assert parts == ["Path=/", "Secure", "HttpOnly", "SameSite=Lax", f"Max-Age={age}"]


@pytest.mark.req("V7.2.3", "V11.5.1", "T07", "V7.2.2")
async def test_the_token_is_random_and_only_its_hash_is_kept(portal: Starlette) -> None:
    token = (await kit.browser(portal).post("/enter")).text
    session = await Session.get()
    assert len(token) == 43
    assert session.token_hash == access.hash_token(token) != token


@pytest.mark.req("V7.2.1")
async def test_a_changed_token_is_nobody(portal: Starlette) -> None:
    browser = kit.browser(portal)
    token = (await browser.post("/enter")).text
    for wrong in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "x", "", "é" * 43):
        answer = await kit.browser(portal).get(
            "/who", headers={"cookie": f"__Host-amends-portal={wrong}".encode()}
        )
        assert answer.status_code == 303


@pytest.mark.req("V3.5.4")
async def test_a_cookie_of_one_door_does_not_open_the_other(
    portal: Starlette, desk: Starlette
) -> None:
    token = (await kit.browser(desk).post("/enter")).text
    answer = await kit.browser(portal).get(
        "/who", headers={"cookie": f"__Host-amends-portal={token}"}
    )
    assert answer.status_code == 303


@pytest.mark.req("V7.4.1", "T07")
async def test_signing_out_ends_it_at_the_server_too(portal: Starlette) -> None:
    browser = kit.browser(portal)
    token = (await browser.post("/enter")).text
    answer = await browser.post("/sign-out")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    replay = await kit.browser(portal).get(
        "/who", headers={"cookie": f"__Host-amends-portal={token}"}
    )
    assert replay.status_code == 303
    assert not await _is_in(browser)


@pytest.mark.req("V7.2.4", "T07")
async def test_signing_in_again_gives_a_new_token_and_ends_the_old(portal: Starlette) -> None:
    """A token planted or stolen before the sign-in is worth nothing after it."""
    browser = kit.browser(portal)
    before = (await browser.post("/enter")).text
    after = (await browser.post("/enter")).text
    assert before != after
    assert await Session.filter(ended_at=None).count() == 1


@pytest.mark.req("V7.3.1", "T07")
@pytest.mark.parametrize(("door", "idle_min"), [("portal", 30), ("desk", 15)])
async def test_it_ends_when_not_used(
    door: str, idle_min: int, portal: Starlette, desk: Starlette, advance: Advance
) -> None:
    browser = kit.browser({"portal": portal, "desk": desk}[door])
    await browser.post("/enter")
    advance(minutes=idle_min, seconds=-5)
    assert await _is_in(browser)
    advance(minutes=idle_min, seconds=-5)
    assert await _is_in(browser)
    advance(minutes=idle_min, seconds=5)
    assert not await _is_in(browser)


@pytest.mark.req("V7.3.2")
@pytest.mark.parametrize(("door", "hours"), [("portal", 12), ("desk", 8)])
async def test_it_ends_after_a_working_day_even_in_use(
    door: str, hours: int, portal: Starlette, desk: Starlette, advance: Advance
) -> None:
    browser = kit.browser({"portal": portal, "desk": desk}[door])
    await browser.post("/enter")
    for _ in range(hours * 6 - 1):
        advance(minutes=10)
        assert await _is_in(browser)
    advance(minutes=11)
    assert not await _is_in(browser)


async def test_polling_does_not_keep_an_abandoned_page_alive(
    desk: Starlette, advance: Advance
) -> None:
    browser = kit.browser(desk)
    await browser.post("/enter")
    for _ in range(14):
        advance(minutes=1)
        await browser.get("/who", headers={"x-background": "1"})
    assert await _is_in(browser)
    for _ in range(16):
        advance(minutes=1)
        await browser.get("/who", headers={"x-background": "1"})
    assert not await _is_in(browser)


async def test_use_is_written_at_most_once_a_minute(portal: Starlette, advance: Advance) -> None:
    browser = kit.browser(portal)
    await browser.post("/enter")
    seen = (await Session.get()).last_seen_at
    advance(seconds=50)
    await browser.get("/who")
    assert (await Session.get()).last_seen_at == seen
    advance(seconds=15)
    await browser.get("/who")
    assert (await Session.get()).last_seen_at > seen


@pytest.mark.req("T31", "V8.3.2")
async def test_a_role_taken_away_counts_at_once(desk: Starlette) -> None:
    browser = kit.browser(desk)
    await browser.post("/enter")
    assert (await browser.get("/money")).status_code == 200
    await Person.filter(subject="dana.cole").update(roles=["agent"])
    assert (await browser.get("/money")).status_code == 403


@pytest.mark.req("V7.4.2", "T31")
async def test_a_disabled_person_is_out_at_once(desk: Starlette) -> None:
    browser = kit.browser(desk)
    await browser.post("/enter")
    await Person.filter(subject="dana.cole").update(active=False)
    assert not await _is_in(browser)


async def test_a_changed_billing_address_ends_the_old_sign_in(portal: Starlette) -> None:
    browser = kit.browser(portal)
    await browser.post("/enter")
    await Account.filter(tenant_id="hf-0213").update(billing_email="new@harborfitness.example")
    assert not await _is_in(browser)


@pytest.mark.req("V7.4.5")
async def test_all_sessions_of_a_person_or_account_can_be_ended(
    portal: Starlette, desk: Starlette
) -> None:
    priya, dana = kit.browser(portal), kit.browser(desk)
    await priya.post("/enter")
    await dana.post("/enter")
    assert await access.end_person((await Person.get()).id) == 1
    assert (await _is_in(priya), await _is_in(dana)) == (True, False)
    assert await access.end_account((await Account.get()).id) == 1
    assert not await _is_in(priya)


async def test_the_provider_can_end_one_session_or_all(desk: Starlette) -> None:
    browser = kit.browser(desk)
    await browser.post("/enter")
    assert await access.end_at_provider("https://evil.example", "dana.cole", "s-1") == 0
    assert await access.end_at_provider(kit.ISSUER, None, "s-9") == 0
    assert await access.end_at_provider(kit.ISSUER, None, "s-1") == 1
    assert not await _is_in(browser)
    await browser.post("/enter")
    assert await access.end_at_provider(kit.ISSUER, "dana.cole", None) == 1


@pytest.mark.req("V7.5.2")
async def test_priya_sees_where_she_is_signed_in_and_can_leave_the_others(
    portal: Starlette,
) -> None:
    here, there = kit.browser(portal), kit.browser(portal)
    await here.post("/enter")
    await there.post("/enter")
    assert len((await here.get("/places")).json()) == 2
    assert (await here.post("/only-here")).json() == 1
    assert (await _is_in(here), await _is_in(there)) == (True, False)


@pytest.mark.req("V7.1.2")
async def test_the_sixth_browser_ends_the_first(portal: Starlette) -> None:
    browsers = [kit.browser(portal) for _ in range(6)]
    for browser in browsers:
        await browser.post("/enter")
    assert [await _is_in(browser) for browser in browsers] == [False, *[True] * 5]


async def test_nobody_goes_to_the_sign_in_and_comes_back(portal: Starlette) -> None:
    answer = await kit.browser(portal).get("/who?tab=2")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fwho%3Ftab%3D2"


async def test_nobody_posting_comes_back_to_the_page_of_the_form(portal: Starlette) -> None:
    answer = await kit.browser(portal).post("/who", headers={"referer": f"{kit.PORTAL}/places?x=1"})
    assert answer.headers["location"] == "/sign-in?next=%2Fplaces%3Fx%3D1"
    answer = await kit.browser(portal).post("/who", headers={"referer": "https://evil.example/x"})
    assert answer.headers["location"] == "/sign-in?next=%2F"


async def test_a_part_asked_for_by_nobody_sends_the_whole_page_to_the_sign_in(
    portal: Starlette,
) -> None:
    headers = {"hx-request": "true", "hx-current-url": f"{kit.PORTAL}/places"}
    answer = await kit.browser(portal).get("/who", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fplaces"


async def test_the_wrong_role_is_refused(desk: Starlette) -> None:
    browser = kit.browser(desk)
    await browser.post("/enter")
    answer = await browser.get("/audit")
    assert answer.status_code == 403
    assert "people with another role" in answer.text


@pytest.mark.req("V7.5.3")
@pytest.mark.parametrize(("ago_s", "status"), [(0, 200), (299, 200), (302, 303)])
async def test_money_needs_a_sign_in_of_the_last_five_minutes(
    desk: Starlette, ago_s: int, status: int
) -> None:
    browser = kit.browser(desk)
    await browser.post(f"/enter?ago={ago_s}")
    answer = await browser.get("/money")
    assert answer.status_code == status
    if status == 303:
        assert answer.headers["location"] == "/sign-in/again?next=%2Fmoney"


async def test_a_provider_clock_ahead_of_ours_gives_no_extra_time(desk: Starlette) -> None:
    await kit.browser(desk).post("/enter?ago=-60")
    session = await Session.get()
    assert session.auth_time <= session.created_at


async def test_a_session_belongs_to_one_owner(portal: Starlette) -> None:
    with pytest.raises(ValueError, match="account or to a person"):
        await sessions.start(Request({"type": "http"}), email="x@y.example")


@pytest.mark.req("V14.2.7")
async def test_old_sessions_and_counters_are_swept(portal: Starlette, advance: Advance) -> None:
    await kit.browser(portal).post("/enter")
    await access.hit_limit("old", 0)
    assert await access.forget_old() == 1
    advance(days=31)
    assert await access.forget_old() == 1
    assert await Session.all().count() == 0


async def test_no_session_is_looked_up_for_static_files(portal: Starlette) -> None:
    """Even with a cookie, and with the database away."""
    path = portal.state.house.assets.url("app.css")
    answer = await kit.browser(portal).get(
        path, headers={"cookie": f"__Host-amends-portal={'x' * 43}"}
    )
    assert answer.status_code == 200


def test_unknown_auth_time_is_long_ago() -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) == sessions.UNKNOWN_AUTH_TIME
