"""Lines of lists as ready words: a template that asks for each of them costs three times it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from markupsafe import Markup
from starlette.requests import Request

from amends import clock
from amends.queries.staff_views import Row
from amends.queries.staff_waiting import WaitingRow
from amends.rules.money import format_money
from amends.rules.workflow import Status
from backoffice import times, words
from web import formats, guards, pages

_NO_AMOUNT = "–"
_NO_DATE = "No date"


class Line(NamedTuple):
    """What the template puts into a row, in its order. Words are plain and get escaped there."""

    ref: str
    address: str
    organisation: str
    person: str
    state: Markup
    labels: Iterable[Markup]
    due: str
    due_tag: Markup | str
    kind: str
    reason: str
    amount: str
    owner: str


def of_cases(request: Request[Any], rows: Iterable[Row], view: str) -> list[Line]:
    """The lines of a view or of a search."""
    tag, now, me = pages.tag(request), clock.now(), guards.staff(request).person_id
    return [_line(row, tag, now, me, f"?view={view}") for row in rows]


def _line(row: Row, tag: Callable[..., Markup], now: datetime, me: int, query: str) -> Line:
    due = times.due(row.due_at, now) if row.due_at else _NO_DATE
    matched = row.verified and row.status is Status.TRIAGE
    amount = formats.money(row.amount_minor, row.currency) if row.amount_minor else _NO_AMOUNT
    return Line(
        row.ref,
        f"/cases/{row.ref}{query}",
        row.organisation,
        row.person,
        tag(words.MATCHED if matched else words.STATUS[row.status]),
        [tag(label, "", "tag") for label in row.labels],
        due,
        _due_tag(row.due_at, due, now, tag),
        words.KINDS[row.kind],
        words.reason(row.reason),
        amount,
        "You" if row.owner_id == me else row.owner or "Nobody yet",
    )


def _due_tag(
    at: datetime | None, due: str, now: datetime, tag: Callable[..., Markup]
) -> Markup | str:
    """The words alone, or in red once they are late."""
    return tag(due, "bad", "triangle-alert") if at and at < now else due


class PlanLine(NamedTuple):
    """The same of a plan that waits; `why` it is for the viewer, or why not."""

    ref: str
    address: str
    organisation: str
    would_do: str
    amount: str
    why: str
    prepared_by: str
    preparer: str
    ago: str
    due_tag: Markup | str


def of_plans(request: Request[Any], now: datetime) -> Callable[[WaitingRow, str], PlanLine]:
    """What makes the lines of the approvals list."""
    tag, me = pages.tag(request), guards.staff(request).person_id

    def line(row: WaitingRow, why: str) -> PlanLine:
        due = times.due(row.due_at, now) if row.due_at else ""
        return PlanLine(
            row.ref,
            f"/approvals/{row.ref}",
            row.organisation,
            words.would_do(row.draft),
            format_money(row.moved),
            why,
            row.prepared_by,
            "You" if row.prepared_by_id == me else row.prepared_by,
            times.ago(row.created_at, now),
            _due_tag(row.due_at, due, now, tag),
        )

    return line
