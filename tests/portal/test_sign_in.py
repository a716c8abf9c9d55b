"""Signing in with a mailed code: bound to a browser, tried five times, the same for everybody."""

import asyncio
import json
import math
import random
import re
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tortoise import connections

from amends import clock, sign_in
from amends.models import Account, MailItem, RateLimit, Session, SignInCode
from tests.backoffice.scene import EMAIL, Customers
from tests.portal.visitor import Browser, Page

KNOWN, UNKNOWN = EMAIL, "somebody@elsewhere.example"
CODE_PAGE = "/sign-in/code"
ROUNDS = 500


async def ask(browser: Browser, email: str = KNOWN, to: str = "/requests") -> Page:
    return await browser.post("/sign-in", {"email": email, "next": to})


async def work() -> None:
    """The worker's part: every wish for a code that was put down."""
    rows = await connections.get("default").execute_query_dict(
        "DELETE FROM procrastinate_jobs WHERE task_name = 'mail_sign_in_code' RETURNING args"
    )
    for row in rows:
        args = row["args"] if isinstance(row["args"], dict) else json.loads(row["args"])
        await sign_in.mail_code(**args)


async def mailed_code() -> str:
    mail = await MailItem.filter(kind="sign_in_code").order_by("-created_at").first()
    assert mail is not None
    return str(mail.context["code"])


async def code_for(browser: Browser) -> str:
    await ask(browser)
    await work()
    return await mailed_code()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


@pytest.mark.req("V6.5.4", "T05", "V6.3.5")
async def test_it_signs_priya_in_with_the_code_from_the_mail(visitor: Browser) -> None:
    page = await ask(visitor)
    assert page.path.startswith(CODE_PAGE) and "8-digit code" in page.words
    await work()
    code = await mailed_code()

    page = await visitor.post(CODE_PAGE, {"code": f"{code[:4]} {code[4:]}", "next": "/requests"})

    assert page.path == "/requests" and "Your requests" in page.words
    assert (await MailItem.get(kind="new_sign_in")).recipient == KNOWN


@pytest.mark.req("V3.3.4", "T07")
async def test_the_session_cookie_is_closed_to_scripts_and_other_sites(visitor: Browser) -> None:
    code = await code_for(visitor)
    answer = await visitor.http.post(CODE_PAGE, data={"code": code})
    cookies = answer.headers.get_list("set-cookie")
    session = next(each for each in cookies if each.startswith("__Host-amends-portal="))
    for flag in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert flag in session
    assert any(each.startswith("__Host-amends-code=;") for each in cookies)


@pytest.mark.req("T03", "V6.3.8")
async def test_it_answers_the_same_for_an_address_it_does_not_know(visitor: Browser) -> None:
    known, unknown = await ask(visitor, KNOWN), await ask(visitor, UNKNOWN)
    assert known.status == unknown.status == 200
    assert known.text.replace(KNOWN, "X") == unknown.text.replace(UNKNOWN, "X")
    codes = await SignInCode.all().count()
    await work()
    assert await SignInCode.all().count() == codes + 2  # the same rows for both
    assert [mail.recipient for mail in await MailItem.all()] == [KNOWN]


def _chance(some: list[float], others: list[float]) -> float:
    """Mann-Whitney, two-sided, normal approximation: how likely both come from one source."""
    ranked = sorted([(each, 0) for each in some] + [(each, 1) for each in others])
    ranks, at = 0.0, 0
    while at < len(ranked):
        tied = [each for each in ranked[at:] if each[0] == ranked[at][0]]
        ranks += (at + (len(tied) + 1) / 2) * sum(which == 0 for _, which in tied)
        at += len(tied)
    n, m = len(some), len(others)
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(ranks - n * (n + 1) / 2 - n * m / 2) / spread / math.sqrt(2))


def test_the_statistic_tells_a_difference_from_none() -> None:
    chance = random.Random(7)
    same = [[chance.gauss(10, 1) for _ in range(500)] for _ in range(2)]
    assert _chance(*same) > 0.01
    assert _chance(same[0], [each + 0.5 for each in same[1]]) < 0.01


