"""Goodwill: what a case may still get, and a person still give."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise import connections

from amends import clock, facts, policies
from amends.dossier import Dossier
from amends.models import Leg, Person, Plan
from amends.rules import plan as plans
from amends.rules import policy
from amends.rules.money import Money, format_money
from amends.rules.people import Staff
from amends.rules.plan import Draft, LegKind, LegState, Outcome

# What failed or was never sent counts no more; what waits for its answer counts.
_COUNTS = """
leg.kind = 'credit' AND leg.state NOT IN ('failed', 'canceled')
  AND (leg.state <> 'planned' OR plan.voided_at IS NULL)
"""
# Who prepared a credit had a hand in it, as much as who decided.
_OF_PERSON = f"""
SELECT coalesce(sum(leg.amount_minor), 0)::bigint AS minor
FROM leg JOIN plan ON plan.id = leg.plan_id
JOIN approval ON approval.plan_id = plan.id AND approval.decision = 'approved'
WHERE leg.currency = $2 AND {_COUNTS} AND approval.at >= $3
  AND (approval.approver_id = $1 OR plan.prepared_by_id = $1)
"""  # noqa: S608 - made of the constant above


@dataclass(frozen=True)
class Room:
    """The cap of one case, and what it has got already."""

    cap: Money
    given: Money

    @property
    def left(self) -> Money:
        return max(self.cap - self.given, Money(0, self.cap.currency))


def room(read: Dossier, rules: policy.Policy) -> Room:
    """The case's cap and what approved credits took of it, by the same rule as `_COUNTS`."""
    currency = read.case.currency
    approved = {one.plan_id for one in read.approvals if one.decision == "approved"}
    given = sum(
        leg.amount_minor
        for leg in read.legs
        if leg.kind is LegKind.CREDIT and leg.currency == currency and leg.plan_id in approved
        and _counts(leg)
    )  # fmt: skip
    return Room(rules.goodwill_cap(currency), Money(given, currency))


def _counts(leg: Leg) -> bool:
    if leg.state in (LegState.FAILED, LegState.CANCELED):
        return False
    return leg.state is not LegState.PLANNED or leg.plan.voided_at is None


async def must_have_room(by: Staff, draft: Draft, rules: policy.Policy) -> None:
    """Raises Refused when this person's credits of the last days would be too many with this."""
    verdict = await _verdict(by, draft, rules)
    if isinstance(verdict, policy.Refused):
        raise facts.Refused(verdict.reason)


async def verdict(by: Staff, stored: Plan) -> policy.Verdict:
    """Whether this person may decide one more credit."""
    if stored.outcome != Outcome.CREDIT:
        return policy.Allowed()
    return await _verdict(by, plans.read(stored.canonical), await policies.current())


async def hold(by: Staff, draft: Draft) -> None:
    """Lock the person's row, so that two credits decided at once are counted one by one."""
    if draft.outcome is Outcome.CREDIT:
        await Person.filter(id=by.person_id).select_for_update().first()


async def _verdict(by: Staff, draft: Draft, rules: policy.Policy) -> policy.Verdict:
    for leg in draft.credits():
        cap = rules.goodwill_person_cap(leg.currency)
        since = clock.now() - timedelta(days=rules.window_days)
        before = Money(await _sum(_OF_PERSON, by.person_id, leg.currency, since), leg.currency)
        if before + Money(leg.amount_minor, leg.currency) > cap:
            return policy.Refused(_too_much(before, cap, rules.window_days))
    return policy.Allowed()


def _too_much(before: Money, cap: Money, days: int) -> str:
    return (
        f"You had a hand in credits of {format_money(before)} in the last {days} days; "
        f"{format_money(cap)} is the most for one person. Somebody else has to do this one."
    )


async def _sum(statement: str, *values: int | str | datetime) -> int:
    rows = await connections.get("default").execute_query_dict(statement, list(values))
    return int(rows[0]["minor"])
