"""Labels and setting aside: of one case, and of those ticked in a view."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import shelf
from amends.queries import staff, staff_views
from amends.queries.staff import Case
from amends.queries.staff_views import View
from amends.rules.people import Staff
from backoffice import answers, frame
from web import forms, guards, pages

_DAY = {"until": "Choose the day on which it comes back"}


class _Label(forms.FormModel):
    label: str = ""
    act: Literal["on", "off"] = "on"


class _Until(forms.FormModel):
    until: date | None = None


class _Picked(forms.FormModel):
    ids: tuple[str, ...] = ()
    view: View = View.MY
    label: str = ""
    until: date | None = None


async def label(request: Request[Any]) -> Response:
    """Put a label on, or take one off."""
    by, form = guards.staff(request), await answers.small(request, _Label)
    case = await staff.case_for(by, request.path_params["ref"])
    act = shelf.label if form.act == "on" else shelf.unlabel
    typed = {"label": form.label}
    target = f"/cases/{case.ref}#handling"
    return await answers.then(request, case.ref, act(case, by, form.label), target, typed)


async def snooze(request: Request[Any]) -> Response:
    """Set the case aside until a day; without a day it comes back now."""
    by, form = guards.staff(request), await answers.small(request, _Until)
    case = await staff.case_for(by, request.path_params["ref"])
    act = shelf.snooze(case, by, form.until) if form.until else shelf.wake(case, by)
    return await answers.then(request, case.ref, act, f"/cases/{case.ref}#handling")


async def label_ticked(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await answers.small(request, _Picked)
    return await _each(request, by, form, lambda case: shelf.label(case, by, form.label))


async def snooze_ticked(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await answers.small(request, _Picked)

    async def act(case: Case) -> None:
        if form.until is None:
            raise facts.InvalidInput(_DAY)
        await shelf.snooze(case, by, form.until)

    return await _each(request, by, form, act)


async def _each(
    request: Request[Any], by: Staff, form: _Picked, act: Callable[[Case], Awaitable[object]]
) -> Response:
    """Those that cannot are named, the others are done."""
    refused: list[str] = []
    for ref in form.ids[: staff_views.PAGE]:
        try:
            await act(await staff.case_for(by, ref))
        except facts.Fact as fact:
            refused.append(f"{ref}: {fact}")
    if refused or not form.ids:
        return await frame.page(request, "backoffice/queue/not_done.html", 409, refused=refused)
    return pages.see_other(request, f"/queue?view={form.view}")
