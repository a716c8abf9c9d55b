"""Plans that wait for a decision, and refunds on their way: lists of open work, a page each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from tortoise import connections

from amends import clock, policies
from amends.json_rows import made, one
from amends.models import PolicyVersion
from amends.queries import staff_views
from amends.rules import plan as plans
from amends.rules import policy
from amends.rules.money import Money
from amends.rules.people import Staff
from amends.rules.plan import Draft, LegKind, LegState
from amends.rules.workflow import Kind, Reason

PAGE = 50
_CONFIRMED_SEEN = (
    1000  # the newest confirmed refunds among which those of open cases are looked for
)


class Subject(NamedTuple):
    """What the policy asks about a case."""

    id: int
    account_id: int
    currency: str
    kind: Kind
    reason: Reason | None


class WaitingRow(NamedTuple):
    """A plan that waits for a decision."""

    ref: str
    organisation: str
    outcome: str
    prepared_by_id: int
    prepared_by: str
    created_at: datetime
    due_at: datetime | None
    owner_id: int | None
    first_id: int | None
    moved: Money
    draft: Draft
    case: Subject


@dataclass(frozen=True)
class Waiting:
    """The plans, the rules in force, and the numbers beside the views."""

    rows: tuple[WaitingRow, ...]
    rules: policy.Policy
    numbers: Mapping[str, int]


# One line as a JSON list: the fields of Subject, the plan, then those of WaitingRow up to `moved`.
_LINES = f"""
SELECT json_build_array(c.id, c.account_id, c.currency, c.kind, c.reason, p.canonical,
  c.ref, a.organisation, p.outcome, p.prepared_by_id, w.name, p.created_at, c.due_at, c.owner_id,
  (SELECT approver_id FROM approval f WHERE f.plan_id = p.id AND f.decision = 'agreed')) AS line
FROM case_ c JOIN plan p ON p.case_id = c.id AND p.voided_at IS NULL
JOIN account a ON a.id = c.account_id JOIN person w ON w.id = p.prepared_by_id
WHERE c.status = 'proposed' AND c.status NOT IN ('draft','resolved','declined','withdrawn')
ORDER BY c.due_at, p.id LIMIT {PAGE}
"""  # noqa: S608 - a number


async def waiting(by: Staff) -> Waiting:
    """Plans that wait for a decision, the most urgent first, with all that the list needs."""
    found = (await _read(_statement(staff_views.numbers(by)), [by.person_id, clock.now()]))[0]
    newest = json.loads(found["rules"]) if found["rules"] else None
    return Waiting(
        tuple(_waiting(line) for line in json.loads(found["lines"])),
        policies.in_force(made(PolicyVersion, newest) if newest else None),
        json.loads(found["numbers"]),
    )


@cache
def _statement(numbers: str) -> str:
    """The numbers ask for the viewer $1 and the present $2."""
    rules = one(PolicyVersion, "ORDER BY t.version DESC LIMIT 1")
    return (
        f"SELECT {staff_views.packed(_LINES)} AS lines, {rules} AS rules, {numbers} AS numbers, "
        "$1::bigint AS me, $2::timestamptz AS at"
    )


def _waiting(line: list[Any]) -> WaitingRow:
    number, account_id, currency, kind, reason, canonical, *words = line
    words[5] = datetime.fromisoformat(words[5])
    words[6] = datetime.fromisoformat(words[6]) if words[6] else None
    draft = _draft(canonical)
    case = Subject(number, account_id, currency, Kind(kind), Reason(reason) if reason else None)
    return WaitingRow._make([*words, _moved(draft, currency), draft, case])


# A plan's words never change, so what they say is kept beside them; they are read every time.
_draft = lru_cache(maxsize=4 * PAGE)(plans.read)


def _moved(draft: Draft, currency: str) -> Money:
    """What a plan is about: what goes back, else what is charged, else what was paid otherwise."""
    money = [leg for leg in draft.legs if leg.kind is not LegKind.RECHARGE] or list(draft.legs)
    if money:
        return Money(sum(leg.amount_minor for leg in money), money[0].currency)
    remedy = draft.remedy
    return Money(remedy.amount_minor, remedy.currency or currency) if remedy else Money(0, currency)


@dataclass(frozen=True)
class MovingRow:
    """A refund on its way, with its case."""

    ref: str
    organisation: str
    card_brand: str
    card_last4: str
    amount_minor: int
    currency: str
    state: LegState
    pending_reason: str
    failure: str
    bank_reference: str
    stripe_id: str | None
    sent_at: datetime | None


_OPEN = "c.status NOT IN ('draft','resolved','declined','withdrawn')"
_MOVING = f"""
WITH failed AS (SELECT l.* FROM leg l JOIN case_ c ON c.id = l.case_id
  WHERE l.kind = 'refund' AND l.state = 'failed' AND {_OPEN}
  ORDER BY l.sent_at, l.id LIMIT {PAGE}),
moving AS (SELECT l.* FROM leg l JOIN case_ c ON c.id = l.case_id
  WHERE l.kind = 'refund' AND l.state IN ('sending','pending','unknown','needs_action') AND {_OPEN}
  ORDER BY l.sent_at, l.id LIMIT {PAGE}),
newest AS (SELECT l.* FROM leg l WHERE l.kind = 'refund' AND l.state = 'succeeded'
  ORDER BY l.confirmed_at DESC LIMIT {_CONFIRMED_SEEN}),
confirmed AS (SELECT l.* FROM newest l JOIN case_ c ON c.id = l.case_id WHERE {_OPEN}
  ORDER BY l.confirmed_at DESC LIMIT {PAGE})
SELECT c.ref, a.organisation, l.card_brand, l.card_last4, l.amount_minor, l.currency, l.state,
  l.pending_reason, l.failure, l.bank_reference, l.stripe_id, l.sent_at
FROM (SELECT 1 AS place, row_number() OVER (ORDER BY sent_at, id) AS n, f.* FROM failed f
  UNION ALL SELECT 2, row_number() OVER (ORDER BY sent_at, id), m.* FROM moving m
  UNION ALL SELECT 3, row_number() OVER (ORDER BY confirmed_at DESC), d.* FROM confirmed d) l
JOIN case_ c ON c.id = l.case_id JOIN account a ON a.id = c.account_id ORDER BY l.place, l.n
"""  # noqa: S608 - made of the constants above


async def refunds_moving() -> tuple[MovingRow, ...]:
    """Refunds of open cases: the failed ones, those on their way, those confirmed last."""
    rows = await _read(_MOVING, [])
    return tuple(MovingRow(**row | {"state": LegState(row["state"])}) for row in rows)


async def _read(statement: str, values: list[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement, values
    )
    return rows
