"""What a customer may see of requests: rows of the own account only, in few statements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import connections

from amends import facts
from amends.models import Attachment
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

PAGE = 20
MOST_MESSAGES = 200
# Answer needed first.
WAITING = (Status.NEEDS_CUSTOMER, Status.NEEDS_AUTHENTICATION, Status.NEEDS_NEW_CARD)
_APPROVED = EXECUTING | {Status.NEEDS_NEW_CARD, Status.RESOLVED, Status.REFUND_FAILED_LATE}
_CASE = """
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
_OWN = """FROM case_ c LEFT JOIN order_ o ON o.id = c.order_id
 WHERE c.account_id = $1 AND c.submitted_at IS NOT NULL"""
_WAIT = "('" + "','".join(WAITING) + "')"
# Movements of cases `$1`, each plan's in their order.
_LEGS = """
SELECT l.case_id, l.kind, l.state, l.amount_minor, l.currency, l.charge_id, l.card_brand,
  l.card_funding, l.card_last4, l.stripe_id, l.pending_reason, l.bank_reference, l.next_action_url,
  l.confirmed_at, l.failed_at, p.voided_at AS plan__voided_at, p.outcome AS plan__outcome,
  c.status AS case__status
FROM leg l JOIN plan p ON p.id = l.plan_id JOIN case_ c ON c.id = l.case_id
WHERE l.case_id = ANY($1::bigint[]) ORDER BY l.plan_id, l.position
"""
_FILE = ("id", "name", "size", "content_type", "at", "message_id", "state")


# --- The list -------------------------------------------------------------------------------


async def waiting_cases(by: Customer) -> list[CaseRow]:
    """The requests that wait for the customer, newest first."""
    which = f"AND c.status IN {_WAIT} ORDER BY c.id DESC LIMIT {PAGE}"
    return await _case_rows(f"{_CASE} {_OWN} {which}", by.account_id)


async def other_cases(by: Customer, before: int | None = None) -> list[CaseRow]:
    """The other requests, newest first; one more than a page says that there are more."""
    which = f"AND c.status NOT IN {_WAIT} AND c.id < $2 ORDER BY c.id DESC LIMIT {PAGE + 1}"
    last = _NO_END if before is None else before
    return await _case_rows(f"{_CASE} {_OWN} {which}", by.account_id, last)


_NO_END = 2**63 - 1


async def _case_rows(statement: str, *values: object) -> list[CaseRow]:
    rows = await _read(statement, *values)
    legs = await _legs([row["id"] for row in rows])
    return [_case(row, [leg for leg in legs if leg.case_id == row["id"]]) for row in rows]


async def _read(statement: str, *values: object) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement, list(values)
    )
    return rows


# --- One case -------------------------------------------------------------------------------


async def case_page(by: Customer, ref: str) -> CasePage:
    """The customer's own case with all that the page shows, in two statements."""
    row = await _own_case(by, ref, _FURTHER)
    packed = json.loads((await _read(_ALL_OF_CASE, [row["id"]]))[0]["packed"])
    files = tuple(_file(each) for each in packed["files"])
    record = _record(packed)
    return CasePage(
        case=_case(row, _shown_legs(_timed(each) for each in packed["legs"])),
        last4=row["claimed_last4"],
        story=row["story"],
        charged_on=row["claimed_charge_date"],
        order=_joined_order(row),
        contact=row["contact_email"],
        moved=record.moved,
        messages=_messages(by, packed["messages"], files),
        files=tuple(file for file in files if file.message_id is None),
        documents=record.documents,
    )


async def case_state(by: Customer, ref: str) -> CasePage:
    """Only what the money path needs, for the part that asks for itself again."""
    row = await _own_case(by, ref, "c.contact_email")
    packed = json.loads((await _read(_STATE_OF_CASE, [row["id"]]))[0]["packed"])
    record = _record(packed)
    return CasePage(
        _case(row, _shown_legs(_timed(each) for each in packed["legs"])), "", "", None, None,
        row["contact_email"], record.moved, (), (), record.documents,
    )  # fmt: skip


async def _own_case(by: Customer, ref: str, further: str) -> dict[str, Any]:
    rows = await _read(f"{_CASE}, {further} {_OWN} AND c.ref = $2", by.account_id, ref)
    if not rows:
        raise facts.NotFound("There is no such request.")
    return rows[0]


