"""What a customer may see of requests: rows of the own account only, in few statements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import connections

from amends import facts
from amends.models import Attachment
from amends.queries import customer_holds
from amends.queries.customer_rows import (
    CardRow,
    CasePage,
    CaseRow,
    DocumentRow,
    FileRow,
    LegRow,
    MessageRow,
    OrderRow,
)
from amends.rules.people import Customer
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import EXECUTING, Action, Kind, Reason, Status

MOST_MESSAGES = 200
_APPROVED = EXECUTING | {Status.NEEDS_NEW_CARD, Status.RESOLVED, Status.REFUND_FAILED_LATE}
CASE = """
SELECT c.id, c.ref, c.kind, c.reason, c.status, c.claimed_order, c.currency, c.claimed_amount_minor,
  c.card_payment_method_id, c.card_brand, c.card_funding, c.card_last4, c.card_expires,
  c.card_saved_at, c.outcome_reason, c.submitted_at, c.closed_at, c.channel,
  o.number AS order__number"""
ORDER = (
    "id", "number", "description", "total_minor", "currency", "placed_on", "handed_over_on",
    "delivered_on", "carrier", "subscription_status", "subscription_ends_on", "renewal_months",
    "renewal_rule", "cancelled_on",
)  # fmt: skip
_FURTHER = ", ".join(
    [
        "c.claimed_last4, c.story, c.claimed_charge_date, c.contact_email, c.order_id",
        *(f"o.{name} AS order__{name}" for name in ORDER if name != "number"),
    ]
)
# The own cases that were sent; $1 is the customer.
OWN = """FROM case_ c LEFT JOIN order_ o ON o.id = c.order_id
 WHERE c.account_id = $1 AND c.submitted_at IS NOT NULL"""
_FILE = ("id", "name", "size", "content_type", "at", "message_id", "state")


def _listed(rows: str) -> str:
    return f"(SELECT coalesce(json_agg(x), '[]') FROM ({rows}) x)"  # noqa: S608


# Movements of the case `c`, each plan's in their order.
LEGS = _listed(
    "SELECT l.kind, l.state, l.amount_minor, l.currency, l.charge_id, l.card_brand, "
    "l.card_funding, l.card_last4, l.stripe_id, l.pending_reason, l.bank_reference, "
    "l.next_action_url, l.confirmed_at, l.failed_at, p.voided_at, p.outcome "
    "FROM leg l JOIN plan p ON p.id = l.plan_id WHERE l.case_id = c.id "
    "ORDER BY l.plan_id, l.position"
)
# The movements, the history's moves and the documents in one statement with the case: a page has
# few to spend.
_STATE = {
    "legs": LEGS,
    "moves": _listed(
        "SELECT action, at FROM timeline WHERE case_id = c.id AND to_status <> '' ORDER BY at"
    ),
    "documents": _listed(
        "SELECT kind, created_at, facts, state = 'made' AND store_key <> '' AS made FROM document "
        "WHERE case_id = c.id AND superseded_at IS NULL ORDER BY created_at"
    ),
}
_ALL = _STATE | {
    "files": _listed(
        f"SELECT {', '.join(_FILE)} FROM attachment WHERE case_id = c.id "  # noqa: S608
        "AND audience = 'customer' AND removed_at IS NULL ORDER BY at"
    ),
    "messages": _listed(
        "SELECT id, author_kind, author_name, body, at FROM message "  # noqa: S608
        "WHERE case_id = c.id AND audience = 'customer' "
        f"ORDER BY id DESC LIMIT {MOST_MESSAGES}"
    ),
    "holds": customer_holds.SOURCE,
}


def _own(further: str, parts: Mapping[str, str]) -> str:
    listed = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    return f"{CASE}, {further}, json_build_object({listed}) AS packed {OWN} AND c.ref = $2"


_STATE_OF_CASE, _PAGE_OF_CASE = _own("c.contact_email", _STATE), _own(_FURTHER, _ALL)
_ACTIONS = frozenset(Action)


async def case_page(by: Customer, ref: str) -> CasePage:
    """The customer's own case with all that the page shows, in one statement."""
    row = await _own_case(_PAGE_OF_CASE, by, ref)
    packed = json.loads(row["packed"])
    files = tuple(_file(each) for each in packed["files"])
    record = _record(packed)
    return CasePage(
        case=case_row(row, packed["legs"]),
        last4=row["claimed_last4"],
        story=row["story"],
        charged_on=row["claimed_charge_date"],
        order=_joined_order(row),
        contact=row["contact_email"],
        moved=record.moved,
        messages=_messages(by, packed["messages"], files),
        files=tuple(file for file in files if file.message_id is None),
        documents=record.documents,
        holds=customer_holds.read(packed["holds"]),
    )


async def case_state(by: Customer, ref: str) -> CasePage:
    """Only what the money path needs, for the part that asks for itself again."""
    row = await _own_case(_STATE_OF_CASE, by, ref)
    packed = json.loads(row["packed"])
    record = _record(packed)
    return CasePage(
        case_row(row, packed["legs"]), "", "", None, None, row["contact_email"], record.moved,
        (), (), record.documents,
    )  # fmt: skip


