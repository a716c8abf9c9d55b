"""Who has to decide a plan: the policy, asked with what was paid back lately and of each charge."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from tortoise import connections

from amends import dossier
from amends.dossier import Dossier
from amends.flow import checks, recipes, sighting
from amends.flow.sighting import Reading
from amends.rules import policy
from amends.rules.money import Money
from amends.rules.plan import Draft
from amends.rules.workflow import Kind, Reason

# Counts what was approved or executed; what failed or never started counts no more. `itself` names
# the plan that is asked about. An account's sum is of the policy's window and per currency; a
# charge's sum has no window, so that waiting a month does not split it either.
_REFUNDED = """
WITH near AS MATERIALIZED (
  SELECT leg.id FROM case_ JOIN leg ON leg.case_id = case_.id
  WHERE case_.account_id = ANY({accounts}) AND leg.kind = 'refund'
  UNION SELECT id FROM leg WHERE charge_id = ANY({charges}) AND charge_id <> ''),
counted AS (
  SELECT case_.account_id, leg.*, plan.voided_at, approved.last >= {since} AS approved_lately,
    approved.last IS NOT NULL AS approved
  FROM near JOIN leg ON leg.id = near.id
  JOIN case_ ON case_.id = leg.case_id JOIN plan ON plan.id = leg.plan_id
  -- Lateral: two EXISTS may be answered from a hash of all approvals, read whole.
  CROSS JOIN LATERAL (SELECT max(approval.at) AS last FROM approval
    WHERE approval.plan_id = plan.id AND approval.decision = 'approved') approved
  WHERE leg.kind = 'refund' AND leg.state NOT IN ('failed', 'canceled')
    AND NOT ({itself}))
SELECT account_id::text || ':' || currency AS key, sum(amount_minor)::bigint AS minor FROM counted
WHERE account_id = ANY({accounts}) AND (sent_at >= {since} OR confirmed_at >= {since}
  OR ((voided_at IS NULL OR state <> 'planned') AND approved_lately))
GROUP BY account_id, currency
UNION ALL
SELECT charge_id, sum(amount_minor)::bigint FROM counted
WHERE charge_id = ANY({charges})
  AND (state <> 'planned' OR (voided_at IS NULL AND approved))
GROUP BY charge_id
UNION ALL
SELECT 'failed:' || case_id, count(*)::bigint FROM leg
WHERE case_id = ANY({cases}) AND kind = 'refund' AND state = 'failed'
GROUP BY case_id
"""
_ASKED = _REFUNDED.format(
    accounts="$1::bigint[]",
    since="$2::timestamptz",
    itself="case_.ref = $3 AND plan.version = $4",
    charges="$5::text[]",
    cases="$6::bigint[]",
)
# The same of one case `c` at `$2`, within a statement that reads the case: its charges are those
# of its plans and those that Stripe showed, its plan is the one that waits.
_DEFAULT = policy.Policy()
_WINDOW = (
    "(SELECT (v.rules->>'window_days')::int FROM policy_version v ORDER BY v.version DESC LIMIT 1)"
)
_OF_CASE = _REFUNDED.format(
    accounts="ARRAY[c.account_id]",
    since=f"$2::timestamptz - make_interval(days => coalesce({_WINDOW}, {_DEFAULT.window_days}))",
    itself="case_.id = c.id AND c.status = 'proposed' AND plan.voided_at IS NULL",
    charges="ARRAY(SELECT own.charge_id FROM leg own WHERE own.case_id = c.id UNION "
    "SELECT jsonb_path_query(r.facts, '$.reading.charges[*].charge.id') #>> '{}' "
    "FROM stripe_reading r WHERE r.case_id = c.id)",
    cases="ARRAY[c.id]",
)
_AS_JSON = "(SELECT coalesce(json_object_agg(key, minor), '{{}}') FROM ({rows}) x)"
PAID_BACK = _AS_JSON.format(rows=_OF_CASE)
_Sums = Mapping[str, int]
# What the reason of a case owes, and the reading it was computed from.
_Owed = tuple[recipes.Recipe | None, Reading | None]


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
        _ASKED, [accounts, since, ref, version, charges, [case.id for case, _ in waiting]]
    )
    return {row["key"]: int(row["minor"]) for row in rows}


async def route(case: Asked, draft: Draft, rules: policy.Policy, now: datetime) -> policy.Route:
    """The roles that may decide this plan, and why these."""
    sums = await _sums([(case, draft)], rules, now, draft.case_ref, draft.version)
    return _route(case, draft, rules, sums, await _readings([case]))


def route_in(known: checks.Facts, draft: Draft, paid: Mapping[str, int]) -> policy.Route:
    """The same from what was read already; `paid` is what `PAID_BACK` found."""
    case = known.case
    owed = {case.id: (known.recipe, known.reading)} if _computed(case) else {}
    return _route(case, draft, known.rules, paid, owed)


async def routes(
    waiting: Sequence[tuple[Asked, Draft]], rules: policy.Policy, now: datetime
) -> list[policy.Route]:
    """The same for a list of plans that wait, in one statement: none of them counts itself yet."""
    sums = await _sums(waiting, rules, now)
    readings = await _readings([case for case, _ in waiting])
    return [_route(case, draft, rules, sums, readings) for case, draft in waiting]


def _route(
    case: Asked, draft: Draft, rules: policy.Policy, sums: _Sums, owed: Mapping[int, _Owed]
) -> policy.Route:
    if draft.remedy is not None or f"failed:{case.id}" in sums:
        found = policy.Route(policy.MANAGERS, ("a refund failed, and a manager picks the remedy",))
        return policy.second_look(found, _totals(case, draft, sums), rules)
    totals = _totals(case, draft, sums)
    managers = _for_managers(owed.get(case.id), draft)
    return policy.route(draft.outcome, case.kind, case.reason, totals, rules, managers)


def _totals(case: Asked, draft: Draft, sums: _Sums) -> policy.Totals:
    currency = next((leg.currency for leg in draft.legs), case.currency)
    this = sum(leg.amount_minor for leg in draft.refunds())
    by_charge = [leg.amount_minor + sums.get(leg.charge_id, 0) for leg in draft.refunds()]
    return policy.Totals(
        Money(this + sums.get(f"{case.account_id}:{currency}", 0), currency),
        Money(max(by_charge, default=0), currency),
    )


def _computed(case: Asked) -> bool:
    """Where the amount itself decides who decides."""
    return case.reason is Reason.AFTER_CANCELLATION


async def _readings(cases: Sequence[Asked]) -> Mapping[int, _Owed]:
    """What such amounts were computed from."""
    found = await dossier.of_many([case.id for case in cases if _computed(case)])
    return {case_id: _owed(read) for case_id, read in found.items()}


def _owed(read: Dossier) -> _Owed:
    reading = sighting.unpacked(read.reading)
    return recipes.of(read, reading), reading


def _for_managers(owed: _Owed | None, draft: Draft) -> list[str]:
    """What in this very plan needs a manager: an amount or a day that differs from Stripe's."""
    return [] if owed is None else recipes.for_managers(*owed, draft)