def _case(row: Mapping[str, Any], legs: Iterable[LegRow]) -> CaseRow:
    return CaseRow(
        id=row["id"],
        ref=row["ref"],
        kind=Kind(row["kind"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        status=Status(row["status"]),
        order=row["order__number"] or row["claimed_order"],
        currency=row["currency"],
        claimed_amount_minor=row["claimed_amount_minor"],
        card=_card(row) if row["card_payment_method_id"] else None,
        card_saved_at=row["card_saved_at"],
        outcome_reason=row["outcome_reason"],
        submitted_at=row["submitted_at"],
        closed_at=row["closed_at"],
        legs=tuple(legs),
        channel=row["channel"],
    )


def _card(row: Mapping[str, Any]) -> CardRow:
    return CardRow(
        row["card_brand"], row["card_funding"], row["card_last4"], row.get("card_expires", "")
    )


async def _legs(case_ids: Sequence[int]) -> list[LegRow]:
    """Movements that were approved or have begun; a plan under discussion is not shown."""
    if not case_ids:
        return []
    return _shown_legs(await _read(_LEGS, list(case_ids)))


def _shown_legs(rows: Iterable[Mapping[str, Any]]) -> list[LegRow]:
    return _latest([_leg(row) for row in rows if _is_shown(row)])


def _timed(row: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no dates."""
    return row | {name: _at(row[name]) for name in ("confirmed_at", "failed_at")}


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _is_shown(row: Mapping[str, Any]) -> bool:
    return row["state"] != LegState.PLANNED or _is_approved(row)


def _is_approved(row: Mapping[str, Any]) -> bool:
    return row["plan__voided_at"] is None and row["case__status"] in _APPROVED


def _leg(row: Mapping[str, Any]) -> LegRow:
    return LegRow(
        case_id=row["case_id"],
        plan_approved=_is_approved(row),
        outcome=Outcome(row["plan__outcome"]),
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
        confirmed_at=row["confirmed_at"],
        failed_at=row["failed_at"],
    )


def _latest(legs: Sequence[LegRow]) -> list[LegRow]:
    """Without failed movements that a later plan has taken up again."""
    return [leg for at, leg in enumerate(legs) if not _is_replaced(leg, legs[at + 1 :])]


def _is_replaced(leg: LegRow, later: Iterable[LegRow]) -> bool:
    over = leg.state in (LegState.FAILED, LegState.CANCELED)
    return over and any(
        (other.case_id, other.kind, other.charge_id) == (leg.case_id, leg.kind, leg.charge_id)
        for other in later
    )


def _listed(rows: str) -> str:
    return f"(SELECT coalesce(json_agg(x), '[]') FROM ({rows}) x)"  # noqa: S608


# The history's moves, the documents, files and messages in one statement: a page has few to spend.
_STATE = {
    "legs": _listed(_LEGS),
    "moves": _listed(
        "SELECT action, at FROM timeline WHERE case_id = ANY($1::bigint[]) AND to_status <> '' "
        "ORDER BY at"
    ),
    "documents": _listed(
        "SELECT kind, created_at, facts, state = 'made' AND store_key <> '' AS made FROM document "
        "WHERE case_id = ANY($1::bigint[]) AND superseded_at IS NULL ORDER BY created_at"
    ),
}
_ALL = _STATE | {
    "files": _listed(
        f"SELECT {', '.join(_FILE)} FROM attachment WHERE case_id = ANY($1::bigint[]) "  # noqa: S608
        "AND audience = 'customer' AND removed_at IS NULL ORDER BY at"
    ),
    "messages": _listed(
        "SELECT id, author_kind, author_name, body, at FROM message "  # noqa: S608
        "WHERE case_id = ANY($1::bigint[]) AND audience = 'customer' "
        f"ORDER BY id DESC LIMIT {MOST_MESSAGES}"
    ),
}


def _packed(parts: Mapping[str, str]) -> str:
    listed = ", ".join(f"'{name}', {sql}" for name, sql in parts.items())
    return f"SELECT json_build_object({listed}) AS packed"


_STATE_OF_CASE, _ALL_OF_CASE = _packed(_STATE), _packed(_ALL)


@dataclass(frozen=True)
class _Record:
    """When each move last happened, and the documents that stand."""

    moved: Mapping[Action, datetime]
    documents: tuple[DocumentRow, ...]


def _record(packed: Mapping[str, Any]) -> _Record:
    moves = [row for row in packed["moves"] if row["action"] in set(Action)]
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
