"""What the Security desk sees: flagged accounts with their cases, and cards not recognised."""

from dataclasses import dataclass

from tortoise.expressions import Q

from amends import facts
from amends.models import Account, Case
from amends.rules import policy, workflow
from amends.rules.people import Staff
from amends.rules.workflow import Reason, Status

_MOST = 100


@dataclass(frozen=True)
class Frozen:
    """An account and what of it is with Security; the newest cases first."""

    account: Account
    cases: tuple[Case, ...]


def must_know(by: Staff) -> None:
    """Whoever may not know of this desk does not learn that it is there."""
    if not by.roles & policy.INVESTIGATORS:
        raise facts.NotFound("There is no such page.")


async def accounts(by: Staff) -> tuple[Frozen, ...]:
    """Flagged accounts, the longest frozen first, then others with a card not recognised."""
    must_know(by)
    theirs = Q(status=Status.LOCKED_FRAUD) | Q(
        reason=Reason.NOT_RECOGNISED, status__in=list(workflow.OPEN)
    )
    cases = await Case.filter(theirs).order_by("-id").limit(_MOST).prefetch_related("account")
    flagged = await Account.filter(flagged_at__isnull=False).order_by("flagged_at").limit(_MOST)
    by_id = {each.id: each for each in flagged} | {each.account_id: each.account for each in cases}
    return tuple(
        Frozen(found, tuple(each for each in cases if each.account_id == found.id))
        for found in by_id.values()
    )


async def others(case: Case) -> tuple[Case, ...]:
    """The other cases of the account that were sent."""
    return tuple(
        await Case.filter(account_id=case.account_id, submitted_at__not_isnull=True)
        .exclude(id=case.id)
        .order_by("-id")
        .limit(_MOST)
    )


async def newest(account: Account) -> Case | None:
    """Where an account without an open case is looked at."""
    sent = Case.filter(account_id=account.id, submitted_at__not_isnull=True)
    return await sent.order_by("-id").first()
