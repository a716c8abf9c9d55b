"""What a customer may see of requests: rows of the own account only, in few statements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tortoise import connections

from amends import facts
from amends.models import (
    Attachment,
    Case,
    Leg,
    Message,
)
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
_CASE = (
    "id", "ref", "kind", "reason", "status", "claimed_order", "order__number", "currency",
    "claimed_amount_minor", "card_payment_method_id", "card_brand", "card_funding", "card_last4",
    "card_expires", "card_saved_at", "outcome_reason", "submitted_at", "closed_at",
    "channel",
)  # fmt: skip
ORDER = (
    "id", "number", "description", "total_minor", "currency", "placed_on", "handed_over_on",
    "delivered_on", "carrier", "subscription_status", "subscription_ends_on", "renewal_months",
    "renewal_rule", "cancelled_on",
)  # fmt: skip
_ORDER_COLUMNS = tuple(f"order__{name}" for name in ORDER if name != "number")
_LEG = (
    "case_id", "kind", "state", "amount_minor", "currency", "charge_id", "card_brand",
    "card_funding", "card_last4", "stripe_id", "pending_reason", "bank_reference",
    "next_action_url", "confirmed_at", "failed_at", "plan__voided_at",
    "plan__outcome", "case__status",
)  # fmt: skip
_FILE = ("id", "name", "size", "content_type", "at", "message_id", "state")


# --- The list -------------------------------------------------------------------------------


async def waiting_cases(by: Customer) -> list[CaseRow]:
    """The requests that wait for the customer, newest first."""
    return await _case_rows(_sent(by).filter(status__in=WAITING).order_by("-id").limit(PAGE))


async def other_cases(by: Customer, before: int | None = None) -> list[CaseRow]:
    """The other requests, newest first; one more than a page says that there are more."""
    query = _sent(by).exclude(status__in=WAITING)
    if before is not None:
        query = query.filter(id__lt=before)
    return await _case_rows(query.order_by("-id").limit(PAGE + 1))


def _sent(by: Customer) -> Any:
    return Case.filter(account_id=by.account_id, submitted_at__not_isnull=True)


async def _case_rows(query: Any) -> list[CaseRow]:
    rows = await query.values(*_CASE)
    legs = await _legs([row["id"] for row in rows])
    return [_case(row, [leg for leg in legs if leg.case_id == row["id"]]) for row in rows]


# --- One case -------------------------------------------------------------------------------


async def case_page(by: Customer, ref: str) -> CasePage:
    """The customer's own case with all that the page shows, in five statements."""
    row = await _own_case(
        by,
        ref,
        "claimed_last4",
        "story",
        "claimed_charge_date",
        "contact_email",
        "order_id",
        *_ORDER_COLUMNS,
    )
    legs = await _legs([row["id"]])
    files = await files_of(row["id"])
    record = await _record(row["id"])
    return CasePage(
        case=_case(row, legs),
        last4=row["claimed_last4"],
        story=row["story"],
        charged_on=row["claimed_charge_date"],
        order=_joined_order(row),
        contact=row["contact_email"],
        moved=record.moved,
        messages=await _messages(by, row["id"], files),
        files=tuple(file for file in files if file.message_id is None),
        documents=record.documents,
    )


async def case_state(by: Customer, ref: str) -> CasePage:
    """Only what the money path needs, for the part that asks for itself again."""
    row = await _own_case(by, ref, "contact_email")
    legs = await _legs([row["id"]])
    record = await _record(row["id"])
    return CasePage(
        _case(row, legs), "", "", None, None, row["contact_email"], record.moved,
        (), (), record.documents,
    )  # fmt: skip


async def _own_case(by: Customer, ref: str, *further: str) -> dict[str, Any]:
    rows = await _sent(by).filter(ref=ref).limit(1).values(*_CASE, *further)
    if not rows:
        raise facts.NotFound("There is no such request.")
    found: dict[str, Any] = rows[0]
    return found


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
    rows = await Leg.filter(case_id__in=case_ids).order_by("plan_id", "position").values(*_LEG)
    return _latest([_leg(row) for row in rows if _is_shown(row)])


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


# The history's moves and the documents in one statement: the page has few to spend.
_RECORD = """
SELECT 'move' AS what, action AS name, at, NULL::jsonb AS facts, false AS made
FROM timeline WHERE case_id = $1 AND to_status <> ''
UNION ALL
SELECT 'document', kind, created_at, facts, state = 'made' AND store_key <> ''
FROM document WHERE case_id = $1 AND superseded_at IS NULL
ORDER BY at
"""


@dataclass(frozen=True)
class _Record:
    """When each move last happened, and the documents that stand."""

    moved: Mapping[Action, datetime]
    documents: tuple[DocumentRow, ...]


async def _record(case_id: int) -> _Record:
    rows = await connections.get("default").execute_query_dict(_RECORD, [case_id])
    moves = [row for row in rows if row["what"] == "move" and row["name"] in set(Action)]
    documents = [row for row in rows if row["what"] == "document"]
    return _Record(
        {Action(row["name"]): row["at"] for row in moves},
        tuple(
            DocumentRow(row["name"], row["made"], json.loads(row["facts"]), row["at"])
            for row in documents
        ),
    )


async def _messages(by: Customer, case_id: int, files: Iterable[FileRow]) -> tuple[MessageRow, ...]:
    rows = (
        await Message.filter(case_id=case_id, audience="customer")
        .order_by("-id")
        .limit(MOST_MESSAGES)
        .values("id", "author_kind", "author_name", "body", "at")
    )
    return tuple(
        MessageRow(
            id=row["id"],
            mine=row["author_kind"] == by.kind,
            author=row["author_name"],
            body=row["body"],
            at=row["at"],
            files=tuple(file for file in files if file.message_id == row["id"]),
        )
        for row in reversed(rows)
    )


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
