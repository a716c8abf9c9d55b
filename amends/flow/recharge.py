"""Only when every refund is confirmed: the new card, once."""

import uuid
from datetime import datetime
from typing import Any

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, jobs, moves, pace, rows, settings
from amends.flow import (
    attempts,
    chargeback,
    execution,
    fraud,
    observe,
    observe_intent,
    preflight,
    strangers,
)
from amends.flow.attempts import Decided, Moment, Step
from amends.flow.execution import Execution, Halt
from amends.gateways import stripe, stripe_money
from amends.models import Attempt, Case, Leg
from amends.rules import sending
from amends.rules.people import STRIPE, Actor
from amends.rules.plan import LegKind, LegState
from amends.rules.sending import IntentChange, Next
from amends.rules.workflow import Action, Status

_CASE_AND_LEG = "FROM leg JOIN case_ ON case_.id = leg.case_id WHERE leg.id = $1"


async def start(run: Execution) -> datetime:
    """Create the PaymentIntent, unconfirmed: nothing is charged by this."""
    leg = run.recharge
    assert leg is not None, "a case is recharging only with a recharge leg"
    await pace.wait("payment_intents")
    moment = Moment.now()
    await _gate(run)
    intents = await stripe.intents_of(leg.customer_id)
    there = _pick(leg, intents)
    if there is not None:
        await observe_intent.created(leg.id, there)
        return clock.now()
    await _must_know_all(run.case, intents)
    decided = await attempts.begin(
        run.case, leg, Step.CREATE, _params(run, leg), run.plan.digest, moment
    )
    return clock.now() if decided is None else await _send_create(leg, decided)


def _params(run: Execution, leg: Leg) -> dict[str, Any]:
    return {
        "amount": leg.amount_minor,
        "currency": leg.currency,
        "customer": leg.customer_id,
        "payment_method": leg.payment_method_id,
        "allowed_payment_method_types": ["card"],
        "receipt_email": run.draft.recipient,
        "description": f"Request {run.case.ref}",
        "metadata": {"case": run.case.ref, "leg": str(leg.id), "digest": run.plan.digest},
    }


async def _send_create(leg: Leg, decided: Decided) -> datetime:
    attempt = decided.attempt
    if not decided.in_time():
        return attempt.next_lookup_at or clock.now()
    try:
        seen = await stripe_money.create_intent(decided.params, attempt.idempotency_key)
    except stripe.Unknown as error:
        return await attempts.unknown(attempt, error)
    except (stripe.NotExecuted, stripe.Misconfigured) as error:
        return await attempts.not_executed(attempt, error)
    except stripe.KeyMismatch as error:
        return await attempts.halted(attempt, error)
    except (stripe.Refused, stripe.Declined) as error:
        await _refused(leg, error.code, error.message)
        return clock.now()
    await observe_intent.created(leg.id, seen)
    return clock.now()


async def _refused(leg: Leg, code: str, message: str) -> None:
    """The intent cannot be made (a card that is gone, say): another card is needed."""
    async with in_transaction():
        case, leg = await observe.held(leg.id)
        if leg.payment_intent_id or leg.state not in (LegState.SENDING, LegState.UNKNOWN):
            return
        await attempts.settle(leg, LegState.FAILED, "", code)
        await Leg.filter(id=leg.id).update(
            state=LegState.FAILED, failed_at=clock.now(), failure=(code or message)[:120]
        )
        await exceptions_desk.tell("recharge_refused", str(leg.id), message, case_id=case.id)
        if case.status is Status.RECHARGING:
            await moves.move(case, Action.REQUIRE_NEW_CARD, STRIPE, reason=message)


async def _find(leg: Leg) -> stripe.IntentFacts | None:
    return _pick(leg, await stripe.intents_of(leg.customer_id))


def _pick(leg: Leg, intents: list[stripe.IntentFacts]) -> stripe.IntentFacts | None:
    return next((each for each in intents if each.metadata.get("leg") == str(leg.id)), None)


async def _must_know_all(case: Case, intents: list[stripe.IntentFacts]) -> None:
    """After a restore Stripe may hold a charge of this case whose plan was lost."""
    lost = await strangers.lost_intent(case, intents)
    if lost is not None:
        raise Halt("lost_case", f"{lost.id} charged {case.ref} before; its plan was lost.")


