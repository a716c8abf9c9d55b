"""The views: what is in them, their numbers, paging, filtering, and taking cases."""

from datetime import timedelta

import pytest

from amends import clock, exceptions_desk
from amends.models import Case
from amends.queries import staff_views
from amends.queries.staff_views import Filter, View
from amends.rules.workflow import OPEN, Reason, Status
from tests.backoffice import desk, reading, scene

pytestmark = pytest.mark.usefixtures("db")
WHERE = {
    View.MANAGER: {Status.PROPOSED, Status.REFUND_FAILED_LATE},
    View.FLIGHT: {Status.APPROVED, Status.REFUNDING, Status.PARTLY_REFUNDED},
    View.CHARGE: {
        Status.REFUNDED, Status.RECHARGING, Status.NEEDS_AUTHENTICATION, Status.NEEDS_NEW_CARD,
        Status.RECHARGED,
    },
    View.AUDIT: {Status.AUDITING},
    View.DISPUTES: {Status.LOCKED_CHARGEBACK},
    View.UNASSIGNED: {Status.SUBMITTED, Status.REOPENED, Status.TRIAGE},
}  # fmt: skip


async def test_every_state_stands_in_its_views() -> None:
    shop, noor = await scene.harbor(), await scene.staff("Noor Haddad")
    for status in Status:
        if status is not Status.DRAFT:
            case = await scene.submitted(shop)
            await Case.filter(id=case.id).update(status=status)

    for view in (*WHERE, View.ALL):
        rows = (await staff_views.page(noor, view, Filter())).rows
        assert {row.status for row in rows} == WHERE.get(view, set(OPEN))
    numbers = await staff_views.counts(noor)
    assert numbers["all"] == len(OPEN) and numbers["security"] == 1
    assert {view: numbers[view] for view in WHERE} == {
        view: len(states) for view, states in WHERE.items()
    }


async def test_mine_and_overdue_are_mine_and_overdue() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    nia = await scene.staff("Nia Brooks")
    mine, late = await scene.in_triage(shop, sam), await scene.in_triage(shop, nia)
    await Case.filter(id=late.id).update(due_at=clock.now() - timedelta(hours=2))

    my = (await staff_views.page(sam, View.MY, Filter())).rows
    overdue = (await staff_views.page(sam, View.OVERDUE, Filter())).rows
    assert [row.ref for row in my] == [mine.ref] and my[0].verified
    assert [row.ref for row in overdue] == [late.ref]

    page = await (await desk.browser(sam)).get("/queue?view=overdue")
    assert "Overdue 2 h" in reading.words(page)


