"""One look at a case: at most one step outside, then write down when to look again."""

from datetime import datetime, timedelta

from amends import clock, exceptions_desk, facts, jobs, moves, newer, quarantine
from amends.flow import (
    cancellation,
    credit,
    dispute_calls,
    execution,
    observe_intent,
    proof,
    recharge,
    refund,
    settlement,
    subscription,
)
from amends.flow.execution import Halt
from amends.flow.observe import MOVING
from amends.gateways import stripe
from amends.models import Case, Leg, Plan
from amends.rules import sending, workflow
from amends.rules.people import WORKER
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Action, Status

# Every open case is looked at daily even when nothing is known to be due.
_IDLE = timedelta(days=1)
_STRIPE_AWAY = timedelta(minutes=1)
# After these a person makes another plan; waiting would change nothing.
_FOR_PEOPLE = frozenset(
    {
        "approval_expired",
        "account_flagged",
        "no_approval",
        "no_plan",
        "digest",
        "lost_case",
        "twice",
    }
)
# A quarantine ends with a reconciliation; its cases are looked at again soon after.
_HELD_BACK = timedelta(minutes=1)


async def advance(case_id: int) -> None:
    """Bring a case one step on. Running it twice, late or out of order is harmless."""
    try:
        await _advance(case_id)
    except ValueError as error:
        await newer.leave_case(case_id, error)


async def _advance(case_id: int) -> None:
    case = await Case.get_or_none(id=case_id)
    if case is None or case.status is Status.DRAFT:
        return
    try:
        again = await _step(case)
    except Halt as halt:
        again = await _halt(case, halt)
    except (facts.AlreadyDecided, facts.Stale):
        again = clock.now()
    except quarantine.Quarantined:
        again = clock.now() + _HELD_BACK
    except stripe.Misconfigured as error:
        again = await _key_refused(case, error)
    except (stripe.Unavailable, stripe.Refused):
        again = clock.now() + _STRIPE_AWAY
    await _look_again(case, again)


async def _step(case: Case) -> datetime | None:
    moving = await Leg.filter(case_id=case.id, state__in=list(MOVING)).order_by("position", "id")
    for leg in moving:
        again = await _look(case, leg)
        if again <= clock.now():
            return again
    waiting = [await _due(leg) for leg in moving]
    by_status = await _by_status(case)
    times = [moment for moment in (*waiting, by_status) if moment is not None]
    return min(times) if times else None


async def _look(case: Case, leg: Leg) -> datetime:
    """Look at a leg that is under way, unless its next look is still to come."""
    due = await _due(leg)
    if due is not None and due > clock.now():
        return due
    again = await _outside(case, leg)
    await Leg.filter(id=leg.id).update(next_look_at=again if again > clock.now() else None)
    return again


async def _outside(case: Case, leg: Leg) -> datetime:
    if leg.kind is LegKind.REFUND:
        return await refund.look(case, leg)
    if leg.kind is LegKind.CREDIT:
        return await credit.look(case, leg)
    if leg.kind is LegKind.END_SUBSCRIPTION:
        return await subscription.look(case, leg)
    if leg.payment_intent_id:
        return await recharge.look(case, leg)
    return await recharge.look_for_created(case, leg)


async def _due(leg: Leg) -> datetime | None:
    return (await Leg.get(id=leg.id)).next_look_at


async def _by_status(case: Case) -> datetime | None:
    """What the state of the case wants from the worker."""
    match case.status:
        case Status.APPROVED:
            return await _start(case)
        case Status.REFUNDING:
            return await _refund(case)
        case Status.AUDITING:
            return await cancellation.look(case)
        case Status.REFUNDED:
            return await _after_refunds(case)
        case Status.RECHARGING:
            return await _recharge(case)
        case Status.RECHARGED:
            return await proof.close(await execution.load(case))
        case Status.LOCKED_CHARGEBACK:
            return min(await dispute_calls.look(case), await _watch(case) or clock.now() + _IDLE)
        case status if status in workflow.OPEN:
            return await _watch(case) or clock.now() + _IDLE
        case _:
            return await _watch(case)


