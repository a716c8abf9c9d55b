"""Acts that belong to one reason of a dispute: hand over, give a view, record a date."""

from datetime import date
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import after_cancellation, module_view, triage
from backoffice import answers, frame
from web import forms, guards


class _View(frame.Versioned):
    view: str = Field("", max_length=8000)


class _Effective(frame.Versioned):
    effective_on: date = Field(title="the day it took effect")
    period_start: date = Field(title="the first day of the period")
    period_end: date = Field(title="the day the period ends")
    reason: str = ""


async def hand_over(request: Request[Any]) -> Response:
    """To the account manager who has the least to do."""
    by, ref = guards.staff(request), str(request.path_params["ref"])
    form = await answers.small(request, frame.Versioned)

    async def act() -> None:
        await module_view.hand_over(await triage.expect(ref, form.version), by)

    return await answers.then(request, ref, act(), f"/cases/{ref}#recipe")


async def view(request: Request[Any]) -> Response:
    """What the account manager found; the case goes back to who handed it over."""
    by, ref = guards.staff(request), str(request.path_params["ref"])
    form = await answers.small(request, _View)

    async def act() -> None:
        await module_view.give(await triage.expect(ref, form.version), by, form.view)

    return await answers.then(request, ref, act(), f"/cases/{ref}#recipe", {"view": form.view})


async def effective(request: Request[Any]) -> Response:
    """When a cancellation took effect, recorded by staff with a reason."""
    by, ref = guards.staff(request), str(request.path_params["ref"])
    form: forms.Form[_Effective] = await forms.bind(request, _Effective)
    typed = {"reason": form.raw.get("reason", "")}
    if not form.ok:
        return await answers.refused(request, ref, facts.InvalidInput(form.errors), typed)
    said = form.data

    async def act() -> None:
        case = await triage.expect(ref, said.version)
        await after_cancellation.record(
            case, by, said.effective_on, said.period_start, said.period_end, said.reason
        )

    return await answers.then(request, ref, act(), f"/cases/{ref}#recipe", typed)
