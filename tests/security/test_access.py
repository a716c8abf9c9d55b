"""Role, route, ownership and state: nobody passes where the written table does not let them."""

from collections.abc import AsyncIterator, Mapping

import httpx2
import pytest
from tortoise import connections

from amends import access, clock
from amends.models import Attachment, Case, Person
from amends.rules.people import Role
from amends.rules.workflow import Status
from tests.backoffice import desk, scene
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser
from tests.security import doors
from tests.web import kit
from web.doors import Door

pytestmark = pytest.mark.usefixtures("db")
ROWS = doors.written()
PORTAL = [row for row in ROWS if row.door == Door.PORTAL]
DESK = [row for row in ROWS if row.door == Door.DESK]
OPEN = {("public",), ("signed",)}
OUT = ("/sign-in?next=", "/sign-in/again?next=")
# The tables that hold what people asked for, decided and paid.
KEPT = [
    "case_",
    "message",
    "plan",
    "leg",
    "approval",
    "attempt",
    "ledger",
    "timeline",
    "attachment",
    "account",
    "order_",
    "deposit",
    "rule_proposal",
    "policy_version",
    "address_change",
    "person",
]


def _private(rows: list[doors.Row]) -> list[doors.Row]:
    return [row for row in rows if row.who not in OPEN]


@pytest.mark.req("V8.1.1", "V8.2.1", "T13")
async def test_every_address_has_its_line_in_the_table_and_says_the_same() -> None:
    """A new address without a line fails here; tests.security.doors.write() makes the lines."""
    assert doors.written() == doors.of_code()
    assert len({row.key for row in ROWS}) == len(ROWS) > 120


@pytest.mark.req("V6.1.3", "V6.3.4")
async def test_only_the_listed_addresses_sign_anybody_in() -> None:
    """Sessions begin in two modules, each behind the door's own sign-in."""
    root = doors.TABLE.parents[2]
    found = {
        str(path.relative_to(root))
        for folder in ("portal", "backoffice", "web", "amends")
        for path in (root / folder).rglob("*.py")
        if "sessions.start(" in path.read_text() or "access.start_session(" in path.read_text()
    }
    known = {"portal/sign_in.py", "backoffice/sign_in.py", "web/sessions.py", "portal/account.py"}
    assert found - {"portal/oidc_sign_in.py"} <= known


@pytest.fixture
async def harbor(db: None) -> Customers:
    return await scene.harbor()


@pytest.fixture
async def river(harbor: Customers) -> Customers:
    return await scene.shop(
        harbor.world, "ry-0356", "Riverbend Yoga", "hello@riverbendyoga.example", "SO-10497",
        (("4242424242424242", 1200_00),),
    )  # fmt: skip


@pytest.fixture
async def maya(harbor: Customers, river: Customers) -> AsyncIterator[httpx2.AsyncClient]:
    browser = Browser(doors.portal_app(harbor))
    await browser.sign_in(river.priya)
    yield browser.http
    await browser.http.aclose()


async def rows_of(tables: list[str]) -> Mapping[str, str]:
    """One hash per table."""
    found = {}
    for table in tables:
        every = "coalesce(string_agg(t::text, '' ORDER BY t::text), '')"
        sql = f"SELECT md5({every}) AS h FROM {table} t"
        rows = await connections.get("default").execute_query_dict(sql)
        found[table] = rows[0]["h"]
    return found


def _sent_away(answer: httpx2.Response) -> bool:
    return answer.status_code == 303 and answer.headers["location"].startswith(OUT)


@pytest.mark.req("V8.2.1", "V8.3.1", "V7.2.1")
@pytest.mark.parametrize("door", list(Door))
async def test_nobody_signed_in_is_led_to_the_sign_in_from_every_private_address(
    door: Door, harbor: Customers
) -> None:
    app = doors.portal_app(harbor) if door is Door.PORTAL else doors.desk_app()
    client = doors.nobody(app)
    for cookie in ("", "x" * 43, "not-a-token"):
        client.cookies.set(f"__Host-amends-{door}", cookie)
        for row in _private(PORTAL if door is Door.PORTAL else DESK):
            answer = await client.request(row.method, doors.address(row))
            assert _sent_away(answer), row.key


@pytest.mark.req("V8.2.1", "V8.4.1", "V3.5.4")
async def test_a_session_of_one_door_opens_nothing_at_the_other(harbor: Customers) -> None:
    dana = await desk.browser(await scene.staff("Dana Cole"))
    token = dana.cookies["__Host-amends-desk"]
    client = doors.nobody(doors.portal_app(harbor))
    client.cookies.set("__Host-amends-portal", token)
    for row in _private(PORTAL):
        assert _sent_away(await client.request(row.method, doors.address(row))), row.key


@pytest.mark.req("V8.2.1", "V8.3.1", "T32")
@pytest.mark.parametrize("role", list(Role))
async def test_each_role_passes_only_where_the_table_says_whatever_the_state(
    role: Role, harbor: Customers
) -> None:
    """Every address with a real case; refused is refused in every state of it."""
    case = await scene.submitted(harbor)
    client = await desk.browser(await scene.staff("Kim Test", role))
    for status in Status:
        await Case.filter(id=case.id).update(status=status)
        for row in _private(DESK):
            may = row.who == ("staff",) or role.value in row.who
            if may or ("{ref}" not in row.path and status is not Status.DRAFT):
                continue
            answer = await client.request(row.method, doors.address(row, ref=case.ref))
            assert answer.status_code == 403, (row.key, status)