@pytest.mark.slow
@pytest.mark.req("T03", "V6.3.8")
async def test_a_thousand_answers_tell_nothing_by_their_bytes_or_their_time(
    visitor: Browser,
) -> None:
    """500 for a known address, 500 for an unknown one, in turns; processor time of this process."""
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    said = set()
    for number in range(ROUNDS):
        for email in (KNOWN, UNKNOWN) if number % 2 else (UNKNOWN, KNOWN):
            await RateLimit.all().delete()
            began = time.process_time()
            page = await ask(visitor, email)
            times[email].append(time.process_time() - began)
            said.add((page.status, page.text.replace(email, "X")))
    assert len(said) == 1
    known, unknown = times[KNOWN], times[UNKNOWN]
    assert abs(statistics.median(known) - statistics.median(unknown)) < 0.003
    # One run in a hundred falls under it by chance; both halves only one in ten thousand.
    half = len(known) // 2
    halves = (slice(None, half), slice(half, None))
    assert max(_chance(known[each], unknown[each]) for each in halves) > 0.01


@pytest.mark.req("T03", "V6.3.8")
async def test_wrong_codes_get_one_answer_whatever_the_address(visitor: Browser) -> None:
    answers = []
    for email in (KNOWN, UNKNOWN):
        await ask(visitor, email)
        await work()
        for _ in range(7):  # past the fifth try nothing changes in what is said
            page = await visitor.post(CODE_PAGE, {"code": "00000000"})
            answers.append((page.status, page.text.replace(email, "X")))
    assert len(set(answers)) == 1
    assert answers[0][0] == 422


async def test_a_wrong_code_is_said_on_top_at_the_field_and_in_the_title(visitor: Browser) -> None:
    code = await code_for(visitor)
    page = await visitor.post(CODE_PAGE, {"code": wrong(code)})
    assert page.title.startswith("Error: ")
    assert page.summary() == {"code": page.error("code")}
    assert wrong(code) not in page.text


@pytest.mark.parametrize("typed", ["", "1234567", "123456789", "abcdefgh", "１２３４５６７８"])
async def test_what_is_no_code_costs_no_try(visitor: Browser, typed: str) -> None:
    await code_for(visitor)
    page = await visitor.post(CODE_PAGE, {"code": typed})
    assert page.status == 422 and page.error("code") == "Enter the 8 digits from our email"
    assert (await SignInCode.all().order_by("-id").first()).tries == 0


@pytest.mark.req("T01", "V6.3.1", "V6.6.3")
async def test_the_right_code_is_dead_after_five_wrong_ones(visitor: Browser) -> None:
    code = await code_for(visitor)
    for _ in range(5):
        await visitor.post(CODE_PAGE, {"code": wrong(code)})
    page = await visitor.post(CODE_PAGE, {"code": code})
    assert page.status == 422
    assert not await Session.exists()


@pytest.mark.req("V6.5.1")
async def test_a_code_works_once(visitor: Browser) -> None:
    code = await code_for(visitor)
    cookie = visitor.http.cookies.get("__Host-amends-code")
    await visitor.post(CODE_PAGE, {"code": code})
    await visitor.post("/sign-out")
    visitor.http.cookies.set("__Host-amends-code", cookie, domain="billing.amends.example")
    assert (await visitor.post(CODE_PAGE, {"code": code})).status == 422


@pytest.mark.req("T05", "V6.6.2")
async def test_a_code_is_worth_nothing_in_another_browser(visitor: Browser, maya: Browser) -> None:
    """A phisher who asks for a code himself and talks Priya out of hers gets nowhere."""
    code = await code_for(visitor)
    await ask(maya, KNOWN)
    page = await maya.post(CODE_PAGE, {"code": code})
    assert page.status == 422
    assert (await visitor.post(CODE_PAGE, {"code": code})).path == "/requests"


@pytest.mark.req("V6.5.5", "V6.4.1")
async def test_a_code_dies_after_ten_minutes(visitor: Browser) -> None:
    code = await code_for(visitor)
    late = datetime.now(UTC) + timedelta(minutes=10, seconds=1)
    clock.use(wall=lambda: late)
    try:
        assert (await visitor.post(CODE_PAGE, {"code": code})).status == 422
    finally:
        clock.use()


