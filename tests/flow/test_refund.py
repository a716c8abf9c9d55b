"""Step 4: each deposit goes back to its own card, once, and only a re-read confirms it."""

from datetime import timedelta

import pytest

from amends.models import Attempt, ExceptionItem, LedgerEntry, Leg, Order
from amends.rules.people import Staff
from amends.rules.plan import LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.shop import AMEX, FAILS, PENDING, VISA, Shop

Kind = FaultKind


def refunds(shop: Shop) -> list[tuple[str | None, int]]:
    return [
        (row.card_last4, row.amount_minor) for row in shop.world.ledger() if row.kind == "refund"
    ]


def charges(shop: Shop) -> list[tuple[str | None, int]]:
    return [
        (row.card_last4, row.amount_minor) for row in shop.world.ledger() if row.kind == "charge"
    ]


@pytest.mark.req("B7", "B8", "B11", "B12", "T08", "I3")
async def test_it_refunds_each_deposit_to_its_own_card_then_charges_the_new_one(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    before = len(charges(shop))
    case = await shops.work(made.case)
    assert refunds(shop) == [("0005", -120_000), ("4242", -80_000)]
    assert charges(shop)[before:] == [("4444", 200_000)]
    assert case.status is Status.RESOLVED
    assert not (await Order.get(id=sold.order.id)).unpaid_hold


@pytest.mark.req("B8")
async def test_it_waits_for_a_pending_refund_before_charging(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (VISA, 80_000), (PENDING, 5_000))
    made = await shops.approved(shop, sold, sam, dana)
    before = len(charges(shop))
    case = await shops.work(made.case)
    assert case.status is Status.REFUNDING
    assert len(charges(shop)) == before
    assert (await Order.get(id=sold.order.id)).unpaid_hold
    case = await shops.work_on(shop, case, days=1, hours=2)
    assert case.status is Status.RESOLVED


@pytest.mark.parametrize(
    "fault",
    [
        Kind.LOST_REQUEST,
        Kind.LOST_RESPONSE,
        Kind.TIMEOUT_BEFORE,
        Kind.TIMEOUT_AFTER,
        Kind.ERROR_500_BEFORE,
        Kind.ERROR_500_AFTER,
        Kind.RATE_LIMIT_429,
        Kind.LOCK_TIMEOUT_429,
        Kind.KEY_IN_USE_409,
    ],
)
@pytest.mark.parametrize(
    "route", ["POST /v1/refunds", "POST /v1/payment_intents", "POST /v1/payment_intents/*/confirm"]
)
async def test_it_moves_money_once_whatever_happens_to_the_call(
    shop: Shop, sam: Staff, dana: Staff, fault: FaultKind, route: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    before = len(charges(shop))
    shop.world.faults.add(route, fault)
    case = await shops.work(made.case)
    for _ in range(12):
        case = await shops.work_on(shop, case, minutes=6)
    assert case.status is Status.RESOLVED, case.status
    assert sorted(refunds(shop)) == [("0005", -120_000), ("4242", -80_000)]
    assert charges(shop)[before:] == [("4444", 200_000)]
    assert await ExceptionItem.filter(resolved_at=None).count() == 0
    sums = await LedgerEntry.filter(case_id=case.id)
    assert sum(entry.amount_minor for entry in sums) == 0
    assert len(sums) == 6


@pytest.mark.req("B12")
async def test_a_failing_leg_leaves_the_other_done(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (PENDING, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    before = len(charges(shop))
    case = await shops.work(made.case)
    pending = await Leg.get(case_id=case.id, position=1)
    shop.world.fail_refund(str(pending.stripe_id), "expired_or_canceled_card")
    case = await shops.work_on(shop, case, hours=2)
    states = {leg.position: leg.state for leg in await Leg.filter(case_id=case.id)}
    assert (states[1], states[2]) == (LegState.FAILED, LegState.SUCCEEDED)
    assert case.status is Status.PARTLY_REFUNDED
    assert len(charges(shop)) == before


async def test_it_looks_up_before_resending_after_25_hours(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=None)
    shop.world.faults.add("POST /v1/refunds", Kind.LOST_RESPONSE)
    await shops.work(made.case)
    shop.pass_(hours=25)
    case = await shops.work(made.case)
    assert case.status is Status.RESOLVED
    assert refunds(shop) == [("4242", -80_000)]
    assert await Attempt.all().count() == 1


async def test_a_key_of_25_hours_is_never_sent_again(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=None)
    shop.world.faults.add("POST /v1/refunds", Kind.LOST_REQUEST)
    await shops.work(made.case)
    shop.pass_(hours=25)
    case = await shops.work(made.case)
    assert case.status is Status.RESOLVED
    assert sorted(each.key_number for each in await Attempt.all()) == [1, 2]
    assert refunds(shop) == [("4242", -80_000)]


@pytest.mark.req("T18")
async def test_a_dispute_before_the_first_refund_locks_the_case(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.open_dispute(sold.deposits[1].charge_id)
    case = await shops.work(made.case)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert refunds(shop) == [], "a dispute on any deposit stops all of them"


@pytest.mark.req("T36")
async def test_a_refund_made_in_the_dashboard_is_never_taken_for_ours(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.refund_in_dashboard(sold.deposits[0].charge_id)
    before = len(charges(shop))
    case = await shops.work(made.case)
    assert case.status is Status.PARTLY_REFUNDED
    assert len(refunds(shop)) == 1
    assert len(charges(shop)) == before
    assert await ExceptionItem.filter(kind="charge_changed").exists()


@pytest.mark.req("I13")
async def test_an_expired_approval_sends_nothing(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.pass_(days=15)
    case = await shops.work(made.case)
    assert case.status is Status.TRIAGE
    assert refunds(shop) == []


async def test_a_confirmed_refund_that_fails_later_reopens_the_case(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (FAILS, 120_000))
    made = await shops.approved(shop, sold, sam, dana)
    case = await shops.work(made.case)
    assert case.status is Status.RESOLVED
    for _ in range(5):
        case = await shops.work_on(shop, case, days=1, minutes=1)
    assert case.status is Status.REFUND_FAILED_LATE
    assert case.watch_until is not None
    assert case.watch_until > shop.time.at + timedelta(days=20)
