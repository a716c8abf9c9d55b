"""After ten years a closed case loses its person; the account, newer cases and the money stay."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from tortoise import connections

from amends import exceptions_desk, facts, retention, worker
from amends.models import Account, Case, ExceptionItem, LedgerEntry, Leg, Plan, TimelineEntry
from amends.privacy import aging
from amends.queries import staff_log
from amends.rights import Process
from amends.rules.people import Staff
from tests.privacy import scene
from tests.privacy.test_retention import PAGE
from tests.shop import Shop

pytestmark = pytest.mark.req("V14.2.4", "V14.2.7", "T63")


def _until(shop: Shop, filed: scene.Filed, days: int) -> None:
    """So many days after the case closed."""
    assert filed.case.closed_at is not None
    shop.pass_(seconds=(filed.case.closed_at + timedelta(days=days) - shop.time.at).total_seconds())


async def _newer(filed: scene.Filed) -> Case:
    """The same customer wrote again, years later."""
    now = filed.case.created_at
    case = await Case.create(
        ref="RB-9999", account_id=filed.sold.account.id, kind="dispute", status="resolved",
        contact_email=filed.address, contact_name="Priya Raman", story=scene.STORY,
        created_at=now, submitted_at=now, closed_at=now + timedelta(days=3000),
    )  # fmt: skip
    await exceptions_desk.tell("gave_up", "newer", "Priya Raman waits.", case_id=case.id)
    return case


async def _traces_of(filed: scene.Filed) -> list[str]:
    """Rows of the old case in which the customer can still be found."""
    words = tuple(word for word in filed.words if word != "Harbor Fitness")
    return scene.traces(await scene.whole_database(), words)


async def test_nothing_goes_before_its_time_and_then_only_the_old_case_does(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    filed = await scene.closed(shop, sam, dana)
    newer = await _newer(filed)
    legs = await Leg.filter(case_id=filed.case.id).order_by("id").values("id", "amount_minor")
    ledger = await LedgerEntry.filter(case_id=filed.case.id).count()
    _until(shop, filed, retention.CASES.days)
    assert await aging.due() == [] and (await aging.forget("Alex Kim"))[0] == []
    _until(shop, filed, retention.CASES.days + 1)

    done, refused = await aging.forget("Alex Kim")

    assert len(done) == 1 and refused == []
    old = await Case.get(id=filed.case.id)
    assert (old.contact_email, old.contact_name, old.story) == ("erased", "", "")
    left = [
        line
        for line in await _traces_of(filed)
        if "RB-9999" not in line
        and not line.startswith(("account:", "session:", "address_change:", "sign_in_code:"))
    ]
    of_newer = [line for line in left if "Priya Raman waits." in line]
    assert len(of_newer) == 1 and [line for line in left if line not in of_newer
                                   and not line.startswith("mail:")] == []  # fmt: skip
    account = await Account.get(id=filed.sold.account.id)
    assert (account.billing_email, account.contact_name) == (filed.address, "Priya Raman")
    assert (await Case.get(id=newer.id)).story == scene.STORY
    assert await Leg.filter(case_id=old.id).order_by("id").values("id", "amount_minor") == legs
    assert await LedgerEntry.filter(case_id=old.id).count() == ledger > 0
    assert (await Plan.get(case_id=old.id)).digest
    assert (await staff_log.chain(old.id)).broken_at is None
    assert not await TimelineEntry.filter(case_id=old.id).exclude(salt=None).exclude(
        action="erase_person").exists()  # fmt: skip
    assert await aging.due() == []


async def test_a_case_that_is_still_needed_waits_and_stops_no_other(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    first, second = [await scene.closed(shop, sam, dana) for _ in range(2)]
    shop.pass_(days=retention.CASES.days + 60)
    leg = await Leg.filter(case_id=first.case.id).first()
    assert leg is not None
    await Leg.filter(id=leg.id).update(watch_until=shop.time.at.replace(year=2099))

    done, refused = await aging.forget("Alex Kim")

    assert len(done) == 1 and (await Case.get(id=second.case.id)).contact_email == "erased"
    assert len(refused) == 1 and first.case.ref in refused[0]


async def test_no_process_erases_and_the_worker_tells_who_forgot(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    filed = await scene.closed(shop, sam, dana)
    connection = connections.get("default")

    async def as_worker(act: Callable[[], object]) -> None:
        await connection.execute_script(f"SET LOCAL ROLE {Process.WORKER.role}")
        try:
            await act()  # type: ignore[misc]
        finally:
            await connection.execute_script("RESET ROLE")

    _until(shop, filed, retention.CASES.days + 30)
    await as_worker(aging.remind)
    assert not await ExceptionItem.filter(kind="old_cases").exists()
    _until(shop, filed, retention.CASES.days + 31)
    await as_worker(aging.remind)
    assert await ExceptionItem.filter(kind="old_cases", resolved_at=None).count() == 1
    case = (await aging.due())[0]
    await connection.execute_script(f"SET LOCAL ROLE {Process.WORKER.role}")
    with pytest.raises(facts.Refused, match="may not erase"):
        await aging.erase.erase(aging.of(case), aging.Wish("worker", "old"))
    await connection.execute_script("RESET ROLE")
    await aging.forget("Alex Kim")
    await as_worker(aging.remind)
    assert not await ExceptionItem.filter(kind="old_cases", resolved_at=None).exists()


def test_the_worker_looks_each_night_and_the_page_tells_the_period() -> None:
    assert "remind" in worker.forget_old.func.__code__.co_names
    text = " ".join(PAGE.read_text().split())
    assert f"kept for {retention.CASES.days} days after it closed" in text
    assert f"cases are {retention.CASES_PATIENCE.days} days late" in text
