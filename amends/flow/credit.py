"""A goodwill credit: on the customer's balance, or as a note on a paid invoice. Given once."""

from datetime import datetime, timedelta

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, moves, pace
from amends.flow import (
    attempts,
    chargeback,
    execution,
    observe,
    observe_credit,
    preflight,
    sighting,
)
from amends.flow.attempts import Decided, Moment, Step
from amends.flow.execution import Execution
from amends.gateways import stripe, stripe_credits
from amends.gateways.stripe_facts import CreditFacts
from amends.models import Attempt, Case, Leg, Plan
from amends.rules import sending
from amends.rules.people import STRIPE, WORKER
from amends.rules.plan import LegState
from amends.rules.sending import Next
from amends.rules.workflow import Action, Status

# Stripe's clock and ours may differ; a look-up reaches back a day more than it needs.
_MARGIN = timedelta(days=1)


async def give(run: Execution) -> datetime:
    """The next step of an approved credit. Raises Halt when the plan may not go on."""
    leg = run.credit
    if leg is None:
        raise execution.Halt("digest", "The plan has no credit.")
    match leg.state:
        case LegState.PLANNED:
            return await _first(run, leg)
        case LegState.SUCCEEDED:
            await observe_credit.close(run.case)
            return clock.now()
        case LegState.FAILED | LegState.CANCELED:
            await _back_to_people(run.case, leg)
            return clock.now()
        case _:
            attempt = await attempts.live(leg)
            found = attempt.next_lookup_at if attempt else None
            return found or clock.now() + sending.LOOKUPS[0]


async def _first(run: Execution, leg: Leg) -> datetime:
    await execution.check_fresh(run)
    await pace.wait("credits")
    moment = Moment.now()
    if await _is_at_the_bank(run.case):
        return clock.now()
    there = await _there(leg)
    if there is not None:
        await observe_credit.credit(leg.id, there)
        return clock.now()
    wanted = params(run.case, leg, run.plan.digest)
    decided = await attempts.begin(run.case, leg, Step.CREDIT, wanted, run.plan.digest, moment)
    return clock.now() if decided is None else await _send(leg, decided)


async def _is_at_the_bank(case: Case) -> bool:
    """Whoever asked the bank meanwhile gets the bank's answer, not a credit beside it."""
    for deposit in await sighting.deposits_of(case):
        found = await preflight.claims_on(deposit.charge_id)
        if isinstance(found, preflight.Disputed):
            await chargeback.lock_for(case, STRIPE, found.dispute)
            return True
    return False


def params(case: Case, leg: Leg, digest: str) -> dict[str, object]:
    """What is sent. Below zero is in the customer's favour on a balance."""
    metadata = {"case": case.ref, "leg": str(leg.id), "digest": digest}
    if leg.invoice_id:
        return {
            "invoice": leg.invoice_id,
            "amount": leg.amount_minor,
            "credit_amount": leg.amount_minor,
            "reason": "product_unsatisfactory",
            "memo": f"Credit, request {case.ref}",
            "metadata": metadata,
        }
    return {
        "amount": -leg.amount_minor,
        "currency": leg.currency,
        "description": f"Credit, request {case.ref}",
        "metadata": metadata,
    }


async def _there(leg: Leg) -> CreditFacts | None:
    """This leg's credit, by its random id in the metadata; never by amount."""
    if leg.invoice_id:
        found = await stripe_credits.notes_on(leg.invoice_id)
    else:
        plan = await Plan.get(id=leg.plan_id)
        since = plan.created_at - _MARGIN
        found = await stripe_credits.balance_credits(leg.customer_id, since)
    return next((each for each in found if each.metadata.get("leg") == str(leg.id)), None)


