"""The case page: what was written against what Stripe shows, what happened, what to do."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import clock, facts, read_log
from amends.dossier import Dossier
from amends.flow import (
    attachment,
    cancellation,
    charges,
    comparison,
    desk,
    planning,
    shelf,
    sighting,
    verification,
)
from amends.flow.sighting import Reading
from amends.queries import staff, staff_log, staff_page, staff_views
from amends.queries.staff_page import Beside
from amends.queries.staff_views import View
from amends.rules import policy, workflow
from amends.rules.people import Staff
from backoffice import frame, panel
from web import forms, guards, pages

# Older than this, Stripe is asked again when somebody who works on the case opens it.
_FRESH = timedelta(minutes=5)


async def show(request: Request[Any]) -> Response:
    by = guards.staff(request)
    ref, look = request.path_params["ref"], guards.taken_look(request)
    context = await context_of(request, by, ref, look=look)
    return await frame.page(request, "backoffice/case/show.html", **context)


async def context_of(
    request: Request[Any],
    by: Staff,
    ref: str,
    form: forms.Form[panel.DecisionForm] | None = None,
    notice: str = "",
    look: read_log.Look | None = None,
) -> dict[str, Any]:
    """Everything the page and its parts need. `look` is the note that the case was opened."""
    view = view_of(request, by)
    read, beside = await staff_page.read(by, ref, view, look)
    case, plans = read.case, staff.plans_in(read)
    kept = sighting.unpacked(read.reading)
    reading, away = await _fresh(read, by, kept)
    # Of charges that Stripe shows only now, nothing was asked with the case.
    paid = beside.paid if reading is kept else None
    known = planning.facts_in(read, reading)
    return {
        "case": case,
        "known": known,
        "reading": reading,
        "away": away,
        "rows": comparison.rows(case, known.account, reading),
        "others": charges.newest_first(reading.others) if reading else [],
        "card_name": comparison.card_name,
        "log": beside.log,
        "panel": await panel.build(known, by, plans, paid, form, notice),
        "plans": plans,
        "view": view,
        "place": beside.place,
        "numbers": beside.numbers,
        "exceptions": beside.exceptions,
        "colleagues": beside.colleagues,
        "form": form,
        "sent": "sent" in request.query_params,
        **handling(case, by),
        **_shelf(case, beside),
        **audit_of(case, by, beside),
        "proofs": verification.WORDS,
    }


def _shelf(case: staff.Case, beside: Beside) -> dict[str, Any]:
    """Its labels, those in use, and whether it is set aside."""
    mark = beside.mark
    return {"mark": mark, "sleeps": shelf.sleeps(mark, case), "labels": beside.labels}


def audit_of(case: staff.Case, by: Staff, beside: Beside) -> dict[str, Any]:
    """The audit while it runs; only auditors and managers act on it."""
    runs = case.status is workflow.Status.AUDITING
    return {
        "audit": beside.audit,
        "may_audit": runs and bool(by.roles & cancellation.AUDITORS),
        "contacts": beside.contacts,
    }


def handling(case: staff.Case, by: Staff) -> dict[str, Any]:
    """Who may take the case, hand it over, correct its reason."""
    works = bool(by.roles & desk.WORKERS)
    leads, mine = bool(by.roles & policy.LEADS), case.owner_id == by.person_id
    is_open = case.status in workflow.OPEN
    return {
        "works": works,
        "mine": mine,
        "may_take": works and is_open and not mine and (case.owner_id is None or leads),
        "may_release": works and is_open and case.owner_id is not None and (mine or leads),
        "may_act": panel.may_plan(case.reason, by) and is_open,
        "may_lift": isinstance(policy.may_lift_fraud(by), policy.Allowed),
        "may_override": isinstance(policy.may_override_identity(by), policy.Allowed),
        "may_pick": panel.may_plan(case.reason, by) and case.status in workflow.PLANNABLE,
    }


def view_of(request: Request[Any], by: Staff) -> View:
    """The view that the case was opened from."""
    asked = request.query_params.get("view", "")
    return next((view for view in staff_views.allowed(by) if view == asked), View.MY)


async def seen(read: Dossier, by: Staff) -> tuple[Reading | None, bool]:
    """Stripe's facts: the last copy while it is fresh, else live. True if Stripe is away."""
    return await _fresh(read, by, sighting.unpacked(read.reading))


async def _fresh(read: Dossier, by: Staff, kept: Reading | None) -> tuple[Reading | None, bool]:
    fresh = kept is not None and clock.now() - kept.read_at < _FRESH
    if fresh or not by.roles & desk.WORKERS or read.case.status in workflow.FINAL:
        return kept, False
    try:
        return await sighting.look(read, by), False
    except facts.Unavailable:
        return kept, True


async def read_again(request: Request[Any]) -> Response:
    """Ask Stripe now; the page shows what it says."""
    by = guards.staff(request)
    await forms.bind(request, frame.Nothing)
    case = await staff.case_for(by, request.path_params["ref"])
    try:
        await sighting.read_claim(case, by)
    except facts.Unavailable as fact:
        return await frame.conflict(request, case.ref, fact)
    return pages.see_other(request, f"/cases/{case.ref}?view={view_of(request, by)}#claim")


async def changes(request: Request[Any]) -> Response:
    """The bar that says who changed the case since the page was loaded; polled, else empty."""
    by = guards.staff(request)
    case = await staff.case_for(by, request.path_params["ref"])
    seen_version = request.query_params.get("seen", "")
    newest = (await staff_log.newest(case)) if str(case.version) != seen_version else None
    return frame.part(
        request, "backoffice/case/_changes.html", case=case, seen=seen_version, newest=newest
    )


async def file(request: Request[Any]) -> Response:
    by = guards.staff(request)
    params = request.path_params
    stored: attachment.StoredFile = await staff.file_of(by, params["ref"], params["file"])
    return pages.download(request, stored.data, stored.name, stored.content_type)
