"""Each deposit back to its own card; confirmed only by a re-read from Stripe."""

from datetime import datetime

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, pace, rows
from amends.flow import attempts, chargeback, execution, fraud, observe, preflight
from amends.flow.attempts import Decided, Moment, Step
from amends.flow.execution import Execution
from amends.gateways import stripe, stripe_money
from amends.models import Attempt, Case, Leg, Order
from amends.rules import sending
from amends.rules.people import STRIPE
from amends.rules.plan import LegKind, LegState
from amends.rules.sending import Next
from amends.rules.workflow import Status


async def send_next(run: Execution) -> datetime | None:
    """Send the next planned refund of the plan. Returns when to look again, None if none is left.

    Raises Halt when the plan may not go on.
    """
    leg = next((leg for leg in run.refunds if leg.state is LegState.PLANNED), None)
    if leg is None:
        return None
    await execution.check_fresh(run)
    await pace.wait("refunds")
    moment = Moment.now()
    found = await preflight.refund(run, leg)
    match found:
        case preflight.Disputed(dispute):
            await chargeback.lock_for(run.case, STRIPE, dispute)
        case preflight.Warned(warning):
            await fraud.flag(run.case, STRIPE, f"Early fraud warning on {warning.charge_id}.")
        case preflight.Changed(text):
            await _give_up(leg, text)
        case preflight.Clear(refunds):
            return await _adopt_or_send(run, leg, refunds, moment)
    return clock.now()


async def _adopt_or_send(
    run: Execution, leg: Leg, refunds: tuple[stripe.RefundFacts, ...], moment: Moment
) -> datetime:
    """A refund of this leg that is there already (a restore, a lost answer) is ours."""
    there = pick(leg, refunds)
    if there is not None:
        await observe.refund(leg.id, there)
        return clock.now()
    decided = await attempts.begin(
        run.case, leg, Step.REFUND, params(run, leg), run.plan.digest, moment
    )
    if decided is None:
        return clock.now()
    await _hold_order(run)
    return await _send(leg, decided)


def params(run: Execution, leg: Leg) -> dict[str, object]:
    """What is sent: a charge and an amount. There is no way to name another card."""
    return {
        "charge": leg.charge_id,
        "amount": leg.amount_minor,
        "reason": leg.stripe_reason,
        "metadata": {"case": run.case.ref, "leg": str(leg.id), "digest": run.plan.digest},
    }


def pick(
    leg: Leg,
    refunds: tuple[stripe.RefundFacts, ...] | list[stripe.RefundFacts],
) -> stripe.RefundFacts | None:
    """This leg's refund by metadata; a living one before a failed one."""
    ours = [refund for refund in refunds if preflight.mine(leg, refund)]
    return next((refund for refund in ours if refund.counts), ours[0] if ours else None)


async def _hold_order(run: Execution) -> None:
    """From the first refund of a re-bill until the new charge the goods are not paid."""
    if run.recharge is not None and run.case.order_id:
        await rows.change(Order, {"unpaid_hold": True}, "WHERE id = $1", run.case.order_id)


async def _send(leg: Leg, decided: Decided) -> datetime:
    attempt = decided.attempt
    if not decided.in_time():
        return attempt.next_lookup_at or clock.now()
    try:
        seen = await stripe_money.create_refund(decided.params, attempt.idempotency_key)
    except stripe.Unknown as error:
        return await attempts.unknown(attempt, error)
    except (stripe.NotExecuted, stripe.Misconfigured) as error:
        return await _not_now(attempt, leg, error)
    except stripe.KeyMismatch as error:
        return await attempts.halted(attempt, error)
    except stripe.Refused as error:
        return await _refused(leg, attempt, error)
    await observe.refund(leg.id, seen)
    return clock.now()


async def _not_now(attempt: Attempt, leg: Leg, error: Exception) -> datetime:
    if isinstance(error, stripe.Misconfigured):
        await exceptions_desk.tell(
            "stripe_key", "worker", f"Stripe refuses the key: {error}", case_id=leg.case_id
        )
    return await attempts.not_executed(attempt, error)


async def _refused(leg: Leg, attempt: Attempt, error: stripe.Refused) -> datetime:
    """Stripe said no. Only the first send of a key proves by it that nothing was done."""
    if attempt.sends > 1:
        return await attempts.refused_after_retry(attempt, error)
    await _fail(leg, attempt, error.code, error.message)
    return clock.now()


