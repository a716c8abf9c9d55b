"""What Stripe shows of the one PaymentIntent of a recharge, written down."""

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, ledger, moves, rows, timeline
from amends.flow import attempts, letters, outbox
from amends.flow.observe import held
from amends.gateways.stripe_facts import IntentFacts
from amends.models import Case, Leg, Order
from amends.rules import plan, sending
from amends.rules.people import STRIPE
from amends.rules.plan import LegKind, LegState
from amends.rules.sending import IntentChange
from amends.rules.workflow import Action, Status

AUTHENTICATION = "authentication"
TO_CANCEL = "to_cancel"
ASKED = "asked"


async def intent(leg_id: object, seen: IntentFacts) -> None:
    """Bring a recharge leg up to what Stripe shows; any number of times, in any order."""
    async with in_transaction():
        case, leg = await held(leg_id)
        if leg.state in plan.OVER or await _is_strange(leg, seen):
            return
        match sending.intent_seen(seen.status, seen.error_code):
            case IntentChange.CHARGED:
                await _charged(case, leg, seen)
            case IntentChange.PROCESSING:
                await attempts.settle(leg, LegState.PENDING, seen.id)
                await Leg.filter(id=leg.id).update(state=LegState.PENDING)
            case IntentChange.WANTS_CUSTOMER:
                await _wants_customer(case, leg, seen)
            case IntentChange.AUTHENTICATE if leg.pending_reason != ASKED:
                await _wants_customer(case, leg, seen)
            case IntentChange.DECLINED:
                await _declined(case, leg, seen)
            case IntentChange.CANCELED:
                await _canceled(case, leg)
            case IntentChange.NOT_CONFIRMED | IntentChange.AUTHENTICATE:
                # Nothing new: the customer asked for the bank's page and the worker gets it.
                pass
            case IntentChange.STRANGE:
                await exceptions_desk.tell(
                    "unknown_status",
                    seen.id,
                    f"PaymentIntent {seen.id} reads '{seen.status}'.",
                    case_id=case.id,
                    stripe_id=seen.id,
                )


def says_nothing(leg: Leg, seen: IntentFacts) -> bool:
    """Our own intent, not confirmed yet: nothing to write down, whatever the leg is by now.

    What is compared never changes once it is there.
    """
    change = sending.intent_seen(seen.status, seen.error_code)
    return change is IntentChange.NOT_CONFIRMED and leg.stripe_id == seen.id and _is_same(leg, seen)


async def created(leg_id: object, seen: IntentFacts) -> None:
    """The PaymentIntent exists, unconfirmed; from here its id is the guard against a second."""
    async with in_transaction():
        case, leg = await held(leg_id)
        if leg.payment_intent_id or leg.state in plan.OVER or await _is_strange(leg, seen):
            return
        await attempts.settle(leg, LegState.SUCCEEDED, seen.id)
        await rows.change(
            Leg,
            {"payment_intent_id": seen.id, "stripe_id": seen.id, "state": LegState.SENDING},
            "WHERE id = $1",
            leg.id,
        )
        await timeline.append(
            case.id,
            timeline.Entry("recharge_prepared", STRIPE, clock.now(), data=_facts(leg, seen)),
        )


async def _is_strange(leg: Leg, seen: IntentFacts) -> bool:
    """Amount, currency and customer are what was approved, and it is the leg's only intent."""
    if _is_same(leg, seen) and leg.stripe_id in (None, seen.id):
        return False
    await exceptions_desk.tell(
        "recharge_differs",
        seen.id,
        f"PaymentIntent {seen.id} ({seen.amount_minor} {seen.currency}) is not what leg "
        f"{leg.position} says ({leg.amount_minor} {leg.currency}).",
        case_id=leg.case_id,
        stripe_id=seen.id,
    )
    return True


def _is_same(leg: Leg, seen: IntentFacts) -> bool:
    return (seen.amount_minor, seen.currency, seen.customer_id) == (
        leg.amount_minor,
        leg.currency,
        leg.customer_id,
    )


def _facts(leg: Leg, seen: IntentFacts) -> dict[str, object]:
    return {
        "leg": str(leg.id),
        "intent": seen.id,
        "charge": seen.charge_id,
        "amount_minor": seen.amount_minor,
        "currency": seen.currency,
        "error": seen.error_code,
        "decline": seen.decline_code,
    }