async def _own_case(statement: str, by: Customer, ref: str) -> Mapping[str, Any]:
    rows = await connections.get("default").execute_query_dict(statement, [by.account_id, ref])
    if not rows:
        raise facts.NotFound("There is no such request.")
    found: Mapping[str, Any] = rows[0]
    return found


def case_row(row: Mapping[str, Any], legs: Iterable[dict[str, Any]]) -> CaseRow:
    """`legs` are its movements as JSON gave them."""
    status = Status(row["status"])
    return CaseRow(
        id=row["id"],
        ref=row["ref"],
        kind=Kind(row["kind"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        status=status,
        order=row["order__number"] or row["claimed_order"],
        currency=row["currency"],
        claimed_amount_minor=row["claimed_amount_minor"],
        card=_card(row) if row["card_payment_method_id"] else None,
        card_saved_at=row["card_saved_at"],
        outcome_reason=row["outcome_reason"],
        submitted_at=row["submitted_at"],
        closed_at=row["closed_at"],
        legs=_shown_legs(row["id"], status, legs),
        channel=row["channel"],
    )


def _card(row: Mapping[str, Any]) -> CardRow:
    return CardRow(
        row["card_brand"], row["card_funding"], row["card_last4"], row.get("card_expires", "")
    )


def _shown_legs(
    case_id: int, status: Status, rows: Iterable[Mapping[str, Any]]
) -> tuple[LegRow, ...]:
    """Movements that were approved or have begun; a plan under discussion is not shown."""
    legs = []
    for row in rows:
        approved = row["voided_at"] is None and status in _APPROVED
        if approved or row["state"] != LegState.PLANNED:
            legs.append(_leg(case_id, row, approved))
    return tuple(_latest(legs))


def _leg(case_id: int, row: Mapping[str, Any], approved: bool) -> LegRow:
    return LegRow(
        case_id=case_id,
        plan_approved=approved,
        outcome=Outcome(row["outcome"]),
        kind=LegKind(row["kind"]),
        state=LegState(row["state"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        charge_id=row["charge_id"],
        card=_card(row),
        refund_id=row["stripe_id"] or "",
        pending_reason=row["pending_reason"],
        bank_reference=row["bank_reference"],
        next_action_url=row["next_action_url"],
        confirmed_at=_at(row["confirmed_at"]),
        failed_at=_at(row["failed_at"]),
    )


def _at(text: str | None) -> datetime | None:
    """JSON knows no dates."""
    return datetime.fromisoformat(text) if text else None


def _latest(legs: Sequence[LegRow]) -> list[LegRow]:
    """Without failed movements that a later plan has taken up again."""
    return [leg for at, leg in enumerate(legs) if not _is_replaced(leg, legs[at + 1 :])]


def _is_replaced(leg: LegRow, later: Iterable[LegRow]) -> bool:
    over = leg.state in (LegState.FAILED, LegState.CANCELED)
    return over and any(
        (other.case_id, other.kind, other.charge_id) == (leg.case_id, leg.kind, leg.charge_id)
        for other in later
    )


@dataclass(frozen=True)
class _Record:
    """When each move last happened, and the documents that stand."""

    moved: Mapping[Action, datetime]
    documents: tuple[DocumentRow, ...]


def _record(packed: Mapping[str, Any]) -> _Record:
    moves = [row for row in packed["moves"] if row["action"] in _ACTIONS]
    return _Record(
        {Action(row["action"]): datetime.fromisoformat(row["at"]) for row in moves},
        tuple(
            DocumentRow(
                row["kind"], row["made"], row["facts"], datetime.fromisoformat(row["created_at"])
            )
            for row in packed["documents"]
        ),
    )


def _messages(
    by: Customer, rows: Sequence[Mapping[str, Any]], files: Iterable[FileRow]
) -> tuple[MessageRow, ...]:
    return tuple(
        MessageRow(
            id=row["id"],
            mine=row["author_kind"] == by.kind,
            author=row["author_name"],
            body=row["body"],
            at=datetime.fromisoformat(row["at"]),
            files=tuple(file for file in files if file.message_id == row["id"]),
        )
        for row in reversed(rows)
    )


def _file(row: Mapping[str, Any]) -> FileRow:
    return FileRow(**{**row, "at": datetime.fromisoformat(row["at"])})


async def files_of(case_id: int) -> tuple[FileRow, ...]:
    rows = (
        await Attachment.filter(case_id=case_id, audience="customer", removed_at=None)
        .order_by("at")
        .values(*_FILE)
    )
    return tuple(FileRow(**{**row, "id": str(row["id"])}) for row in rows)


def _joined_order(row: Mapping[str, Any]) -> OrderRow | None:
    if row["order_id"] is None:
        return None
    return OrderRow(**{name: row[f"order__{name}"] for name in ORDER})
