"""The paths that money takes: the usual one, and each special one."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

from amends import clock
from amends.flow import advance, recharge
from amends.gateways import stripe_client
from amends.models import Case, Leg, Plan
from amends.rules.plan import Draft, LegKind, Outcome, PlannedLeg
from amends.rules.remedies import Remedy, Way
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from sandbox.stripe_twin.resources import payment_intents, payments
from sandbox.stripe_twin.transport import client_for
from tests import shop as shops
from tests.money.scene import Scene
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, FAILS, PENDING, VISA

Path = Callable[[Scene], Awaitable[Case]]
TWO = ((AMEX, 120_000), (VISA, 80_000))


async def two_deposits(scene: Scene) -> Case:
    case = await scene.approved(*TWO)
    return await scene.until(case, Status.RESOLVED)


async def pending(scene: Scene) -> Case:
    case = await scene.approved((PENDING, 120_000))
    return await scene.until(case, Status.RESOLVED)


async def authentication(scene: Scene) -> Case:
    """The bank of the new card wants its holder."""
    case = await scene.approved((AMEX, 120_000), new_card=ALWAYS_SCA)
    case = await scene.until(case, Status.NEEDS_AUTHENTICATION)
    await recharge.ask_authentication(case, scene.priya)
    case = await scene.until(case, Status.NEEDS_AUTHENTICATION)
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    payments.authenticated(
        scene.shop.world, payment_intents.get(scene.shop.world, leg.payment_intent_id)
    )
    await recharge.returned_from_bank(case)
    return await scene.until(case, Status.RESOLVED)


async def declined(scene: Scene) -> Case:
    """The new card says no; a manager approves another."""
    case = await scene.approved((AMEX, 120_000), new_card=DECLINES)
    case = await scene.until(case, Status.NEEDS_NEW_CARD)
    assert scene.sold is not None
    made = await shops.approve_new_card(scene.shop, case, scene.sold, scene.agent, scene.manager)
    return await scene.until(made.case, Status.RESOLVED)


async def the_rest_with_another_card(scene: Scene) -> Case:
    """After a decline more is refunded, and the new charge rests on the earlier refunds too."""
    case = await scene.approved(*TWO, new_card=DECLINES, refunds=[40_000, 30_000])
    case = await scene.until(case, Status.NEEDS_NEW_CARD)
    assert scene.sold is not None
    more = (shops.refund_leg(scene.sold.deposits[1], 20_000),)
    made = await shops.approve_new_card(
        scene.shop, case, scene.sold, scene.agent, scene.manager, more=more
    )
    return await scene.until(made.case, Status.RESOLVED)


def _with_fault(route: str, kind: FaultKind) -> Path:
    async def path(scene: Scene) -> Case:
        case = await scene.approved((AMEX, 120_000), refunds=[40_000])
        scene.shop.world.faults.add(route, kind)
        return await scene.until(case, Status.RESOLVED)

    return path


def _after(route: str, then: Callable[[Scene], None], *, calls: int = 1) -> Path:
    """Something happens at Stripe right after that many calls of that route were answered."""

    async def path(scene: Scene) -> Case:
        case = await scene.approved((VISA, 120_000), refunds=[40_000])
        world, left = scene.shop.world, [calls]
        handle = world.handle

        async def handle_and_then(call):  # type: ignore[no-untyped-def]
            try:
                return await handle(call)
            finally:
                left[0] -= f"{call.method} {call.path}" == route
                if left[0] == 0:
                    left[0] = -1
                    then(scene)

        world.handle = handle_and_then  # type: ignore[method-assign]
        return await scene.rest(case)

    return path


def _before(route: str, then: Callable[[Scene], None]) -> Path:
    """Something happens at Stripe right before it answers the first call that begins so."""

    async def path(scene: Scene) -> Case:
        case = await scene.approved((VISA, 120_000), refunds=[40_000])
        world, handle = scene.shop.world, scene.shop.world.handle

        async def then_and_handle(call):  # type: ignore[no-untyped-def]
            if f"{call.method} {call.path}".startswith(route):
                world.handle = handle  # type: ignore[method-assign]
                then(scene)
            return await handle(call)

        world.handle = then_and_handle  # type: ignore[method-assign]
        return await scene.rest(case)

    return path


def _dispute(scene: Scene) -> None:
    assert scene.sold is not None
    scene.shop.world.open_dispute(scene.sold.deposits[0].charge_id)


def _warn(scene: Scene) -> None:
    assert scene.sold is not None
    scene.shop.world.warn_fraud(scene.sold.deposits[0].charge_id)


def _fail(scene: Scene) -> None:
    world = scene.shop.world
    refund = list(world.store.table("refund").oldest_first())[-1]
    world.fail_refund(refund["id"])


REFUND, CREATE = "POST /v1/refunds", "POST /v1/payment_intents"
CONFIRM = "POST /v1/payment_intents/*/confirm"
lost_request = _with_fault(REFUND, FaultKind.LOST_REQUEST)
refund_limited = _with_fault(REFUND, FaultKind.RATE_LIMIT_429)
creation_limited = _with_fault(CREATE, FaultKind.RATE_LIMIT_429)
confirmation_limited = _with_fault(CONFIRM, FaultKind.LOCK_TIMEOUT_429)
created_unheard = _with_fault(CREATE, FaultKind.LOST_RESPONSE)
creation_500 = _with_fault(CREATE, FaultKind.ERROR_500_BEFORE)
confirmation_lost = _with_fault(CONFIRM, FaultKind.LOST_REQUEST)
confirmation_500 = _with_fault(CONFIRM, FaultKind.ERROR_500_BEFORE)
disputed_before_the_charge = _after(REFUND, _dispute)
warned_before_the_charge = _after(REFUND, _warn)
# The gate reads the refund by its id; who has not heard of it yet looks in the charge's list. So
# it fails after it was confirmed, and before the charge, whoever was killed on the way.
failed_before_the_charge = _before("GET /v1/refunds/re_", _fail)
lost_answer = _with_fault(REFUND, FaultKind.LOST_RESPONSE)
lost_confirmation = _with_fault(CONFIRM, FaultKind.LOST_RESPONSE)
stored_500 = _with_fault(REFUND, FaultKind.ERROR_500_BEFORE)
lost_creation = _with_fault(CREATE, FaultKind.LOST_REQUEST)


# About the first deposit: whether the other one was refunded before the news depends on the kill.
async def disputed(scene: Scene) -> Case:
    """The bank's process began before anything was sent."""
    case = await scene.approved(*TWO)
    _dispute(scene)
    return await scene.until(case, Status.LOCKED_CHARGEBACK)