@pytest.mark.req("V8.2.2", "V8.4.1", "T13", "I29")
@pytest.mark.parametrize("status", list(Status))
async def test_another_customers_case_is_not_there_in_any_state_at_any_address(
    status: Status, harbor: Customers, maya: httpx2.AsyncClient
) -> None:
    case = await scene.submitted(harbor)
    file = await Attachment.create(
        case_id=case.id, name="secret-plan.pdf", content_type="application/pdf", size=1,
        sha256="0" * 64, store_key="attachments/none", uploaded_by="account:1", at=clock.now(),
    )  # fmt: skip
    await Case.filter(id=case.id).update(status=status)
    before = await rows_of(KEPT)
    for row in PORTAL:
        if "{" not in row.path:
            continue
        path = doors.address(row, ref=case.ref, draft=case.ref, file=file.id)
        strange = doors.address(row)
        theirs, nothing = [await maya.request(row.method, each) for each in (path, strange)]
        assert theirs.status_code == nothing.status_code, row.key
        assert theirs.status_code in (404, 422), row.key
        if row.method == "GET":
            assert theirs.status_code == 404, row.key
        for word in ("Priya", "Harbor", "SO-10482", "secret-plan"):
            assert word not in theirs.text, row.key
    assert await rows_of(KEPT) == before


@pytest.mark.req("V8.2.2", "T13")
async def test_every_other_id_of_another_customer_is_worth_nothing(
    harbor: Customers, maya: httpx2.AsyncClient
) -> None:
    """Ids that stand in forms: a session, an account, an order, a saved card."""
    priya = Browser(doors.portal_app(harbor))
    await priya.sign_in(harbor.priya)
    hers = await access.open_sessions(harbor.priya)
    await maya.post("/account/sessions/end", data={"session": hers[0].id})
    assert await access.open_sessions(harbor.priya) == hers
    await maya.post("/account/switch", data={"account": harbor.account.id})
    assert "Harbor" not in (await maya.get("/account")).text
    page = (await maya.get("/requests/new?order=SO-10482")).text
    assert "SO-10482" not in page.replace("order=SO-10482", "")


@pytest.mark.req("T31", "V8.3.2", "V7.4.2", "V7.5.3")
async def test_a_role_taken_away_between_page_and_post_decides_nothing(harbor: Customers) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case, plan = await scene.proposed(harbor, sam)
    browser = await desk.browser(dana)
    assert "Approve this plan" in (await browser.get(f"/approvals/{case.ref}")).text
    form = {"version": case.version, "plan": plan.version, "digest": plan.digest,
            "decision": "approve"}  # fmt: skip
    for roles, expected in (([Role.AUDITOR.value], 403), ([Role.AGENT.value], 403)):
        await Person.filter(id=dana.person_id).update(roles=roles)
        answer = await browser.post(f"/approvals/{case.ref}", data=form)
        assert answer.status_code == expected
    await Person.filter(id=dana.person_id).update(roles=[Role.MANAGER.value], active=False)
    assert _sent_away(await browser.post(f"/approvals/{case.ref}", data=form))
    assert (await Case.get(id=case.id)).status is Status.PROPOSED


@pytest.mark.req("V7.5.1", "V7.6.1", "V6.8.4", "T30", "V7.5.3")
async def test_what_cannot_be_undone_wants_a_fresh_sign_in_for_every_role() -> None:
    people = [await scene.staff(f"Kim {role}", role) for role in Role]
    for row in DESK:
        if not row.fresh:
            continue
        for person in people:
            client = await desk.browser(person, auth_time=desk.long_ago())
            answer = await client.request(row.method, doors.address(row))
            again = answer.headers.get("location", "").startswith("/sign-in/again")
            assert answer.status_code == 403 or again, row.key
    named = {row.path for row in DESK if row.fresh}
    for path in ("/approvals/{ref}", "/cases/{ref}/lift", "/security/{ref}/lift",
                 "/rules/{id:int}/decision", "/customers/{tenant}/address/decision"):  # fmt: skip
        assert path in named


@pytest.mark.req("V3.5.3", "T04", "V7.6.2")
async def test_looking_changes_nothing(harbor: Customers) -> None:
    """Every GET and HEAD of both doors, with real ids: what people asked and decided stays."""
    sam = await scene.staff("Sam Ito")
    case, _ = await scene.proposed(harbor, sam)
    priya = Browser(doors.portal_app(harbor))
    await priya.sign_in(harbor.priya)
    dana = await desk.browser(await scene.staff("Dana Cole"))
    before = await rows_of(KEPT)
    for client, rows in ((priya.http, PORTAL), (dana, DESK)):
        for row in rows:
            if row.method != "GET" or row.path in ("/sign-in/callback", "/sign-in/again"):
                continue
            path = doors.address(row, ref=case.ref, draft=case.ref, tenant="hf-0213")
            for method in ("GET", "HEAD"):
                answer = await client.request(method, path)
                assert answer.status_code < 500, row.key
    assert await rows_of(KEPT) == before


@pytest.mark.req("T37", "V3.5.1", "V3.5.2")
@pytest.mark.parametrize("door", list(Door))
async def test_no_other_site_changes_anything_at_any_address(door: Door, harbor: Customers) -> None:
    app = doors.portal_app(harbor) if door is Door.PORTAL else doors.desk_app()
    base = app.state.house.base_url
    bad: list[dict[str, str]] = [
        {"sec-fetch-site": "cross-site", "origin": base},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    ]
    for headers in bad:
        client = kit.browser(app, headers)
        for row in PORTAL if door is Door.PORTAL else DESK:
            if row.method == "GET" or row.who == ("signed",):
                continue
            for kind in ("application/x-www-form-urlencoded", "text/plain", "application/json"):
                answer = await client.request(
                    row.method, doors.address(row), headers={"content-type": kind}, content=b""
                )
                assert answer.status_code == 403, (row.key, headers, kind)
