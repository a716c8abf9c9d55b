"""Faults of TRUST.md section 2 that no other file names: a refused key, locks in one order."""

import asyncio

import pytest
from tortoise.transactions import in_transaction

from amends import clock
from amends.flow import advance, recharge
from amends.gateways import stripe_client
from amends.models import Attempt, Case, ExceptionItem, Leg
from amends.rules.people import Customer, Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from sandbox.stripe_twin.transport import client_for
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import ALWAYS_SCA, AMEX, VISA, Shop


@pytest.mark.req("F11")
async def test_a_refused_key_stops_everything_and_is_told_once(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """A key that may not write: no case changes its state, nothing moves, one alert; then on."""
    cases = []
    for _ in range(5):
        sold = await shops.sale(shop, (VISA, 9_000))
        cases.append((await shops.approved(shop, sold, sam, dana)).case)
    for key in ("rk_test_desk", "sk_wrong"):
        refused = stripe_client.for_transport(client_for(shop.world), key)
        stripe_client.use(refused)
        for case in cases:
            await shops.work_on(shop, case, minutes=3)
    told = await ExceptionItem.filter(kind="stripe_key", resolved_at=None)
    assert len(told) == 1
    assert {row.kind for row in shop.world.ledger()} == {"charge"}
    assert not await Leg.filter(state__in=[LegState.FAILED, LegState.CANCELED]).exists()
    assert {(await Case.get(id=case.id)).status for case in cases} == {Status.REFUNDING}

    shop.take()
    for case in cases:
        for _ in range(4):
            case = await shops.work_on(shop, case, minutes=6)
        assert case.status is Status.RESOLVED
    keys = await Attempt.filter(step="refund").values_list("key_number", flat=True)
    assert set(keys) == {1}, "the same keys went again"


@pytest.mark.req("F04")
async def test_a_question_is_answered_once_nothing_can_be_on_the_wire(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """The request was lost and a dispute keeps it from going again: it was never carried out."""
    sold = await shops.sale(shop, (VISA, 9_000))
    case = (await shops.approved(shop, sold, sam, dana)).case
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_REQUEST)
    await shops.work(case)
    shop.world.open_dispute(sold.deposits[0].charge_id)
    asked = ExceptionItem.filter(kind="unknown_outcome", resolved_at=None)
    case = await shops.work_on(shop, case, minutes=2)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert await asked.exists(), "it may still be on its way"

    for _ in range(3):
        case = await shops.work_on(shop, case, minutes=10)
    assert not await asked.exists()
    assert not await Attempt.filter(state__in=["sending", "unknown"]).exists()


@pytest.mark.req("F54")
@pytest.mark.usefixtures("fresh_db")
async def test_the_customer_and_the_worker_lock_in_one_order(shop: Shop) -> None:
    """The worker holds the case and wants the leg; the customer waits instead of deadlocking."""
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    sold = await shops.sale(shop, (AMEX, 9_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=ALWAYS_SCA)
    case = await shops.work(made.case)
    assert case.status is Status.NEEDS_AUTHENTICATION
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    priya = Customer(sold.account.id, sold.account.billing_email, "Priya Raman", "Harbor Fitness")

    async with in_transaction():
        await Case.filter(id=case.id).select_for_update().get()
        asking = asyncio.create_task(recharge.ask_authentication(case, priya))
        await asyncio.sleep(0.1)
        await Leg.filter(id=leg.id).update(next_look_at=clock.now())
    await asking
    assert (await Case.get(id=case.id)).status is Status.RECHARGING
    await advance.advance(case.id)