async def _charged(case: Case, leg: Leg, seen: IntentFacts) -> None:
    now = clock.now()
    await attempts.settle(leg, LegState.SUCCEEDED, seen.id)
    await rows.change(
        Leg,
        {
            "state": LegState.SUCCEEDED,
            "stripe_id": seen.id,
            "payment_intent_id": seen.id,
            "result_charge_id": seen.charge_id,
            "sent_at": leg.sent_at or now,
            "confirmed_at": now,
            "next_action_url": "",
            "pending_reason": "",
            "failure": "",
        },
        "WHERE id = $1",
        leg.id,
    )
    await ledger.book(leg, ledger.recharge(leg, seen.id), now)
    if case.order_id:
        await rows.change(Order, {"unpaid_hold": False}, "WHERE id = $1", case.order_id)
    await _check_card(leg, seen)
    if case.status in (Status.RECHARGING, Status.NEEDS_AUTHENTICATION):
        await moves.move(case, Action.CONFIRM_RECHARGE, STRIPE, data=_facts(leg, seen))
    else:
        await timeline.append(
            case.id, timeline.Entry("recharge_succeeded", STRIPE, now, data=_facts(leg, seen))
        )
        await exceptions_desk.tell(
            "charged_meanwhile",
            seen.id,
            f"The new card was charged while the case was {moves.words(case.status)}.",
            case_id=case.id,
            stripe_id=seen.id,
        )


async def settle(case: Case) -> None:
    """Move a recharging case on if the leg was over before: charged, or never to be charged."""
    async with in_transaction():
        case = await Case.filter(id=case.id).select_for_update().get()
        leg = await Leg.filter(case_id=case.id, kind=LegKind.RECHARGE, plan__voided_at=None).first()
        if leg is None or case.status is not Status.RECHARGING:
            return
        data: dict[str, object] = {"leg": str(leg.id), "intent": leg.stripe_id}
        if leg.state is LegState.SUCCEEDED:
            await moves.move(case, Action.CONFIRM_RECHARGE, STRIPE, data=data)
            await exceptions_desk.settle(
                "charged_meanwhile", leg.stripe_id or "", "The plan has come to its charge."
            )
        elif leg.state in plan.OVER:
            await moves.move(case, Action.REQUIRE_NEW_CARD, STRIPE, reason=leg.failure, data=data)


async def _check_card(leg: Leg, seen: IntentFacts) -> None:
    """The card charged is the one that was approved."""
    if seen.card is not None and seen.card.fingerprint != leg.card_fingerprint:
        await exceptions_desk.tell(
            "recharge_card_differs",
            seen.id,
            "The card charged is not the approved one.",
            case_id=leg.case_id,
            stripe_id=seen.id,
        )


async def _wants_customer(case: Case, leg: Leg, seen: IntentFacts) -> None:
    """The bank of the new card wants its holder; the portal leads there."""
    fresh = leg.state is not LegState.NEEDS_ACTION or leg.next_action_url != seen.next_action_url
    await attempts.settle(leg, LegState.NEEDS_ACTION, seen.id, seen.error_code)
    await Leg.filter(id=leg.id).update(
        state=LegState.NEEDS_ACTION,
        next_action_url=seen.next_action_url,
        pending_reason=AUTHENTICATION,
        failure=seen.error_code[:120],
    )
    if case.status is Status.RECHARGING:
        await moves.move(case, Action.REQUIRE_AUTHENTICATION, STRIPE, data=_facts(leg, seen))
    elif fresh:
        await timeline.append(
            case.id,
            timeline.Entry("bank_wants_confirmation", STRIPE, clock.now(), data=_facts(leg, seen)),
        )
    await outbox.mail(case, await letters.bank_confirmation(case, leg), f"leg:{leg.id}")


async def _declined(case: Case, leg: Leg, seen: IntentFacts) -> None:
    """The card said no. The intent is canceled before another card may be asked for."""
    if leg.pending_reason == TO_CANCEL:
        return
    await attempts.settle(leg, LegState.FAILED, seen.id, seen.decline_code or seen.error_code)
    await Leg.filter(id=leg.id).update(
        state=LegState.NEEDS_ACTION,
        pending_reason=TO_CANCEL,
        failure=f"declined: {seen.decline_code or seen.error_code}"[:120],
    )
    await timeline.append(
        case.id, timeline.Entry("recharge_declined", STRIPE, clock.now(), data=_facts(leg, seen))
    )


async def _canceled(case: Case, leg: Leg) -> None:
    """It can never charge now: the leg is over."""
    state = LegState.FAILED if leg.failure else LegState.CANCELED
    await attempts.settle(leg, state, leg.stripe_id or "")
    await Leg.filter(id=leg.id).update(state=state, failed_at=clock.now(), next_action_url="")
    if case.status in (Status.RECHARGING, Status.NEEDS_AUTHENTICATION):
        await moves.move(case, Action.REQUIRE_NEW_CARD, STRIPE, reason=leg.failure)
        if leg.failure:
            await outbox.mail(case, await letters.card_declined(case, leg), f"leg:{leg.id}")
