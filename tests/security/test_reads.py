"""Bulk reading is seen: the 501st page of customers within an hour tells somebody else."""

import pytest

from amends import access, clock, read_alert
from amends.models import ExceptionItem
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
    await read_alert.count(sam)
    assert await ExceptionItem.filter(kind="many_reads").count() == 1


async def test_another_hour_and_another_person_count_by_themselves() -> None:
    sam, nia = await scene.staff("Sam Ito"), await scene.staff("Nia Brooks")
    for by in (sam, nia):
        for _ in range(300):
            await read_alert.count(by)
    assert not await ExceptionItem.filter(kind="many_reads").exists()