async def warned(scene: Scene) -> Case:
    case = await scene.approved(*TWO)
    _warn(scene)
    return await scene.until(case, Status.LOCKED_FRAUD)


async def disputed_before_the_resend(scene: Scene) -> Case:
    """The request was lost; before it goes again, the bank's process begins."""
    case = await scene.approved((AMEX, 120_000), refunds=[40_000])
    assert scene.sold is not None
    scene.shop.world.faults.add(REFUND, FaultKind.LOST_REQUEST)
    case = await scene.work(case)
    scene.shop.world.open_dispute(scene.sold.deposits[0].charge_id)
    case = await scene.until(case, Status.LOCKED_CHARGEBACK)
    return await scene.rest(case)


async def _sent(scene: Scene, case: Case) -> Leg:
    """The first refund, once Stripe has it: a killed worker may have left that to the next."""
    leg = await Leg.get(case_id=case.id, position=1)
    for span in (0, 70, 70, 400):
        scene.shop.pass_(seconds=span)
        await scene.work(case)
        await leg.refresh_from_db()
        if leg.stripe_id:
            return leg
    raise AssertionError("the first refund was not sent")


async def refund_failed(scene: Scene) -> Case:
    """A pending refund fails: the rest of the plan waits for people."""
    case = await scene.approved((PENDING, 120_000), (VISA, 80_000))
    leg = await _sent(scene, case)
    scene.shop.world.fail_refund(str(leg.stripe_id))
    return await scene.until(case, Status.PARTLY_REFUNDED)


async def _late(scene: Scene) -> tuple[Case, Leg]:
    case = await failed_late(scene)
    await Plan.filter(case_id=case.id).update(voided_at=clock.now(), void_reason="a remedy")
    return case, await Leg.get(case_id=case.id, kind=LegKind.REFUND)


async def sent_again(scene: Scene) -> Case:
    """A refund failed late; a manager approved sending it again, to a card that takes it now."""
    case, failed = await _late(scene)
    assert scene.sold is not None
    leg = shops.refund_leg(scene.sold.deposits[0], failed.amount_minor)
    remedy = Remedy(Way.SEND_AGAIN, (str(failed.id),), failed.amount_minor, "usd")
    draft = Draft(case.ref, 2, 1, Outcome.REFUND, case.contact_email, (leg,), remedy=remedy)
    made = await shops.approve(case, draft, scene.agent, scene.manager)
    return await scene.until(made.case, Status.RESOLVED)


async def paid_otherwise(scene: Scene) -> Case:
    case, failed = await _late(scene)
    remedy = Remedy(
        Way.PAY_OTHERWISE, (str(failed.id),), failed.amount_minor, "usd", "Bank transfer",
        "Reference AM-2401", "", "We paid you by bank transfer.",
    )  # fmt: skip
    draft = Draft(case.ref, 2, 1, Outcome.REFUND, case.contact_email, (), remedy=remedy)
    made = await shops.approve(case, draft, scene.agent, scene.manager)
    return await scene.until(made.case, Status.RESOLVED)


async def credited(scene: Scene) -> Case:
    """A goodwill credit on the customer's balance at Stripe."""
    sold = scene.sold = await shops.sale(scene.shop, (VISA, 80_000))
    leg = PlannedLeg(
        str(uuid.uuid4()), LegKind.CREDIT, 10_000, "usd", customer_id=sold.customer_id,
        label="for next invoices",
    )  # fmt: skip
    case = await shops.new_case(sold)
    draft = Draft(case.ref, 1, 1, Outcome.CREDIT, case.contact_email, (leg,))
    made = await shops.approve(case, draft, scene.agent, scene.manager)
    return await scene.until(made.case, Status.RESOLVED)


