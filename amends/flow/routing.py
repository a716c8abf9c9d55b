"""Who has to decide a plan: the policy, asked with the customer's last thirty days."""

from datetime import datetime, timedelta

from tortoise import connections

from amends.models import Case
from amends.rules import policy
from amends.rules.money import Money
from amends.rules.plan import Draft

# Approved or executed since, on any case of the account; other currencies have limits of their
# own. What failed or never started counts no more.
_REFUNDED = """
SELECT coalesce(sum(leg.amount_minor), 0)::bigint AS minor
FROM leg JOIN case_ ON case_.id = leg.case_id JOIN plan ON plan.id = leg.plan_id
WHERE case_.account_id = $1 AND leg.kind = 'refund' AND leg.currency = $2
  AND leg.state NOT IN ('failed', 'canceled') AND NOT (case_.ref = $3 AND plan.version = $4)
  AND (leg.sent_at >= $5 OR leg.confirmed_at >= $5
    OR ((plan.voided_at IS NULL OR leg.state <> 'planned') AND EXISTS (
      SELECT 1 FROM approval WHERE approval.plan_id = plan.id
        AND approval.decision = 'approved' AND approval.at >= $5)))
"""


async def refunded_lately(case: Case, draft: Draft, rules: policy.Policy, now: datetime) -> Money:
    """The refunds of this account's other plans within the policy's window."""
    currency = currency_of(case, draft)
    since = now - timedelta(days=rules.window_days)
    rows = await connections.get("default").execute_query_dict(
        _REFUNDED, [case.account_id, currency, draft.case_ref, draft.version, since]
    )
    return Money(int(rows[0]["minor"]), currency)


async def route(case: Case, draft: Draft, rules: policy.Policy, now: datetime) -> policy.Route:
    """The roles that may decide this plan, and why these."""
    lately = await refunded_lately(case, draft, rules, now)
    this = Money(sum(leg.amount_minor for leg in draft.refunds()), currency_of(case, draft))
    return policy.route(draft.outcome, case.kind, case.reason, this + lately, rules)


def currency_of(case: Case, draft: Draft) -> str:
    return next((leg.currency for leg in draft.legs), case.currency)
