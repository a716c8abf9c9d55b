"""Who has to decide a plan: the policy, asked with what was paid back lately and of each charge."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tortoise import connections

from amends import dossier
from amends.dossier import Dossier
from amends.flow import recipes, sighting
from amends.rules import policy
from amends.rules.money import Money
from amends.rules.plan import Draft
from amends.rules.workflow import Kind, Reason

# Counts what was approved or executed; what failed or never started counts no more. $3 and $4 name
# the plan that is asked about. An account's sum is of the policy's window and per currency; a
# charge's sum has no window, so that waiting a month does not split it either.
_REFUNDED = """
WITH near AS MATERIALIZED (
  SELECT leg.id FROM case_ JOIN leg ON leg.case_id = case_.id
  WHERE case_.account_id = ANY($1::bigint[]) AND leg.kind = 'refund'
  UNION SELECT id FROM leg WHERE charge_id = ANY($5::text[]) AND charge_id <> ''),
counted AS (
  SELECT case_.account_id, leg.*, EXISTS (
    SELECT 1 FROM approval WHERE approval.plan_id = plan.id
      AND approval.decision = 'approved' AND approval.at >= $2) AS approved_lately, EXISTS (
    SELECT 1 FROM approval WHERE approval.plan_id = plan.id
      AND approval.decision = 'approved') AS approved, plan.voided_at
  FROM near JOIN leg ON leg.id = near.id
  JOIN case_ ON case_.id = leg.case_id JOIN plan ON plan.id = leg.plan_id
  WHERE leg.kind = 'refund' AND leg.state NOT IN ('failed', 'canceled') 
    AND NOT (case_.ref = $3 AND plan.version = $4))
SELECT account_id::text || ':' || currency AS key, sum(amount_minor)::bigint AS minor FROM counted
WHERE account_id = ANY($1::bigint[]) AND (sent_at >= $2 OR confirmed_at >= $2
  OR ((voided_at IS NULL OR state <> 'planned') AND approved_lately))
GROUP BY account_id, currency
UNION ALL
SELECT charge_id, sum(amount_minor)::bigint FROM counted
WHERE charge_id = ANY($5::text[])
  AND (state <> 'planned' OR (voided_at IS NULL AND approved))
GROUP BY charge_id
UNION ALL
SELECT 'failed:' || case_id, count(*)::bigint FROM leg
WHERE case_id = ANY($6::bigint[]) AND kind = 'refund' AND state = 'failed'
GROUP BY case_id
"""
_Sums = dict[str, int]


class Asked(Protocol):
    """What a case has to tell; a list of waiting plans need not read the whole rows."""

    @property
    def id(self) -> int: ...
    @property
    def account_id(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def reason(self) -> Reason | None: ...


async def _sums(
    waiting: Sequence[tuple[Asked, Draft]],
    rules: policy.Policy,
    now: datetime,
    ref: str = "",
    version: int = 0,
) -> _Sums:
    """What was paid back, by account and currency and by charge; and what failed, by case."""
    since = now - timedelta(days=rules.window_days)
    accounts = [case.account_id for case, _ in waiting]
    charges = [leg.charge_id for _, draft in waiting for leg in draft.refunds()]
    rows = await connections.get("default").execute_query_dict(
        _REFUNDED, [accounts, since, ref, version, charges, [case.id for case, _ in waiting]]
    )
    return {row["key"]: int(row["minor"]) for row in rows}


async def route(case: Asked, draft: Draft, rules: policy.Policy, now: datetime) -> policy.Route:
    """The roles that may decide this plan, and why these."""
    sums = await _sums([(case, draft)], rules, now, draft.case_ref, draft.version)
    return _route(case, draft, rules, sums, await _readings([case]))


async def routes(
    waiting: Sequence[tuple[Asked, Draft]], rules: policy.Policy, now: datetime
) -> list[policy.Route]:
    """The same for a list of plans that wait, in one statement: none of them counts itself yet."""
    sums = await _sums(waiting, rules, now)
    readings = await _readings([case for case, _ in waiting])
    return [_route(case, draft, rules, sums, readings) for case, draft in waiting]


def _route(
    case: Asked, draft: Draft, rules: policy.Policy, sums: _Sums, readings: Mapping[int, Dossier]
) -> policy.Route:
    if draft.remedy is not None or f"failed:{case.id}" in sums:
        found = policy.Route(policy.MANAGERS, ("a refund failed, and a manager picks the remedy",))
        return policy.second_look(found, _totals(case, draft, sums), rules)
    totals = _totals(case, draft, sums)
    managers = _for_managers(readings.get(case.id), draft)
    return policy.route(draft.outcome, case.kind, case.reason, totals, rules, managers)


def _totals(case: Asked, draft: Draft, sums: _Sums) -> policy.Totals:
    currency = next((leg.currency for leg in draft.legs), case.currency)
    this = sum(leg.amount_minor for leg in draft.refunds())
    by_charge = [leg.amount_minor + sums.get(leg.charge_id, 0) for leg in draft.refunds()]
    return policy.Totals(
        Money(this + sums.get(f"{case.account_id}:{currency}", 0), currency),
        Money(max(by_charge, default=0), currency),
    )


async def _readings(cases: Sequence[Asked]) -> Mapping[int, Dossier]:
    """Where the amount itself decides who decides: what it was computed from."""
    return await dossier.of_many(
        [case.id for case in cases if case.reason is Reason.AFTER_CANCELLATION]
    )


def _for_managers(read: Dossier | None, draft: Draft) -> list[str]:
    """What in this very plan needs a manager: an amount or a day that differs from Stripe's."""
    if read is None:
        return []
    reading = sighting.unpacked(read.reading)
    return recipes.for_managers(recipes.of(read, reading), reading, draft)
