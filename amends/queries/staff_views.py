"""The desk's views: what is in each, counted up to a bound, paged by key, never by offset."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from tortoise import connections

from amends import clock
from amends.rules import policy
from amends.rules.people import Staff
from amends.rules.workflow import Kind, Reason, Status

PAGE = 50
BOUND = 100  # a number in the margin says 99+ from here on


class View(StrEnum):
    """Each is an address. Named after where the money is, and who has to act."""

    MY = "my"
    UNASSIGNED = "unassigned"
    MANAGER = "manager"
    FLIGHT = "flight"
    CHARGE = "charge"
    AUDIT = "audit"
    DISPUTES = "disputes"
    OVERDUE = "overdue"
    SNOOZED = "snoozed"
    ALL = "all"
    SECURITY = "security"


# The words of the partial indexes, so that PostgreSQL proves that they apply.
_OPEN = "c.status NOT IN ('draft','resolved','declined','withdrawn')"
# Set aside until a day, and nothing has happened since: see amends.flow.shelf.
_ASLEEP = (
    "EXISTS (SELECT 1 FROM case_mark m WHERE m.case_id = c.id AND m.snoozed_until > $2"
    " AND m.snoozed_at = c.version)"
)
# $1 is the viewer, $2 the present.
_WHERE: Mapping[View, str] = MappingProxyType(
    {
        View.MY: f"c.owner_id = $1 AND NOT {_ASLEEP}",
        View.UNASSIGNED: "c.owner_id IS NULL AND c.status IN ('submitted','reopened','triage')"
        f" AND NOT {_ASLEEP}",
        View.MANAGER: "c.status IN ('proposed','refund_failed_late')",
        View.FLIGHT: "c.status IN ('approved','refunding','partly_refunded')",
        View.CHARGE: "c.status IN ('refunded','recharging','needs_authentication',"
        "'needs_new_card','recharged')",
        View.AUDIT: "c.status = 'auditing'",
        View.DISPUTES: "c.status = 'locked_chargeback'",
        View.OVERDUE: "c.due_at < $2",
        View.SNOOZED: _ASLEEP,
        View.ALL: "TRUE",
        View.SECURITY: "(c.status = 'locked_fraud' OR c.reason = 'not_recognised')",
    }
)
_EXCEPTIONS = f"""
(SELECT count(*) FROM
  (SELECT 1 FROM exception_item WHERE resolved_at IS NULL LIMIT {BOUND}) s)
"""  # noqa: S608 - a number
_WAITING = f"""
(SELECT count(*) FROM
  (SELECT 1 FROM case_ c WHERE c.status = 'proposed' AND {_OPEN} LIMIT {BOUND}) s)
"""  # noqa: S608 - a number
_VERIFIED = """
(SELECT count(*) FROM (
   SELECT DISTINCT ON (i.fact) i.verdict FROM identity_check i
   WHERE i.case_id = c.id AND i.fact IN ('billing_email','organisation','tenant_id')
   ORDER BY i.fact, i.id DESC) newest
 WHERE newest.verdict IN ('match','overridden')) = 3 AS verified
"""
COLUMNS = f"""
SELECT c.id, c.ref, a.organisation, c.contact_name AS person, c.kind, c.reason, c.status,
       coalesce(c.claimed_amount_minor, o.total_minor) AS amount_minor, c.currency, c.due_at,
       c.owner_id, p.name AS owner, c.version, {_VERIFIED},
       (SELECT m.labels FROM case_mark m WHERE m.case_id = c.id) AS labels
FROM case_ c JOIN account a ON a.id = c.account_id
LEFT JOIN order_ o ON o.id = c.order_id LEFT JOIN person p ON p.id = c.owner_id
"""  # noqa: S608 - made of the constants above
_MATCHES = """
(c.ref ILIKE $3 OR a.organisation ILIKE $3 OR c.contact_name ILIKE $3
 OR c.contact_email ILIKE $3 OR c.claimed_order ILIKE $3 OR c.claimed_last4 = $4)
"""

_LABELLED = """
EXISTS (SELECT 1 FROM case_mark m WHERE m.case_id = c.id AND m.labels @> to_jsonb($6::text))
"""


@dataclass(frozen=True)
class Row:
    """One line of a view."""

    id: int
    ref: str
    organisation: str
    person: str
    kind: Kind
    reason: Reason | None
    status: Status
    amount_minor: int | None
    currency: str
    due_at: datetime | None
    owner_id: int | None
    owner: str | None
    version: int
    verified: bool
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """Up to fifty lines; `after` leads to the next ones."""

    rows: tuple[Row, ...]
    after: str = ""


@dataclass(frozen=True)
class Filter:
    """What is typed into the filter, and a reason and a label picked."""

    text: str = ""
    reason: Reason | None = None
    label: str = ""


@dataclass(frozen=True)
class Neighbours:
    """Where a case stands in a view, for moving on without going back."""

    position: int
    total: int
    before: str | None
    after: str | None


def allowed(by: Staff) -> tuple[View, ...]:
    """Who may not know of Security's view does not see it."""
    secret = bool(by.roles & policy.INVESTIGATORS)
    return tuple(view for view in View if secret or view is not View.SECURITY)