async def _fail(leg: Leg, attempt: Attempt, code: str, message: str) -> None:
    async with in_transaction():
        case, leg = await observe.held(leg.id)
        changed = await Leg.filter(
            id=leg.id, state__in=[LegState.SENDING, LegState.UNKNOWN]
        ).update(state=LegState.FAILED, failed_at=clock.now(), failure=(code or message)[:120])
        if not changed:
            return
        await attempts.settle(leg, LegState.FAILED, "", code)
        await exceptions_desk.tell(
            "refund_refused",
            str(leg.id),
            f"{leg.charge_id}: {message}",
            case_id=case.id,
            stripe_id=leg.charge_id,
        )
        await observe.settle_refunds(case)
    if code == "charge_disputed":
        await chargeback.lock(
            await Case.get(id=leg.case_id),
            STRIPE,
            f"Stripe says that {leg.charge_id} was charged back.",
        )


async def _give_up(leg: Leg, text: str) -> None:
    """The charge changed since the approval: this leg is never sent."""
    async with in_transaction():
        case, leg = await observe.held(leg.id)
        changed = await Leg.filter(id=leg.id, state=LegState.PLANNED).update(
            state=LegState.FAILED, failed_at=clock.now(), failure="charge changed"
        )
        if changed:
            await exceptions_desk.tell(
                "charge_changed", str(leg.id), text, case_id=case.id, stripe_id=leg.charge_id
            )
            await observe.settle_refunds(case)


async def look(case: Case, leg: Leg) -> datetime:
    """Ask Stripe about a refund leg that is under way. Returns when to look again."""
    if leg.stripe_id is not None:
        await observe.refund(leg.id, await stripe.refund(leg.stripe_id))
        return await _next_poll(leg)
    attempt = await attempts.live(leg)
    if attempt is None:
        return clock.now()
    if attempt.next_lookup_at is not None and attempt.next_lookup_at > clock.now():
        return attempt.next_lookup_at
    moment = Moment.now()
    there = pick(leg, await stripe.refunds_of(leg.charge_id))
    if there is not None:
        await observe.refund(leg.id, there)
        return clock.now()
    return await _absent(case, leg, attempt, moment)


async def _next_poll(leg: Leg) -> datetime:
    """Pending refunds are polled hourly; webhooks are faster but may be lost."""
    leg = await rows.one(Leg, "WHERE id = $1", leg.id)
    return clock.now() + sending.LOOKUPS[2] if leg.state in observe.MOVING else clock.now()


async def _absent(case: Case, leg: Leg, attempt: Attempt, moment: Moment) -> datetime:
    """Stripe has no refund of this leg: the one place from which it is sent again.

    Absence is judged by `moment`, from before Stripe was asked: were this worker to stand still
    now, the first send could still arrive unseen while the clock says that it no longer can.
    """
    verdict = sending.after_absence(attempts.sent(attempt), moment.at)
    may_send = case.status is Status.REFUNDING
    match verdict:
        case Next.RESEND if may_send:
            return await _resend(case, leg, attempt, moment)
        case Next.NEW_KEY if may_send:
            await attempts.close_absent(attempt)
            return clock.now()
        case Next.FAIL:
            code = attempt.error_code.removeprefix(sending.REFUSED)
            await _fail(leg, attempt, code, attempt.error_text)
            return clock.now()
        case Next.ASK_A_PERSON:
            await exceptions_desk.tell(
                "key_mismatch",
                str(leg.id),
                attempt.error_text,
                case_id=case.id,
                stripe_id=leg.charge_id,
            )
        case _ if not may_send and sending.wire_is_empty(attempts.sent(attempt), moment.at):
            await attempts.close_absent(attempt)
            return clock.now()
    return await attempts.looked(attempt)


async def _resend(case: Case, leg: Leg, attempt: Attempt, moment: Moment) -> datetime:
    """The same key again, after the same checks as the first time."""
    run = await execution.load(case)
    await execution.check_fresh(run)
    blocked = await preflight.in_the_way(run, leg)
    if not isinstance(blocked, preflight.Clear):
        return await _stop_for(case, blocked)
    await pace.wait("refunds")
    decided = await attempts.again(case, attempt, moment)
    return clock.now() if decided is None else await _send(leg, decided)


async def _stop_for(case: Case, found: preflight.Finding) -> datetime:
    if isinstance(found, preflight.Disputed):
        await chargeback.lock_for(case, STRIPE, found.dispute)
    elif isinstance(found, preflight.Warned):
        await fraud.flag(case, STRIPE, f"Early fraud warning on {found.warning.charge_id}.")
    return clock.now()


async def settle(case: Case) -> None:
    """Move the case on if every refund of its plan is over."""
    async with in_transaction():
        await observe.settle_refunds(await Case.filter(id=case.id).select_for_update().get())


async def cancel_unsent(case: Case, reason: str) -> None:
    """Legs that were never sent never will be: the approval ran out or the plan was stopped."""
    async with in_transaction():
        held = await Case.filter(id=case.id).select_for_update().get()
        await Leg.filter(case_id=case.id, kind=LegKind.REFUND, state=LegState.PLANNED).update(
            state=LegState.CANCELED, failed_at=clock.now(), failure=reason[:120]
        )
        await observe.settle_refunds(held)
