"""The bank's process: it locks manual money at once and works through Stripe's disputes."""

from amends import exceptions_desk, facts, moves
from amends.gateways.stripe_facts import DisputeFacts
from amends.models import Case
from amends.rules import workflow
from amends.rules.people import Actor
from amends.rules.workflow import Action


async def lock(case: Case, by: Actor, reason: str, dispute: DisputeFacts | None = None) -> Case:
    """Stop all manual money of the case and hand it to the chargeback desk."""
    if workflow.target(case.status, Action.LOCK_CHARGEBACK) is None:
        return case
    data: dict[str, object] = (
        {"dispute": dispute.id, "charge": dispute.charge_id} if dispute else {}
    )
    try:
        moved = await moves.move(
            case,
            Action.LOCK_CHARGEBACK,
            by,
            reason=reason,
            data=data,
            changes={"status_before_lock": case.status},
        )
    except facts.AlreadyDecided:
        return await lock(await Case.get(id=case.id), by, reason, dispute)
    if dispute is not None:
        await exceptions_desk.tell(
            "dispute",
            dispute.id,
            f"{reason} ({dispute.status})",
            case_id=case.id,
            stripe_id=dispute.id,
        )
    return moved


async def lock_for(case: Case, by: Actor, dispute: DisputeFacts) -> Case:
    return await lock(case, by, f"The bank's process stands on {dispute.charge_id}.", dispute)