async def look_for_created(case: Case, leg: Leg) -> datetime:
    """The answer to the creation was lost: ask before making another."""
    attempt = await attempts.live(leg)
    if attempt is None:
        return clock.now()
    if attempt.next_lookup_at is not None and attempt.next_lookup_at > clock.now():
        return attempt.next_lookup_at
    moment = Moment.now()
    there = await _find(leg)
    if there is not None:
        await observe_intent.created(leg.id, there)
        return clock.now()
    may_send = case.status is Status.RECHARGING
    match sending.after_absence(attempts.sent(attempt), moment.at):
        case Next.RESEND if may_send:
            decided = await attempts.again(case, attempt, moment)
            return clock.now() if decided is None else await _send_create(leg, decided)
        case Next.NEW_KEY if may_send:
            await attempts.close_absent(attempt)
            return clock.now()
        case Next.FAIL if may_send:
            await _refused(leg, attempt.error_code, attempt.error_text)
            return clock.now()
        case _ if not may_send and sending.wire_is_empty(attempts.sent(attempt), moment.at):
            await attempts.close_absent(attempt)
            return clock.now()
    return await attempts.looked(attempt)


async def look(case: Case, leg: Leg) -> datetime:
    """Read the intent, write down what it shows, and go on if it is ours to go on."""
    moment = Moment.now()
    seen = await stripe.intent(leg.payment_intent_id)
    if not observe_intent.says_nothing(leg, seen):
        await observe_intent.intent(leg.id, seen)
    case, leg = await _as_now(leg)
    if case.status is not Status.RECHARGING:
        return await make_safe(case, leg, seen)
    match sending.intent_seen(seen.status, seen.error_code):
        case IntentChange.NOT_CONFIRMED:
            return await _confirm_or_wait(case, leg, moment)
        case IntentChange.AUTHENTICATE if leg.pending_reason == observe_intent.ASKED:
            return await _confirm_or_wait(case, leg, moment)
        case IntentChange.DECLINED:
            return await _cancel(leg)
        case IntentChange.PROCESSING:
            return clock.now() + sending.LOOKUPS[2]
    return clock.now()


async def _as_now(leg: Leg) -> tuple[Case, Leg]:
    found = await rows.joined((Case, Leg), _CASE_AND_LEG, leg.id)
    (case,), (leg,) = rows.parts(Case, found), rows.parts(Leg, found)
    return case, leg


async def _confirm_or_wait(case: Case, leg: Leg, moment: Moment) -> datetime:
    """Confirm unless an earlier confirmation may still be on its way."""
    attempt = await attempts.live(leg)
    if attempt is None:
        return await _confirm(await execution.load(case), leg)
    if attempt.next_lookup_at is not None and attempt.next_lookup_at > clock.now():
        return attempt.next_lookup_at
    # The intent was just read and is not confirmed; confirming it twice charges once.
    match sending.after_absence(attempts.sent(attempt), moment.at):
        case Next.RESEND:
            await _gate(await execution.load(case))
            decided = await attempts.again(case, attempt, moment)
            return clock.now() if decided is None else await _send_confirm(leg, decided)
        case Next.NEW_KEY:
            await attempts.close_absent(attempt, LegState.SENDING)
            return clock.now()
        case Next.FAIL:
            return await _give_up(leg, attempt)
    return await attempts.looked(attempt)


async def _give_up(leg: Leg, attempt: Attempt) -> datetime:
    """No key got the confirmation through: the intent is canceled and people plan anew."""
    await exceptions_desk.tell(
        "recharge_given_up", str(leg.id), attempt.error_text, case_id=leg.case_id
    )
    return await _cancel(leg)


async def _confirm(run: Execution, leg: Leg) -> datetime:
    await pace.wait("payment_intents/confirm")
    moment = Moment.now()
    await _gate(run)
    params: dict[str, Any] = {"off_session": True}
    if leg.pending_reason == observe_intent.ASKED:
        back = f"{settings.load().portal_url}/requests/{run.case.ref}/bank-return"
        params = {"payment_method": leg.payment_method_id, "return_url": back}
    decided = await attempts.begin(run.case, leg, Step.CONFIRM, params, run.plan.digest, moment)
    return clock.now() if decided is None else await _send_confirm(leg, decided)


async def _send_confirm(leg: Leg, decided: Decided) -> datetime:
    attempt = decided.attempt
    if not decided.in_time():
        return attempt.next_lookup_at or clock.now()
    try:
        seen = await stripe_money.confirm_intent(
            leg.payment_intent_id, decided.params, attempt.idempotency_key
        )
    except stripe.Unknown as error:
        return await attempts.unknown(attempt, error)
    except (stripe.NotExecuted, stripe.Misconfigured) as error:
        return await attempts.not_executed(attempt, error)
    except stripe.KeyMismatch as error:
        return await attempts.halted(attempt, error)
    except (stripe.Declined, stripe.Refused):
        # The intent itself says what became of it; it is read, not guessed from the error.
        await _answered(leg)
        seen = await stripe.intent(leg.payment_intent_id)
    await observe_intent.intent(leg.id, seen)
    return clock.now()


