"""One look at a case: at most one step outside, then write down when to look again."""

from dataclasses import replace
from datetime import datetime, timedelta

from tortoise import connections

from amends import clock, exceptions_desk, facts, jobs, moves, newer, quarantine, rows
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
# In these a plan is being carried out.
_CARRIES_OUT = frozenset(
    {
        Status.APPROVED,
        Status.REFUNDING,
        Status.AUDITING,
        Status.REFUNDED,
        Status.RECHARGING,
        Status.RECHARGED,
    }
)
# A quarantine ends with a reconciliation; its cases are looked at again soon after.
_HELD_BACK = timedelta(minutes=1)
# One job goes on while the next step is due at once; a case that never rests lets others in.
_STEPS = 25
_WATCHED = """WHERE case_id = $1 AND kind = 'refund' AND state = 'succeeded'
  AND watch_until >= $2"""
_WITH_MOVING = """
FROM case_ LEFT JOIN leg ON leg.case_id = case_.id AND leg.state = ANY($2)
WHERE case_.id = $1 ORDER BY leg.position, leg.id
"""
_NEXT_LOOK = "SELECT next_look_at FROM leg WHERE id = $1"
_IS_DUE = "SELECT 1 FROM case_ WHERE id = $1 AND next_check_at <= $2"


async def work_on(case_id: int) -> None:
    """Look at a case until nothing is due. Each look is a step of its own: see `advance`."""
    with jobs.holding(jobs.advance(case_id)):
        for _ in range(_STEPS):
            again = await advance(case_id)
            if (again is None or again > clock.now()) and not await _is_due(case_id):
                return
    await jobs.defer(jobs.advance(case_id))


async def _is_due(case_id: int) -> bool:
    connection = connections.get("default")
    return bool(await connection.execute_query_dict(_IS_DUE, [case_id, clock.now()]))


async def advance(case_id: int) -> datetime | None:
    """Bring a case one step on; when to look again, where known.

    Running it twice, late or out of order is harmless.
    """
    try:
        return await _advance(case_id)
    except ValueError as error:
        await newer.leave_case(case_id, error)
        return None


async def _advance(case_id: int) -> datetime | None:
    found = await rows.joined((Case, Leg), _WITH_MOVING, case_id, list(MOVING))
    case = rows.part(Case, found[0]) if found else None
    if case is None or case.status is Status.DRAFT:
        return None
    try:
        again = await _step_or_halt(case, rows.parts(Leg, found))
    except (facts.AlreadyDecided, facts.Stale):
        again = clock.now()
    except quarantine.Quarantined:
        again = clock.now() + _HELD_BACK
    except stripe.Misconfigured as error:
        again = await _key_refused(case, error)
    except (stripe.Unavailable, stripe.Refused):
        again = clock.now() + _STRIPE_AWAY
    return await _look_again(case, again)


async def _step_or_halt(case: Case, moving: list[Leg]) -> datetime | None:
    try:
        return await _step(case, moving)
    except Halt as halt:
        return await _halt(case, halt)


async def _step(case: Case, moving: list[Leg]) -> datetime | None:
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
    later = again if again > clock.now() else None
    if later or due:
        # A confirmed leg has the first date of its watch already.
        await rows.change(
            Leg, {"next_look_at": later}, "WHERE id = $1 AND state <> 'succeeded'", leg.id
        )
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
    found = await connections.get("default").execute_query_dict(_NEXT_LOOK, [leg.id])
    next_look: datetime | None = found[0]["next_look_at"]
    return next_look


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
    case = await moves.move(case, action, WORKER, data={"digest": run.plan.digest})
    if action is Action.START_REFUNDS:
        # What was just read still holds; the first refund need not wait for another look.
        await refund.send_next(replace(run, case=case))
    return clock.now()


async def _after_refunds(case: Case) -> datetime | None:
    run = await execution.load(case)
    if (ending := run.ending) is not None:
        return await subscription.end(run, ending)
    if run.recharge is None:
        return await proof.close(run)
    await execution.confirmed_refunds_under(run)
    case = await moves.move(case, Action.START_RECHARGE, WORKER)
    return await recharge.start(replace(run, case=case))


async def _watch(case: Case) -> datetime | None:
    """Confirmed refunds may still fail: look on days 1, 3, 7, 14, 21, 28 and 35."""
    now = clock.now()
    watched = await rows.read(Leg, _WATCHED, case.id, now)
    looks = []
    for leg in watched:
        assert leg.confirmed_at is not None
        if leg.next_look_at is None or leg.next_look_at <= now:
            await refund.look(case, leg)
            following = sending.next_watch(leg.confirmed_at, now)
            await rows.change(Leg, {"next_look_at": following}, "WHERE id = $1", leg.id)
            return now
        looks.append(leg.next_look_at)
    return min(looks) if looks else None


async def _halt(case: Case, halt: Halt) -> datetime:
    """The plan may not go on: a person is told, and the case goes where a new plan is made.

    What locked or reopened the case told people itself, with its own move.
    """
    case = await Case.get(id=case.id)
    if case.status not in _CARRIES_OUT:
        return clock.now() + _IDLE
    await proof.halted(case, halt)
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


async def _look_again(case: Case, again: datetime | None) -> datetime | None:
    """Set the next look, unless the case moved on meanwhile: then its own wake-up is there.

    An open case always has one: nothing seems to be under way while another worker, which may
    die now, has just begun a leg.
    """
    if again is None and case.status in workflow.OPEN:
        again = clock.now() + sending.LOOKUPS[1]
    if not (_is_over(again) and _is_over(case.next_check_at)):
        await rows.change(
            Case,
            {"next_check_at": again},
            "WHERE id = $1 AND version = $2",
            case.id,
            case.version,
        )
    if _is_over(again):
        await jobs.defer(jobs.advance(case.id))
    return again


def _is_over(at: datetime | None) -> bool:
    """Due already: a case that was due and stays due needs no other date."""
    return at is not None and at <= clock.now()