async def _refund(case: Case) -> datetime | None:
    again = await refund.send_next(await execution.load(case))
    if again is None:
        # Legs that were found at Stripe before the case got here may all be confirmed already.
        await refund.settle(case)
    return again


async def _recharge(case: Case) -> datetime | None:
    run = await execution.load(case)
    if _planned(run.recharge):
        return await recharge.start(run)
    # A leg that was found at Stripe before the case got here may be over already.
    await observe_intent.settle(case)
    return None


def _planned(leg: Leg | None) -> bool:
    return leg is not None and leg.state is LegState.PLANNED


async def _start(case: Case) -> datetime:
    run = await execution.load(case)
    if run.draft.outcome is Outcome.CREDIT:
        return await credit.give(run)
    await execution.check_fresh(run)
    if run.draft.remedy is not None:
        await settlement.begin(run)
    if settlement.is_decision_alone(run):
        return await settlement.carry_out(run)
    if run.draft.outcome is Outcome.CANCELLATION and not await cancellation.is_audited(case):
        return await cancellation.begin(run)
    action = Action.START_REFUNDS if run.refunds else Action.START_RECHARGE
    await moves.move(case, action, WORKER, data={"digest": run.plan.digest})
    return clock.now()


async def _after_refunds(case: Case) -> datetime | None:
    run = await execution.load(case)
    if (ending := run.ending) is not None:
        return await subscription.end(run, ending)
    if run.recharge is None:
        return await proof.close(run)
    await execution.confirmed_refunds_under(run)
    await moves.move(case, Action.START_RECHARGE, WORKER)
    return clock.now()


async def _watch(case: Case) -> datetime | None:
    """Confirmed refunds may still fail: look on days 1, 3, 7, 14, 21, 28 and 35."""
    now = clock.now()
    watched = await Leg.filter(
        case_id=case.id, kind=LegKind.REFUND, state=LegState.SUCCEEDED, watch_until__gte=now
    )
    looks = []
    for leg in watched:
        assert leg.confirmed_at is not None
        if leg.next_look_at is None or leg.next_look_at <= now:
            await refund.look(case, leg)
            following = sending.next_watch(leg.confirmed_at, now)
            await Leg.filter(id=leg.id).update(next_look_at=following)
            return now
        looks.append(leg.next_look_at)
    return min(looks) if looks else None


async def _halt(case: Case, halt: Halt) -> datetime:
    """The plan may not go on: a person is told, and the case goes where a new plan is made."""
    await proof.halted(case, halt)
    case = await Case.get(id=case.id)
    if halt.key in _FOR_PEOPLE:
        await _back_to_people(case, halt)
    return clock.now() + _IDLE


async def _back_to_people(case: Case, halt: Halt) -> None:
    match case.status:
        case Status.APPROVED:
            await Plan.filter(case_id=case.id, voided_at=None).update(
                voided_at=clock.now(), void_reason=halt.text
            )
            await moves.move(case, Action.VOID_PLAN, WORKER, reason=halt.text)
        case Status.REFUNDING:
            await refund.cancel_unsent(case, halt.text)
        case Status.RECHARGING:
            await recharge.stop(case, halt.text)


async def _key_refused(case: Case, error: Exception) -> datetime:
    await exceptions_desk.tell(
        "stripe_key", "worker", f"Stripe refuses the key: {error}", case_id=case.id
    )
    return clock.now() + _STRIPE_AWAY


async def _look_again(case: Case, again: datetime | None) -> None:
    """Set the next look, unless the case moved on meanwhile: then its own wake-up is there.

    An open case always has one: nothing seems to be under way while another worker, which may
    die now, has just begun a leg.
    """
    if again is None and case.status in workflow.OPEN:
        again = clock.now() + sending.LOOKUPS[1]
    await Case.filter(id=case.id, version=case.version).update(next_check_at=again)
    if again is not None and again <= clock.now():
        await jobs.defer(jobs.advance(case.id))
