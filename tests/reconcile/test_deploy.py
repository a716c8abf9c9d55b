"""Old and new workers side by side: what a newer version wrote is left alone and told."""

import json
from datetime import timedelta

import pytest
from tortoise import connections

from amends import clock, reconcile
from amends.flow import advance, stripe_events, sweep
from amends.models import ExceptionItem, Plan, WebhookEvent
from amends.rules import plan as plans
from amends.rules.people import Staff
from amends.rules.workflow import Status
from tests import shop as shops
from tests.reconcile.test_reconcile import tamper
from tests.shop import AMEX, VISA, Approved, Sale, Shop


async def two(shop: Shop, sam: Staff, dana: Staff) -> tuple[Sale, Approved, Approved]:
    """One case that a newer worker has taken up, and another of the same customer."""
    sold = await shops.sale(shop, (AMEX, 120_000))
    other = await shops.sale(shop, (VISA, 80_000), account=sold.account)
    first = await shops.approved(shop, sold, sam, dana)
    return sold, first, await shops.approved(shop, other, sam, dana)


async def sql(statement: str, *values: object) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = await connections.get("default").execute_query_dict(
        statement, list(values)
    )
    return rows


async def new_words(made: Approved, where: str) -> None:
    """What a later release may write. Its migration would have widened the constraint first."""
    await sql("ALTER TABLE leg DROP CONSTRAINT IF EXISTS ck_leg_state")
    match where:
        case "status":
            await tamper("case_", made.case.id, "status = 'paused'")
        case "kind" | "reason":
            await tamper("case_", made.case.id, f"{where} = 'trade_in'")
        case "leg kind":
            await tamper("leg", made.legs[0].id, "kind = 'voucher'")
        case "leg state":
            await tamper("leg", made.legs[0].id, "state = 'held'")
        case _:
            body = json.loads(made.plan.canonical) | PLANS[where]
            canonical = plans.json.dumps(body, sort_keys=True, separators=(",", ":"))
            digest = plans.digest_of(canonical)
            words = f"canonical = '{canonical}', digest = '{digest}'"
            await tamper("plan", made.plan.id, words)


PLANS: dict[str, dict[str, object]] = {
    "plan schema": {"schema": 3},
    "plan field": {"insurance": "full"},
    "plan outcome": {"outcome": "trade_in"},
    "plan remedy": {"schema": 2, "remedy": {"way": "voucher", "mends": []}},
}
WHERE = ["status", "kind", "reason", "leg kind", "leg state", *PLANS]


@pytest.mark.parametrize("where", WHERE)
async def test_an_older_worker_skips_tells_and_does_not_loop(
    shop: Shop, sam: Staff, dana: Staff, where: str
) -> None:
    _, made, other = await two(shop, sam, dana)
    await new_words(made, where)
    before = len(shop.world.ledger())

    for _ in range(3):
        await advance.advance(made.case.id)

    item = await ExceptionItem.get(case_id=made.case.id)
    assert item.kind == "newer_version" and "cannot read these rows" in item.detail
    rows = await sql("SELECT status, next_check_at FROM case_ WHERE id = $1", made.case.id)
    assert rows[0]["next_check_at"] == clock.now() + timedelta(minutes=1)
    assert len(shop.world.ledger()) == before
    assert await sql("SELECT 1 FROM attempt") == []
    # The other cases go on.
    assert (await shops.work(other.case)).status is Status.RESOLVED


async def test_it_does_not_disturb_the_time_that_a_newer_worker_set(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    _, made, _ = await two(shop, sam, dana)
    later = clock.now() + timedelta(days=3)
    await tamper("case_", made.case.id, f"status = 'paused', next_check_at = '{later}'")

    await advance.advance(made.case.id)

    rows = await sql("SELECT status, next_check_at FROM case_ WHERE id = $1", made.case.id)
    assert rows == [{"status": "paused", "next_check_at": later}]


async def test_it_goes_on_once_the_words_are_known_again(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    _, made, _ = await two(shop, sam, dana)
    await new_words(made, "status")
    await advance.advance(made.case.id)
    await tamper("case_", made.case.id, "status = 'approved'")

    case = await shops.work_on(shop, made.case, minutes=2)

    assert case.status is Status.RESOLVED
    await reconcile.run()
    assert not await ExceptionItem.filter(resolved_at=None).exists()


async def test_an_event_about_such_a_case_is_tried_again_later(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold, made, _ = await two(shop, sam, dana)
    await new_words(made, "status")
    shop.world.open_dispute(sold.deposits[0].charge_id)
    await stripe_events.catch_up()
    await shops.look_at_events()
    waiting = await WebhookEvent.filter(done_at=None, type__startswith="charge.dispute")
    assert waiting and all(
        event.next_try_at == clock.now() + timedelta(minutes=1) for event in waiting
    )
    assert await ExceptionItem.filter(kind="newer_version").exists()
    await tamper("case_", made.case.id, "status = 'approved'")
    await shops.look_at_events()
    rows = await sql("SELECT status FROM case_ WHERE id = $1", made.case.id)
    assert rows == [{"status": "locked_chargeback"}]


@pytest.mark.parametrize("where", ["status", "leg kind", "leg state", "plan schema"])
async def test_sweep_and_reconciliation_pass_over_it(
    shop: Shop, sam: Staff, dana: Staff, where: str
) -> None:
    sold, made, other = await two(shop, sam, dana)
    await shops.work(other.case)
    await new_words(made, where)
    shop.world.open_dispute(sold.deposits[0].charge_id)
    shop.pass_(minutes=5)

    await sweep.sweep()
    report = await reconcile.run()

    assert report.counts
    assert {each.kind for each in report.open} <= {"stuck_case"}
    assert (await Plan.get(id=other.plan.id)).voided_at is None
