"""A card that was not recognised, or a warning of fraud: the account's money is frozen.

One thing still moves: Security's own refund of the very charge, prepared and decided by Security
or managers. It is never charged anew.
"""

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, moves
from amends.flow import desk, step_up
from amends.models import Account, Case
from amends.rules import policy, workflow
from amends.rules.people import Actor, Staff
from amends.rules.workflow import Action, Reason, Status

_UNDER_WAY = workflow.EXECUTING | {Status.PROPOSED}


async def flag(case: Case, by: Actor, reason: str) -> None:
    """Freeze every open case of the account and send this one to Security."""
    async with in_transaction():
        await Account.filter(id=case.account_id, flagged_at=None).update(
            flagged_at=clock.now(), flag_reason=reason
        )
        await exceptions_desk.tell(
            "fraud_flag", f"account:{case.account_id}", reason, case_id=case.id
        )
        for each in await Case.filter(
            account_id=case.account_id, status__in=list(workflow.OPEN)
        ).order_by("id"):
            await _lock(each, by, reason)


async def _lock(case: Case, by: Actor, reason: str) -> None:
    if workflow.target(case.status, Action.LOCK_FRAUD) is None or is_being_paid_back(case):
        return
    try:
        await moves.move(
            case, Action.LOCK_FRAUD, by, reason=reason, changes={"status_before_lock": case.status}
        )
    except facts.AlreadyDecided:
        await _lock(await Case.get(id=case.id), by, reason)


def is_being_paid_back(case: Case) -> bool:
    """Security knows already, and its refund waits for a decision or is under way."""
    return case.reason is Reason.NOT_RECOGNISED and case.status in _UNDER_WAY


def may_pay_back(reason: Reason | None, recharges: bool) -> bool:
    """What a flagged account still allows: a refund of a card not recognised, no new charge."""
    return reason is Reason.NOT_RECOGNISED and not recharges


async def take_over(case: Case, by: Staff, reason: str) -> Case:
    """Security finds that the card was misused: the case is about that from here on."""
    if not by.roles & policy.INVESTIGATORS:
        raise facts.Refused("Only Security or a manager decides that.")
    if case.status is not Status.LOCKED_FRAUD:
        raise facts.Refused("Only a case that is with Security can be treated so.")
    reason = desk.words(reason, "reason", "Say what shows it")
    data: dict[str, object] = {
        "from": str(case.reason or ""),
        "to": str(Reason.NOT_RECOGNISED),
    }
    entry = desk.entry("set_reason", by, reason, data)
    return await desk.change(case, by, entry, reason=Reason.NOT_RECOGNISED)


async def lift(case: Case, by: Staff, reason: str) -> Case:
    """Take the flag off the account and give all of its frozen cases back to triage."""
    verdict = policy.may_lift_fraud(by)
    if isinstance(verdict, policy.Refused):
        raise facts.Refused(verdict.reason)
    if not reason.strip():
        raise facts.InvalidInput({"reason": "Write why the flag is lifted."})
    await step_up.must_be_fresh(by)
    async with in_transaction():
        changed = await Account.filter(id=case.account_id, flagged_at__isnull=False).update(
            flagged_at=None, flag_reason=""
        )
        frozen = await Case.filter(account_id=case.account_id, status=Status.LOCKED_FRAUD)
        if not changed and not frozen:
            raise facts.AlreadyDecided("This account is not flagged any more.")
        for each in sorted(frozen, key=lambda one: one.id):
            await moves.move(each, Action.UNLOCK, by, reason=reason)
        if case.id not in {each.id for each in frozen}:
            await moves.note(case, desk.entry("lift_flag", by, reason))
        await exceptions_desk.settle("fraud_flag", f"account:{case.account_id}", reason, by.name)
    return await Case.get(id=case.id)