async def test_only_the_newest_code_works(visitor: Browser) -> None:
    first = await code_for(visitor)
    second = await code_for(visitor)
    assert (await visitor.post(CODE_PAGE, {"code": first})).status == 422
    assert (await visitor.post(CODE_PAGE, {"code": second})).path == "/requests"


@pytest.mark.req("T04", "V7.6.2")
async def test_opening_pages_uses_nothing_up(visitor: Browser) -> None:
    code = await code_for(visitor)
    for _ in range(20):
        await visitor.get("/sign-in")
        await visitor.get(CODE_PAGE)
        await visitor.http.head(CODE_PAGE)
    assert not await Session.exists()
    assert (await visitor.post(CODE_PAGE, {"code": code})).path == "/requests"


@pytest.mark.req("T01", "V6.5.2")
async def test_the_code_is_kept_as_a_salted_hash(visitor: Browser) -> None:
    code = await code_for(visitor)
    row = await SignInCode.all().order_by("-id").first()
    assert row is not None and code not in f"{row.code_hash}{row.salt}{row.browser_hash}"
    assert len(row.code_hash) == 64 and len(row.salt) == 32


async def test_old_codes_are_forgotten_and_leave_the_mails_they_were_sent_in(
    visitor: Browser,
) -> None:
    code = await code_for(visitor)
    await MailItem.filter(kind="sign_in_code").update(state="sent")
    await sign_in.forget_old()
    assert await mailed_code() == code and await SignInCode.exists()
    late = datetime.now(UTC) + timedelta(days=2)
    clock.use(wall=lambda: late)
    try:
        await sign_in.forget_old()
    finally:
        clock.use()
    assert (await MailItem.get(kind="sign_in_code")).context == {}
    assert not await SignInCode.exists()


@pytest.mark.req("T01", "V2.4.1", "V6.3.1")
async def test_it_stops_after_five_codes_an_hour_for_one_address(visitor: Browser) -> None:
    for email in (KNOWN, UNKNOWN):
        for _ in range(5):
            assert (await ask(visitor, email)).status == 200
        assert (await ask(visitor, email)).status == 429


@pytest.mark.parametrize("typed", ["", "priya", "priya@", "@x.example", "a b@x.example"])
async def test_it_asks_for_an_address_that_is_one(visitor: Browser, typed: str) -> None:
    page = await visitor.post("/sign-in", {"email": typed})
    assert page.status == 422 and page.title.startswith("Error: ")
    assert page.summary()["email"] == page.error("email")


@pytest.mark.req("T48")
@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/billing", "/billing"),
        ("/requests/new?x=1", "/requests/new?x=1"),
        ("//evil.example", "/requests"),
        ("https://evil.example", "/requests"),
        ("/\\evil.example", "/requests"),
        ("/sign-out", "/requests"),
        ("javascript:alert(1)", "/requests"),
        ("/nowhere", "/requests"),
    ],
)
async def test_it_leads_only_to_own_pages(visitor: Browser, wanted: str, reached: str) -> None:
    await ask(visitor, to=wanted)
    await work()
    page = await visitor.post(CODE_PAGE, {"code": await mailed_code(), "next": wanted})
    assert page.path == reached


async def test_a_page_for_customers_asks_to_sign_in_and_comes_back(visitor: Browser) -> None:
    page = await visitor.get("/billing")
    assert page.path == "/sign-in?next=%2Fbilling" and page.value("next") == "/billing"


async def test_who_is_signed_in_goes_straight_on(priya: Browser) -> None:
    assert (await priya.get("/sign-in?next=/billing")).path == "/billing"
    assert (await priya.get("/sign-in?next=//evil.example")).path == "/requests"


@pytest.mark.req("V7.4.1")
async def test_priya_signs_out(priya: Browser) -> None:
    assert (await priya.post("/sign-out")).path == "/"
    assert (await priya.get("/requests")).path.startswith("/sign-in")


