"""Who has to decide a plan: the policy, asked with the customer's last thirty days."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tortoise import connections

from amends.models import Case
from amends.rules import policy
from amends.rules.money import Money
from amends.rules.plan import Draft

# Approved or executed since, on any case of the account; other currencies have limits of their
# own. What failed or never started counts no more. $3 and $4 name the plan that is asked about.
_REFUNDED = """
SELECT case_.account_id, leg.currency, sum(leg.amount_minor)::bigint AS minor
FROM leg JOIN case_ ON case_.id = leg.case_id JOIN plan ON plan.id = leg.plan_id
WHERE case_.account_id = ANY($1::bigint[]) AND leg.kind = 'refund'
  AND leg.state NOT IN ('failed', 'canceled') AND NOT (case_.ref = $3 AND plan.version = $4)
  AND (leg.sent_at >= $2 OR leg.confirmed_at >= $2
    OR ((plan.voided_at IS NULL OR leg.state <> 'planned') AND EXISTS (
      SELECT 1 FROM approval WHERE approval.plan_id = plan.id
        AND approval.decision = 'approved' AND approval.at >= $2)))
GROUP BY case_.account_id, leg.currency
"""
_Sums = dict[tuple[int, str], int]


async def _sums(
    accounts: Sequence[int], rules: policy.Policy, now: datetime, ref: str, version: int
) -> _Sums:
    """What was refunded per account and currency within the policy's window."""
    since = now - timedelta(days=rules.window_days)
    rows = await connections.get("default").execute_query_dict(
        _REFUNDED, [list(accounts), since, ref, version]
    )
    return {(row["account_id"], row["currency"]): int(row["minor"]) for row in rows}


async def route(case: Case, draft: Draft, rules: policy.Policy, now: datetime) -> policy.Route:
    """The roles that may decide this plan, and why these."""
    sums = await _sums([case.account_id], rules, now, draft.case_ref, draft.version)
    return _route(case, draft, rules, sums)


async def routes(
    waiting: Sequence[tuple[Case, Draft]], rules: policy.Policy, now: datetime
) -> list[policy.Route]:
    """The same for a list of plans that wait, in one statement: none of them counts itself yet."""
    sums = await _sums([case.account_id for case, _ in waiting], rules, now, "", 0)
    return [_route(case, draft, rules, sums) for case, draft in waiting]


def _route(case: Case, draft: Draft, rules: policy.Policy, sums: _Sums) -> policy.Route:
    currency = next((leg.currency for leg in draft.legs), case.currency)
    this = sum(leg.amount_minor for leg in draft.refunds())
    refunded = Money(this + sums.get((case.account_id, currency), 0), currency)
    return policy.route(draft.outcome, case.kind, case.reason, refunded, rules)
