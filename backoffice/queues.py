"""The views of the desk: what waits, what is due, and taking the next case."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from amends import clock, facts
from amends.flow import triage
from amends.queries import staff, staff_views
from amends.queries.staff_views import Filter, Row, View
from amends.rules.workflow import Reason
from backoffice import frame, lines
from web import forms, guards, pages

_SOON = timedelta(hours=24)


class _Query(forms.FormModel):
    view: View = View.MY
    q: str = ""
    reason: Reason | None = None
    label: str = ""
    after: str = ""


class _Picked(forms.FormModel):
    ids: tuple[str, ...] = ()
    view: View = View.MY


async def start(request: Request[Any]) -> Response:
    return pages.see_other(request, "/queue")


async def show(request: Request[Any]) -> Response:
    """One view, filtered; the table alone when the filter box asks."""
    by = guards.staff(request)
    asked = forms.query(request, _Query)
    wanted = asked.data if asked.ok else _Query()
    if wanted.view not in staff_views.allowed(by):
        raise facts.NotFound("There is no such view.")
    partial = pages.is_partial(request)
    read = staff_views.page if partial else staff_views.page_and_beside
    found = await read(by, wanted.view, _filter(wanted), wanted.after)
    context: dict[str, Any] = {
        "view": wanted.view,
        "title": frame.NAMES[wanted.view],
        "q": wanted.q,
        "reason": wanted.reason or "",
        "label": wanted.label,
        "labels": found.labels,
        "numbers": found.numbers,
        "rows": lines.of_cases(request, found.rows, wanted.view),
        **_due(found.rows),
        "paged": bool(wanted.after),
        "more": _more(wanted, found.after) if found.after else "",
    }
    if partial:
        return frame.part(request, "backoffice/queue/_rows.html", **context)
    return await frame.page(request, "backoffice/queue/show.html", **context)


def _filter(wanted: _Query) -> Filter:
    return Filter(wanted.q, wanted.reason, wanted.label)


def _due(rows: Sequence[Row]) -> dict[str, int]:
    """How many of the lines are late, and how many are due within a day."""
    at = clock.now()
    dates = [row.due_at for row in rows if row.due_at is not None]
    return {
        "late": sum(due < at for due in dates),
        "today": sum(at <= due < at + _SOON for due in dates),
    }


def _more(wanted: _Query, after: str) -> str:
    query = {"view": wanted.view, "q": wanted.q, "reason": wanted.reason or "",
             "label": wanted.label, "after": after}  # fmt: skip
    return f"/queue?{urlencode({name: text for name, text in query.items() if text})}"


async def take(request: Request[Any]) -> Response:
    """The next case, for this person alone."""
    by = guards.staff(request)
    case = await triage.claim_next(by)
    if case is None:
        return await frame.page(request, "backoffice/queue/nothing_left.html")
    return pages.see_other(request, f"/cases/{case.ref}?view={View.MY}")


async def mine(request: Request[Any]) -> Response:
    """Take the cases that were ticked; those of others are named, the rest is taken."""
    by = guards.staff(request)
    form = await forms.bind(request, _Picked)
    picked = form.data.ids if form.ok else ()
    refused: list[str] = []
    for ref in picked[: staff_views.PAGE]:
        try:
            await triage.claim(await staff.case_for(by, ref), by)
        except facts.Fact as fact:
            refused.append(f"{ref}: {fact}")
    if refused or not picked:
        return await frame.page(request, "backoffice/queue/not_taken.html", 409, refused=refused)
    return pages.see_other(request, f"/queue?view={View.MY}")
