"""Plans that wait for a decision, and refunds on their way: lists of open work, a page each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import connections

from amends.rules import plan as plans
from amends.rules.money import Money
from amends.rules.people import Staff
from amends.rules.plan import Draft, LegKind, LegState
from amends.rules.workflow import Kind, Reason

PAGE = 50
_CONFIRMED_SEEN = (
    1000  # the newest confirmed refunds among which those of open cases are looked for
)


@dataclass(frozen=True)
class Subject:
    """What the policy asks about a case."""

    id: int
    account_id: int
    currency: str
    kind: Kind
    reason: Reason | None


@dataclass(frozen=True)
class WaitingRow:
    """A plan that waits for a decision."""

    ref: str
    organisation: str
    outcome: str
    refund_minor: int
    currency: str
    prepared_by_id: int
    prepared_by: str
    created_at: datetime
    due_at: datetime | None
    owner_id: int | None
    draft: Draft
    case: Subject
    first_id: int | None = None


_WAITING = f"""
SELECT c.id, c.account_id, c.currency, c.kind, c.reason, c.ref, a.organisation, p.outcome,
  p.canonical, p.prepared_by_id, w.name AS prepared_by, p.created_at, c.due_at, c.owner_id,
  (SELECT approver_id FROM approval f WHERE f.plan_id = p.id AND f.decision = 'agreed') AS first_id
FROM case_ c JOIN plan p ON p.case_id = c.id AND p.voided_at IS NULL
JOIN account a ON a.id = c.account_id JOIN person w ON w.id = p.prepared_by_id
WHERE c.status = 'proposed' AND c.status NOT IN ('draft','resolved','declined','withdrawn')
ORDER BY c.due_at, p.id LIMIT {PAGE}
"""  # noqa: S608 - a number


async def waiting(by: Staff) -> tuple[WaitingRow, ...]:
    """Plans that wait for a decision, the most urgent first."""
    return tuple(_waiting(row) for row in await _read(_WAITING))


def _waiting(row: dict[str, Any]) -> WaitingRow:
    draft = plans.read(row["canonical"])
    moved = _moved(draft, row["currency"])
    reason = Reason(row["reason"]) if row["reason"] else None
    case = Subject(row["id"], row["account_id"], row["currency"], Kind(row["kind"]), reason)
    names = ("ref", "organisation", "outcome", "prepared_by_id", "prepared_by", "created_at",
             "due_at", "owner_id", "first_id")  # fmt: skip
    return WaitingRow(
        **{name: row[name] for name in names},
        refund_minor=moved.minor, currency=moved.currency, draft=draft, case=case,
    )  # fmt: skip


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
    rows = await _read(_MOVING)
    return tuple(MovingRow(**row | {"state": LegState(row["state"])}) for row in rows)


async def _read(statement: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(statement, [])
    return rows