async def subscription_ended(scene: Scene) -> Case:
    """A refund, and the subscription ends with it."""
    sold = scene.sold = await shops.sale(scene.shop, (VISA, 80_000))
    ends = (scene.shop.time.at + timedelta(days=400)).timestamp()
    made_there = scene.shop.world.add_subscription(sold.customer_id, 9_900, current_period_end=ends)
    ending = PlannedLeg(
        str(uuid.uuid4()), LegKind.END_SUBSCRIPTION, 0, "usd", customer_id=sold.customer_id,
        subscription_id=made_there["id"],
    )  # fmt: skip
    legs = (shops.refund_leg(sold.deposits[0], 80_000), ending)
    case = await shops.new_case(sold)
    draft = Draft(case.ref, 1, 1, Outcome.REFUND, case.contact_email, legs)
    made = await shops.approve(case, draft, scene.agent, scene.manager)
    return await scene.until(made.case, Status.RESOLVED)


async def refunded_by_hand(scene: Scene) -> Case:
    """Somebody refunded the first deposit in the Dashboard."""
    case = await scene.approved(*TWO)
    assert scene.sold is not None
    scene.shop.world.refund_in_dashboard(scene.sold.deposits[0].charge_id)
    return await scene.until(case, Status.PARTLY_REFUNDED)


async def failed_late(scene: Scene) -> Case:
    case = await scene.approved((FAILS, 120_000))
    case = await scene.until(case, Status.RESOLVED)
    scene.shop.pass_(days=3)
    return await scene.until(case, Status.REFUND_FAILED_LATE)


async def expired(scene: Scene) -> Case:
    """The approval runs out before the first refund is sent."""
    case = await scene.approved(*TWO)
    await advance.advance(case.id)
    scene.shop.pass_(days=15)
    return await scene.until(case, Status.PARTLY_REFUNDED)


async def stopped_before_the_charge(scene: Scene) -> Case:
    """The approval runs out before the new card is charged."""
    scene.shop.world.delays.pending_refund_s = 16 * 86_400
    case = await scene.approved((PENDING, 120_000))
    await _sent(scene, case)
    scene.shop.pass_(days=17)
    return await scene.until(case, Status.NEEDS_NEW_CARD)


async def card_gone(scene: Scene) -> Case:
    """The new card was detached: the intent cannot even be made."""
    case = await scene.approved((AMEX, 120_000))
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    client = stripe_client.for_transport(client_for(scene.shop.world)).read
    await client.v1.payment_methods.detach_async(leg.payment_method_id)
    return await scene.until(case, Status.NEEDS_NEW_CARD)


async def refused(scene: Scene) -> Case:
    """Stripe refuses the refund itself: the charge was refunded after the last look."""
    case = await scene.approved((VISA, 80_000), new_card=None)
    assert scene.sold is not None
    charge, world = scene.sold.deposits[0].charge_id, scene.shop.world
    handle = world.handle

    async def somebody_is_faster(call):  # type: ignore[no-untyped-def]
        if (call.method, call.path) == ("POST", "/v1/refunds"):
            world.handle = handle  # type: ignore[method-assign]
            world.refund_in_dashboard(charge)
        return await handle(call)

    world.handle = somebody_is_faster  # type: ignore[method-assign]
    return await scene.until(case, Status.PARTLY_REFUNDED)


# Killed at every point, each of them:
MATRIX: dict[str, Path] = {
    "two deposits": two_deposits,
    "pending": pending,
    "authentication": authentication,
    "declined, another card": declined,
    "declined, the rest with another card": the_rest_with_another_card,
    "lost answer": lost_answer,
    "lost confirmation": lost_confirmation,
    "stored 500": stored_500,
    "lost creation": lost_creation,
    "disputed": disputed,
    "refused": refused,
    "card gone": card_gone,
    "lost request": lost_request,
    "refund limited": refund_limited,
    "creation limited": creation_limited,
    "confirmation limited": confirmation_limited,
    "created unheard": created_unheard,
    "stored 500 at the creation": creation_500,
    "lost request to confirm": confirmation_lost,
    "stored 500 at the confirmation": confirmation_500,
    "disputed before the resend": disputed_before_the_resend,
    "disputed before the charge": disputed_before_the_charge,
    "warned before the charge": warned_before_the_charge,
    "failed before the charge": failed_before_the_charge,
    "refund failed": refund_failed,
    "warned": warned,
    "refunded by hand": refunded_by_hand,
    "failed late": failed_late,
    "sent again": sent_again,
    "paid otherwise": paid_otherwise,
    "expired": expired,
    "stopped before the charge": stopped_before_the_charge,
    "credited": credited,
    "subscription ended": subscription_ended,
}
