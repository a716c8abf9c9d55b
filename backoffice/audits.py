"""The audits of cancelled orders: the list, and what an auditor does on a case."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from amends.flow import cancellation, triage
from amends.queries import audits
from backoffice import answers, frame
from web import guards


class _Tick(frame.Versioned):
    item: str = ""


class _Extend(frame.Versioned):
    days: str = ""
    reason: str = Field("", max_length=4000)


class _Contact(frame.Versioned):
    csm: int = Field(title="the customer success manager")


async def index(request: Request[Any]) -> Response:
    """Every audit that runs, the overdue ones first."""
    return await frame.page(
        request, "backoffice/audits/index.html", view="audit", rows=await audits.running()
    )


async def tick(request: Request[Any]) -> Response:
    """One point of the checklist is looked at."""
    by, form = guards.staff(request), await answers.small(request, _Tick)
    ref = str(request.path_params["ref"])

    async def act() -> None:
        await cancellation.tick(await triage.expect(ref, form.version), by, form.item)

    return await answers.then(request, ref, act(), f"/cases/{ref}#audit")


async def extend(request: Request[Any]) -> Response:
    """More business days; the customer is told the new date."""
    by, form = guards.staff(request), await answers.small(request, _Extend)
    ref = str(request.path_params["ref"])
    days = int(form.days) if form.days.isdecimal() and len(form.days) < 4 else 0

    async def act() -> None:
        await cancellation.extend(await triage.expect(ref, form.version), by, days, form.reason)

    return await answers.then(request, ref, act(), f"/cases/{ref}#audit", {"reason": form.reason})


async def contact(request: Request[Any]) -> Response:
    """Name the person the customer may turn to."""
    by, form = guards.staff(request), await answers.small(request, _Contact)
    ref = str(request.path_params["ref"])

    async def act() -> None:
        await cancellation.name_contact(await triage.expect(ref, form.version), by, form.csm)

    return await answers.then(request, ref, act(), f"/cases/{ref}#audit")