async def counts(by: Staff) -> dict[str, int]:
    """Every view's number in one statement, each counted to one hundred at most."""
    # Both parameters are always given; a statement must use what it is given.
    rows = await _read(
        f"SELECT {numbers(by)} AS numbers, $1::bigint AS me, $2::timestamptz AS at",
        [by.person_id, clock.now()],
    )
    return dict(json.loads(rows[0]["numbers"]))


def numbers(by: Staff) -> str:
    """The same as SQL over the viewer $1 and the present $2, for a statement that asks more."""
    counted = {
        str(
            view
        ): f"(SELECT count(*) FROM (SELECT 1 FROM case_ c WHERE {_where(view)} LIMIT {BOUND}) s)"  # noqa: S608
        for view in allowed(by)
    }
    counted["exceptions"] = _EXCEPTIONS
    counted["waiting"] = _WAITING
    listed = ", ".join(f"'{name}', {sql}" for name, sql in counted.items())
    return f"json_build_object({listed})"


async def page(by: Staff, view: View, wanted: Filter, after: str = "") -> Page:
    """The view's lines, the most urgent first."""
    where, values = [_where(view)], [by.person_id, clock.now()]
    where.append("$1::bigint IS NOT NULL AND $2::timestamptz IS NOT NULL")
    values += [f"%{_escaped(wanted.text)}%", wanted.text.strip()]
    where.append(_MATCHES if wanted.text.strip() else "$3::text IS NOT NULL AND $4::text <> '-'")
    values.append(wanted.reason or "")
    where.append("c.reason = $5" if wanted.reason else "$5::text = ''")
    values.append(wanted.label)
    where.append(_LABELLED if wanted.label else "$6::text = ''")
    if after:
        where.append(_after(_decoded(after), values))
    statement = f"{COLUMNS} WHERE {' AND '.join(where)} ORDER BY c.due_at, c.id LIMIT {PAGE + 1}"
    rows = tuple(row(found) for found in await _read(statement, values))
    more = _encoded(rows[PAGE - 1]) if len(rows) > PAGE else ""
    return Page(rows[:PAGE], more)


def _where(view: View) -> str:
    return f"{_OPEN} AND {_WHERE[view]}"


def _escaped(text: str) -> str:
    return text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _after(key: tuple[datetime | None, int], values: list[Any]) -> str:
    due, last_id = key
    values.append(last_id)
    number = len(values)
    if due is None:
        return f"c.due_at IS NULL AND c.id > ${number}"
    values.append(due)
    return f"((c.due_at, c.id) > (${number + 1}, ${number}) OR c.due_at IS NULL)"


def row(values: dict[str, Any]) -> Row:
    reason = Reason(values["reason"]) if values["reason"] else None
    return Row(
        **values
        | {"kind": Kind(values["kind"]), "reason": reason, "status": Status(values["status"])}
        | {"labels": tuple(json.loads(values["labels"] or "[]"))}
    )


def _encoded(row: Row) -> str:
    due = row.due_at.isoformat() if row.due_at else None
    return urlsafe_b64encode(json.dumps([due, row.id]).encode()).decode()


def _decoded(text: str) -> tuple[datetime | None, int]:
    """The key; nonsense reads as the start of the view."""
    try:
        due, last_id = json.loads(urlsafe_b64decode(text.encode()))
        return datetime.fromisoformat(due) if due else None, int(last_id)
    except (ValueError, TypeError):
        return datetime.fromisoformat("1970-01-01T00:00:00+00:00"), 0


def neighbours(view: View) -> str:
    """SQL for where case $3 is in the view; no row when it left it meanwhile."""
    order = "c.due_at, c.id"
    return f"""
    WITH listed AS (
      SELECT c.ref, row_number() OVER (ORDER BY {order}) AS position,
             lag(c.ref) OVER (ORDER BY {order}) AS before,
             lead(c.ref) OVER (ORDER BY {order}) AS after
      FROM (SELECT * FROM case_ c WHERE {_where(view)} AND $1::bigint IS NOT NULL
            AND $2::timestamptz IS NOT NULL ORDER BY {order} LIMIT {BOUND}) c)
    SELECT position, (SELECT count(*) FROM listed) AS total, before, after
    FROM listed WHERE ref = $3
    """  # noqa: S608 - made of the constants above


async def _read(statement: str, values: list[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement, values
    )
    return rows
