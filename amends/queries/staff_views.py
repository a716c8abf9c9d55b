"""The desk's views: what is in each, counted up to a bound, paged by key, never by offset."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from tortoise import connections

from amends import clock
from amends.flow import shelf
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


_EVERY = tuple(View)
_NOT_SECRET = tuple(view for view in View if view is not View.SECURITY)
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
 WHERE newest.verdict IN ('match','overridden')) = 3
"""
# One line as a JSON list in the order of Row, so that fifty of them travel as one value.
LINE = f"""
json_build_array(c.id, c.ref, a.organisation, c.contact_name, c.kind, c.reason, c.status,
  coalesce(c.claimed_amount_minor, o.total_minor), c.currency, c.due_at, c.owner_id, p.name,
  c.version, {_VERIFIED}, (SELECT m.labels FROM case_mark m WHERE m.case_id = c.id)) AS line
"""  # noqa: S608 - made of the constants above
FROM = """
FROM case_ c JOIN account a ON a.id = c.account_id
LEFT JOIN order_ o ON o.id = c.order_id LEFT JOIN person p ON p.id = c.owner_id
"""
LABELS = f"(SELECT coalesce(json_agg(x.label), '[]') FROM ({shelf.IN_USE}) x)"  # noqa: S608
_MATCHES = """
(c.ref ILIKE $3 OR a.organisation ILIKE $3 OR c.contact_name ILIKE $3
 OR c.contact_email ILIKE $3 OR c.claimed_order ILIKE $3 OR c.claimed_last4 = $4)
"""

_LABELLED = """
EXISTS (SELECT 1 FROM case_mark m WHERE m.case_id = c.id AND m.labels @> to_jsonb($6::text))
"""


class Row(NamedTuple):
    """One line of a view. Fifty stand on a page, and a dataclass is made ten times slower."""

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
    # What stands beside the lines, where it was asked for.
    labels: tuple[str, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)


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
    return _EVERY if by.roles & policy.INVESTIGATORS else _NOT_SECRET


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
    return _numbers(allowed(by))


@cache
def _numbers(views: tuple[View, ...]) -> str:
    counted = {
        str(
            view
        ): f"(SELECT count(*) FROM (SELECT 1 FROM case_ c WHERE {_where(view)} LIMIT {BOUND}) s)"  # noqa: S608
        for view in views
    }
    counted["exceptions"] = _EXCEPTIONS
    counted["waiting"] = _WAITING
    listed = ", ".join(f"'{name}', {sql}" for name, sql in counted.items())
    return f"json_build_object({listed})"


async def page(by: Staff, view: View, wanted: Filter, after: str = "") -> Page:
    """The view's lines, the most urgent first."""
    return await _page(by, view, wanted, after, "'[]'", "'{}'")


async def page_and_beside(by: Staff, view: View, wanted: Filter, after: str = "") -> Page:
    """The same with the labels to pick from and every view's number, in one statement."""
    return await _page(by, view, wanted, after, LABELS, numbers(by))


async def _page(
    by: Staff, view: View, wanted: Filter, after: str, labels: str, beside: str
) -> Page:
    key = _decoded(after) if after else None
    text = wanted.text.strip()
    statement = _statement(
        view, bool(text), bool(wanted.reason), bool(wanted.label), _after(key), labels, beside
    )
    values = [by.person_id, clock.now(), f"%{_escaped(text)}%", text, wanted.reason or ""]
    found = await _read(statement, [*values, wanted.label, *_place(key)])
    rows = lines(found[0]["lines"])
    return Page(
        rows[:PAGE],
        _encoded(rows[PAGE - 1]) if len(rows) > PAGE else "",
        tuple(json.loads(found[0]["labels"])),
        json.loads(found[0]["numbers"]),
    )


@cache
def _statement(
    view: View, text: bool, reason: bool, label: bool, after: str, labels: str, beside: str
) -> str:
    """Its words are kept: they depend on what is asked for, never on what was typed."""
    where = [
        _where(view), "$1::bigint IS NOT NULL AND $2::timestamptz IS NOT NULL",
        _MATCHES if text else "$3::text IS NOT NULL AND $4::text <> '-'",
        "c.reason = $5" if reason else "$5::text = ''",
        _LABELLED if label else "$6::text = ''",
        after,
    ]  # fmt: skip
    listed = (
        f"SELECT {LINE} {FROM} WHERE {' AND '.join(where)} ORDER BY c.due_at, c.id LIMIT {PAGE + 1}"
    )
    return f"SELECT {packed(listed)} AS lines, {labels} AS labels, {beside} AS numbers"


def packed(listed: str) -> str:
    """SQL for lines as one JSON list, in the order in which `listed` gives them."""
    return f"(SELECT coalesce(json_agg(x.line), '[]') FROM ({listed}) x)"  # noqa: S608


def _where(view: View) -> str:
    return f"{_OPEN} AND {_WHERE[view]}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_Key = tuple[datetime | None, int]


def _after(key: _Key | None) -> str:
    if key is None:
        return "TRUE"
    if key[0] is None:
        return "c.due_at IS NULL AND c.id > $7"
    return "((c.due_at, c.id) > ($8, $7) OR c.due_at IS NULL)"


def _place(key: _Key | None) -> list[Any]:
    """The values of `_after`."""
    if key is None:
        return []
    due, last_id = key
    return [last_id] if due is None else [last_id, due]


def lines(found: str) -> tuple[Row, ...]:
    """The lines that `packed` packed."""
    return tuple(_row(each) for each in json.loads(found))


_KINDS: Mapping[str, Kind] = {kind.value: kind for kind in Kind}
_REASONS: Mapping[str, Reason] = {reason.value: reason for reason in Reason}
_STATES: Mapping[str, Status] = {status.value: status for status in Status}


def _row(line: list[Any]) -> Row:
    """JSON knows no dates, and an unknown state is an error here as anywhere."""
    line[4] = _KINDS[line[4]]
    line[5] = _REASONS[line[5]] if line[5] else None
    line[6] = _STATES[line[6]]
    if line[9] is not None:
        line[9] = datetime.fromisoformat(line[9])
    line[14] = tuple(line[14] or ())
    return Row._make(line)


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