@pytest.mark.req("V7.5.2", "V7.4.3")
async def test_priya_signs_out_everywhere(priya: Browser, harbor: Customers, maya: Browser) -> None:
    other = Browser(priya.http._transport.app)  # type: ignore[attr-defined]
    await other.sign_in(harbor.priya)
    page = await priya.get("/account")
    assert page.words.count("Since") == 2

    await priya.post("/account/sign-out-everywhere")

    for browser in (priya, other):
        assert (await browser.get("/requests")).path.startswith("/sign-in")
    assert (await maya.get("/requests")).path == "/requests"


@pytest.mark.req("V7.5.2")
async def test_she_ends_one_session_and_never_somebody_elses(
    priya: Browser, harbor: Customers, maya: Browser
) -> None:
    other = Browser(priya.http._transport.app)  # type: ignore[attr-defined]
    await other.sign_in(harbor.priya)
    hers = await Session.filter(account_id=harbor.account.id).order_by("-id").first()
    mayas = await Session.exclude(account_id=harbor.account.id).first()
    assert hers is not None and mayas is not None

    await priya.post("/account/sessions/end", {"id": str(hers.id)})
    await priya.post("/account/sessions/end", {"id": str(mayas.id)})

    assert (await other.get("/requests")).path.startswith("/sign-in")
    assert (await priya.get("/requests")).path == "/requests"
    assert (await maya.get("/requests")).path == "/requests"


async def test_one_address_of_two_organisations_goes_from_one_to_the_other(
    priya: Browser, harbor: Customers, river: Customers
) -> None:
    second = await Account.create(
        tenant_id="hf-0299", organisation="Harbor Fitness West", billing_email=EMAIL,
        created_at=clock.now(),
    )  # fmt: skip
    assert "Go to Harbor Fitness West" in (await priya.get("/account")).words
    await priya.post("/account/switch", {"id": str(second.id)})
    assert "Harbor Fitness West" in (await priya.get("/account")).words
    assert (await priya.post("/account/switch", {"id": str(river.account.id)})).status == 404


def test_a_browser_is_named_in_words() -> None:
    named = sign_in.browser_words
    assert named("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0") == "Firefox on Linux"
    assert named("Mozilla/5.0 (Windows NT 10.0) Chrome/141.0 Safari/537 Edg/141.0") == (
        "Edge on Windows"
    )
    assert named("curl/8") == "an unknown browser"


@pytest.mark.req("T01", "T02", "V15.4.2")
@pytest.mark.usefixtures("fresh_db")
async def test_of_fifty_guesses_at_once_five_are_looked_at(monkeypatch: Any) -> None:
    """The right one comes last and is refused: the counter cannot be raced."""
    now = clock.now()
    await Account.create(
        tenant_id="hf-0213", organisation="Harbor Fitness LLC", billing_email=KNOWN, created_at=now
    )
    looked: list[str] = []
    real = sign_in._digest

    def counted(code: str, salt: str) -> str:
        if not re.fullmatch("0+", salt):  # the stand-in of a guess that is not looked at
            looked.append(code)
        return real(code, salt)

    for _ in range(4):
        await sign_in.mail_code(KNOWN, sign_in.browser_hash("b"), "203.0.113.7")
        code = await mailed_code()
        guesses = [f"{(int(code) + n) % 10**8:08d}" for n in range(1, 50)]
        looked.clear()
        monkeypatch.setattr(sign_in, "_digest", counted)
        results = await asyncio.gather(*(sign_in.check("b", guess) for guess in guesses))
        results.append(await sign_in.check("b", code))
        monkeypatch.setattr(sign_in, "_digest", real)
        assert len(looked) == 5 and results == [None] * 50
        row = await SignInCode.all().order_by("-id").first()
        assert row is not None and row.tries == 5


@pytest.mark.req("V6.5.1", "T02")
@pytest.mark.usefixtures("fresh_db")
async def test_one_right_code_sent_twice_at_once_signs_in_once() -> None:
    await Account.create(
        tenant_id="hf-0213", organisation="Harbor Fitness LLC", billing_email=KNOWN,
        created_at=clock.now(),
    )  # fmt: skip
    await sign_in.mail_code(KNOWN, sign_in.browser_hash("b"), "203.0.113.7")
    code = await mailed_code()
    results = await asyncio.gather(*(sign_in.check("b", code) for _ in range(5)))
    assert len([who for who in results if who is not None]) == 1