async def _answered(leg: Leg) -> None:
    """Stripe answered with an error: this confirmation is over, whatever it did."""
    async with in_transaction():
        await attempts.settle(leg, LegState.FAILED, leg.payment_intent_id, "answered")
        await Leg.filter(id=leg.id, pending_reason=observe_intent.ASKED).update(pending_reason="")


async def _gate(run: Execution) -> None:
    """Every refund confirmed, by our rows and by Stripe right now; no dispute on any charge."""
    await execution.check_charge(run)
    for refunded in await execution.confirmed_refunds_under(run):
        assert refunded.stripe_id is not None
        seen = await stripe.refund(refunded.stripe_id)
        if seen.status != "succeeded":
            await observe.refund(refunded.id, seen)
            raise Halt("gate", f"Refund {seen.id} reads {seen.status} at Stripe.")
        await _stop_if_claimed(run.case, await preflight.claims_on(refunded.charge_id))


async def _stop_if_claimed(case: Case, found: preflight.Finding) -> None:
    match found:
        case preflight.Disputed(dispute):
            await chargeback.lock_for(case, STRIPE, dispute)
            raise Halt("disputed", f"The bank's process stands on {dispute.charge_id}.")
        case preflight.Warned(warning):
            await fraud.flag(case, STRIPE, f"Early fraud warning on {warning.charge_id}.")
            raise Halt("warned", f"Early fraud warning on {warning.charge_id}.")


async def make_safe(case: Case, leg: Leg, seen: stripe.IntentFacts) -> datetime:
    """A stopped case must not be charged by a page left open at the bank."""
    waits_for_customer = case.status is Status.NEEDS_AUTHENTICATION
    if seen.status in ("succeeded", "canceled", "processing"):
        return clock.now() + sending.LOOKUPS[2]
    if waits_for_customer and leg.pending_reason != observe_intent.TO_CANCEL:
        return clock.now() + sending.LOOKUPS[2]
    return await _cancel(leg)


async def _cancel(leg: Leg) -> datetime:
    """Cancel the intent. Repeating it is harmless: a canceled or charged intent says so.

    Hence a key per call: a kept one would give a stored 500 back for a day, and the bank's page
    that was left open could charge in that time.
    """
    try:
        seen = await stripe_money.cancel_intent(
            leg.payment_intent_id, f"amends:{leg.id}:{Step.CANCEL}:{uuid.uuid4()}"
        )
    except (stripe.Refused, stripe.Declined):
        seen = await stripe.intent(leg.payment_intent_id)
    except stripe.StripeError:
        return clock.now() + sending.LOOKUPS[0]
    await observe_intent.intent(leg.id, seen)
    return clock.now() + sending.LOOKUPS[0]


async def ask_authentication(case: Case, by: Actor) -> None:
    """The customer wants to confirm with the bank: the worker asks Stripe for the bank's page."""
    async with in_transaction():
        # The case first, as everywhere: the worker may hold it and want the leg.
        await rows.one(Case, "WHERE id = $1 FOR UPDATE", case.id)
        leg = await _waiting_leg(case)
        await Leg.filter(id=leg.id).update(
            pending_reason=observe_intent.ASKED, next_action_url="", next_look_at=None
        )
        await moves.move(case, Action.AUTHENTICATE, by)


async def returned_from_bank(case: Case) -> None:
    """The customer is back from the bank: look at once. Says nothing of how it went."""
    await Leg.filter(case_id=case.id, kind=LegKind.RECHARGE).update(next_look_at=None)
    await Case.filter(id=case.id, version=case.version).update(next_check_at=clock.now())
    await jobs.defer(jobs.advance(case.id))


async def _waiting_leg(case: Case) -> Leg:
    leg = await Leg.filter(
        case_id=case.id, kind=LegKind.RECHARGE, state=LegState.NEEDS_ACTION
    ).first()
    if leg is None:
        raise facts.Refused("There is nothing to confirm with your bank now.")
    return leg


async def stop(case: Case, reason: str) -> None:
    """The recharge may not go on: what was never sent never will be, an open intent is canceled."""
    legs = Leg.filter(case_id=case.id, kind=LegKind.RECHARGE, plan__voided_at=None)
    leg = await legs.order_by("-plan_id").first()
    if leg is None:
        return
    if leg.payment_intent_id and leg.state is not LegState.SUCCEEDED:
        await _cancel(leg)
    async with in_transaction():
        held = await Case.filter(id=case.id).select_for_update().get()
        changed = await Leg.filter(id=leg.id, state=LegState.PLANNED).update(
            state=LegState.CANCELED, failed_at=clock.now(), failure=reason[:120]
        )
        if changed and held.status is Status.RECHARGING:
            await moves.move(held, Action.REQUIRE_NEW_CARD, STRIPE, reason=reason)
