"""A card that was not recognised, or a warning of fraud: the account's money is frozen."""

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, moves
from amends.models import Account, Case
from amends.rules import policy, workflow
from amends.rules.people import Actor, Staff
from amends.rules.workflow import Action


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
    if workflow.target(case.status, Action.LOCK_FRAUD) is None:
        return
    try:
        await moves.move(
            case, Action.LOCK_FRAUD, by, reason=reason, changes={"status_before_lock": case.status}
        )
    except facts.AlreadyDecided:
        await _lock(await Case.get(id=case.id), by, reason)


async def lift(case: Case, by: Staff, reason: str) -> Case:
    """Take the flag off the account and give this case back to triage."""
    verdict = policy.may_lift_fraud(by)
    if isinstance(verdict, policy.Refused):
        raise facts.Refused(verdict.reason)
    if not reason.strip():
        raise facts.InvalidInput({"reason": "Write why the flag is lifted."})
    async with in_transaction():
        await Account.filter(id=case.account_id).update(flagged_at=None, flag_reason="")
        moved = await moves.move(case, Action.UNLOCK, by, reason=reason)
        await exceptions_desk.settle("fraud_flag", f"account:{case.account_id}", reason, by.name)
    return moved