async def _send(leg: Leg, decided: Decided) -> datetime:
    attempt = decided.attempt
    if not decided.in_time():
        return attempt.next_lookup_at or clock.now()
    try:
        seen = await _call(leg, decided)
    except stripe.Unknown as error:
        return await attempts.unknown(attempt, error)
    except (stripe.NotExecuted, stripe.Misconfigured) as error:
        return await _not_now(attempt, leg, error)
    except stripe.KeyMismatch as error:
        return await attempts.halted(attempt, error)
    except stripe.Refused as error:
        return await _refused(leg, attempt, error)
    await observe_credit.credit(leg.id, seen)
    return clock.now()


async def _call(leg: Leg, decided: Decided) -> CreditFacts:
    key = decided.attempt.idempotency_key
    if leg.invoice_id:
        return await stripe_credits.add_note(decided.params, key)
    return await stripe_credits.add_to_balance(leg.customer_id, decided.params, key)


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
    await _fail(leg, error.code, error.message)
    return clock.now()


async def _fail(leg: Leg, code: str, message: str) -> None:
    async with in_transaction():
        case, leg = await observe.held(leg.id)
        changed = await Leg.filter(
            id=leg.id, state__in=[LegState.SENDING, LegState.UNKNOWN]
        ).update(state=LegState.FAILED, failed_at=clock.now(), failure=(code or message)[:120])
        if not changed:
            return
        await attempts.settle(leg, LegState.FAILED, "", code)
        await exceptions_desk.tell("credit_refused", str(leg.id), message, case_id=case.id)
        await _back_to_people(case, await Leg.get(id=leg.id))


async def _back_to_people(case: Case, leg: Leg) -> None:
    """A credit that cannot be given is planned anew. Joins the caller's transaction, if any."""
    if case.status is not Status.APPROVED:
        return
    why = f"The credit was refused: {leg.failure}"
    async with in_transaction():
        await Plan.filter(case_id=case.id, voided_at=None).update(
            voided_at=clock.now(), void_reason=why
        )
        await moves.move(case, Action.VOID_PLAN, WORKER, reason=why)


async def look(case: Case, leg: Leg) -> datetime:
    """Ask Stripe about a credit whose outcome is not known. Returns when to look again."""
    attempt = await attempts.live(leg)
    if attempt is None:
        return clock.now() + sending.LOOKUPS[0]
    if attempt.next_lookup_at is not None and attempt.next_lookup_at > clock.now():
        return attempt.next_lookup_at
    moment = Moment.now()
    there = await _there(leg)
    if there is None:
        return await _absent(case, leg, attempt, moment)
    if await observe_credit.credit(leg.id, there):
        return clock.now()
    return await attempts.looked(attempt)


async def _absent(case: Case, leg: Leg, attempt: Attempt, moment: Moment) -> datetime:
    """Stripe has no credit of this leg: the one place from which it is sent again."""
    may_send = case.status is Status.APPROVED
    match sending.after_absence(attempts.sent(attempt), moment.at):
        case Next.RESEND if may_send:
            return await _resend(case, leg, attempt, moment)
        case Next.NEW_KEY if may_send:
            await attempts.close_absent(attempt)
            return clock.now()
        case Next.FAIL:
            code = attempt.error_code.removeprefix(sending.REFUSED)
            await _fail(leg, code, attempt.error_text)
            return clock.now()
        case Next.ASK_A_PERSON:
            await exceptions_desk.tell(
                "key_mismatch", str(leg.id), attempt.error_text, case_id=case.id
            )
        case _ if not may_send and sending.wire_is_empty(attempts.sent(attempt), moment.at):
            await attempts.close_absent(attempt)
            return clock.now()
    return await attempts.looked(attempt)


async def _resend(case: Case, leg: Leg, attempt: Attempt, moment: Moment) -> datetime:
    """The same key again, after the same checks as the first time."""
    await execution.check_fresh(await execution.load(case))
    if await _is_at_the_bank(case):
        return clock.now()
    await pace.wait("credits")
    decided = await attempts.again(case, attempt, moment)
    return clock.now() if decided is None else await _send(leg, decided)
