"""Papers that a customer was asked for: accepted, or refused with what is missing."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends.flow import triage, verification
from backoffice import answers, frame
from web import guards


class _Accept(frame.Versioned):
    seen: str = ""


class _Refuse(frame.Versioned):
    told: str = ""


async def accept(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await answers.small(request, _Accept)
    ref = str(request.path_params["ref"])

    async def act() -> None:
        await verification.accept(await triage.expect(ref, form.version), by, form.seen)

    return await answers.then(request, ref, act(), f"/cases/{ref}", {"seen": form.seen})


async def refuse(request: Request[Any]) -> Response:
    by, form = guards.staff(request), await answers.small(request, _Refuse)
    ref = str(request.path_params["ref"])

    async def act() -> None:
        await verification.refuse(await triage.expect(ref, form.version), by, form.told)

    return await answers.then(request, ref, act(), f"/cases/{ref}", {"told": form.told})