@pytest.mark.req("T64", "V15.2.2")
async def test_it_counts_to_ninety_nine_and_pages_by_key() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    first = await scene.submitted(shop)
    columns = {f: getattr(first, f) for f in ("account_id", "order_id", "kind", "contact_email")}
    at = clock.now()
    await Case.bulk_create(
        Case(
            ref=f"RB-9{n:04}", status=Status.SUBMITTED, created_at=at, submitted_at=at,
            due_at=None if n > 117 else at + timedelta(minutes=n // 3), **columns,
        )
        for n in range(120)
    )  # fmt: skip

    seen, after = [], ""
    while True:
        page = await staff_views.page(sam, View.ALL, Filter(), after)
        seen += [row.ref for row in page.rows]
        if not page.after:
            break
        after = page.after
    assert len(seen) == len(set(seen)) == 121
    answer = await (await desk.browser(sam)).get("/queue?view=unassigned")
    assert "99+" in answer.text and "Next 50 cases" in answer.text and "50+ cases" in answer.text


async def test_it_filters_by_what_is_typed_and_by_reason() -> None:
    world = scene.twin()
    shop, sam = await scene.harbor(world), await scene.staff("Sam Ito")
    other = await scene.shop(
        world, "nw-1", "Northgate 100% Physio", "pay@nw.example", "SO-7",
        (("4242424242424242", 90_00),),
    )  # fmt: skip
    harbor = await scene.submitted(shop)
    north = await scene.submitted(other, **scene.dispute(Reason.DUPLICATE))
    client = await desk.browser(sam)

    for text, found in (
        ("harbor", harbor.ref), ("NORTH", north.ref), ("so-7", north.ref),
        (harbor.ref.lower(), harbor.ref), ("0% ph", north.ref), ("pay@nw", north.ref),
    ):  # fmt: skip
        page = await client.get("/queue", params={"view": "all", "q": text})
        assert "1 case matching" in reading.words(page) and found in page.text, text
    page = await client.get("/queue", params={"view": "all", "reason": "duplicate"})
    assert north.ref in page.text and harbor.ref not in page.text
    for nothing in ("%", "_", "zzz", "\\"):
        page = await client.get("/queue", params={"view": "all", "q": nothing})
        assert ("Nothing here" in page.text) is (nothing != "%"), nothing


async def test_the_filter_box_gets_the_table_alone() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    await scene.submitted(shop)
    client = await desk.browser(sam)
    answer = await client.get(
        "/queue?view=all&q=harbor", headers={"hx-request": "true", "hx-request-type": "partial"}
    )
    assert answer.text.lstrip().startswith('<div id="rows"') and "<html" not in answer.text


@pytest.mark.req("V2.2.1")
async def test_nonsense_in_the_address_shows_the_start() -> None:
    client = await desk.browser(await scene.staff("Sam Ito"))
    for query in ("view=nope", "after=%00", "after=abc", "reason=x", "after=bnVsbA=="):
        assert (await client.get(f"/queue?{query}")).status_code == 200, query


async def test_it_takes_the_next_case_and_says_when_there_is_none() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    client = await desk.browser(sam)

    taken = await client.post("/queue/next")
    assert (taken.status_code, taken.headers["location"]) == (303, f"/cases/{case.ref}?view=my")
    assert "No case is waiting" in (await client.post("/queue/next")).text


async def test_it_takes_ticked_cases_and_names_those_of_others() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    nia = await scene.staff("Nia Brooks")
    free, hers = await scene.submitted(shop), await scene.in_triage(shop, nia)
    client = await desk.browser(sam)

    answer = await client.post("/queue/mine", data={"ids": [free.ref, hers.ref]})

    assert answer.status_code == 409 and "Nia Brooks has this case" in answer.text
    assert (await Case.get(id=free.id)).owner_id == sam.person_id
    assert "No case was ticked" in (await client.post("/queue/mine")).text
    assert (await client.post("/queue/mine", data={"ids": free.ref})).status_code == 303


@pytest.mark.req("T39", "V1.2.1")
async def test_what_customers_write_is_never_markup() -> None:
    world = scene.twin()
    evil = "<img src=x onerror=alert(1)><b hx-get=/x>"
    shop = await scene.shop(
        world, "ev-1", evil, "ev@il.example", "SO-66", (("4242424242424242", 90_00),)
    )
    sam = await scene.staff("Sam Ito")
    case = await scene.submitted(shop, contact_name=evil, story=evil)
    await exceptions_desk.tell("dispute", "x", evil, case_id=case.id)
    client = await desk.browser(sam)

    for path in (
        "/queue?view=all", f"/queue?view=all&q={evil}", f"/cases/{case.ref}", "/exceptions",
        f"/cases/{case.ref}/identity", f"/cases/{case.ref}/log", "/customers/ev-1",
        f"/search?q={evil}",
    ):  # fmt: skip
        page = await client.get(path)
        assert "<img src=x" not in page.text and "<b hx-get" not in page.text, path
        assert page.status_code == 200, path


async def test_where_a_case_stands_in_its_view() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    first, second, third = [await scene.submitted(shop) for _ in range(3)]
    page = await (await desk.browser(sam)).get(f"/cases/{second.ref}?view=all")
    assert "2 of 3" in page.text
    assert f'href="/cases/{first.ref}?view=all" data-key="["' in page.text
    assert f'href="/cases/{third.ref}?view=all" data-key="]"' in page.text
