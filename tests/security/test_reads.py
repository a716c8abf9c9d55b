"""Bulk reading is seen: the 501st page of customers within an hour tells somebody else."""

import pytest

from amends import access, clock, read_log
from amends.flow import intake
from amends.models import ExceptionItem, RateLimit, ReadEntry
from amends.read_log import Look, Read
from amends.rules.workflow import Kind
from tests.backoffice import desk, scene

pytestmark = [pytest.mark.req("T34"), pytest.mark.usefixtures("db")]


async def test_the_five_hundred_and_first_page_of_an_hour_is_told_once() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    at = int(clock.now().timestamp())
    start = at - at % 3600
    browser = await desk.browser(sam)
    for _ in range(499):
        await access.hit_limit(f"reads:{sam.person_id}", start)
    assert (await browser.get(f"/cases/{case.ref}")).status_code == 200
    assert not await ExceptionItem.filter(kind="many_reads").exists()

    assert (await browser.get(f"/customers/{shop.account.tenant_id}")).status_code == 200

    (row,) = await ExceptionItem.filter(kind="many_reads")
    assert "Sam Ito opened more than 500" in row.detail
    assert (await browser.get(f"/cases/{case.ref}")).status_code == 200
    assert await ExceptionItem.filter(kind="many_reads").count() == 1


async def test_only_pages_of_a_case_or_a_customer_count() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case, browser = await scene.submitted(shop), await desk.browser(sam)
    for path in (f"/cases/{case.ref}", f"/cases/{case.ref}/log", "/search?q=Priya"):
        assert (await browser.get(path)).status_code == 200
    (row,) = await RateLimit.filter(key=f"reads:{sam.person_id}")
    assert row.hits == 1


async def test_another_hour_and_another_person_count_by_themselves() -> None:
    sam, nia = await scene.staff("Sam Ito"), await scene.staff("Nia Brooks")
    look = Look(Read.PAGE, "RB-2401", "case.show", "192.0.2.7", "ABCDEFGHJK")
    for by in (sam, nia):
        for _ in range(300):
            await read_log.note(by, look)
    assert not await ExceptionItem.filter(kind="many_reads").exists()


async def test_a_draft_is_not_shown_and_so_not_noted() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    draft = await intake.start_draft(shop.priya, Kind.REBILL)
    assert (await (await desk.browser(sam)).get(f"/cases/{draft.ref}")).status_code == 404
    assert not await ReadEntry.filter(person_id=sam.person_id).exists()
    assert not await RateLimit.filter(key=f"reads:{sam.person_id}").exists()
