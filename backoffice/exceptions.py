"""The exceptions desk: what the machine does not decide by itself."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import desk_exceptions, takeover
from amends.queries import staff, stopped
from backoffice import answers, exception_words, frame
from web import forms, guards, pages


class _Note(forms.FormModel):
    note: str = ""


class _TakeOver(forms.FormModel):
    ref: str = ""
    reason: str = ""


async def index(request: Request[Any]) -> Response:
    return await _page(request, 200)


async def _page(
    request: Request[Any], status: int, form: forms.Form[Any] | None = None, item: int = 0
) -> Response:
    after = request.query_params.get("after", "")
    ref = request.query_params.get("case", "")
    rows = await staff.exceptions(int(after) if after.isdecimal() else 0, ref)
    more = rows[staff.PAGE - 1].id if len(rows) > staff.PAGE else 0
    shown = rows[: staff.PAGE]
    return await frame.page(
        request,
        "backoffice/exceptions.html",
        status,
        rows=shown,
        more=more,
        form=form,
        item=item,
        ref=ref,
        stopped=() if ref or after else await stopped.cases(),
        advice=exception_words.advice,
    )


async def looked(request: Request[Any]) -> Response:
    """Somebody looked, and writes down what they found."""
    by, item = guards.staff(request), int(request.path_params["id"])
    form = await forms.bind(request, _Note)
    try:
        await desk_exceptions.looked(item, by, form.raw.get("note", ""))
    except facts.InvalidInput as wrong:
        return await _page(request, 422, form.failed(wrong.errors), item)
    return pages.see_other(request, "/exceptions")


async def retry(request: Request[Any]) -> Response:
    """Wake the case; the worker looks and goes on where that is safe."""
    by = guards.staff(request)
    await forms.bind(request, frame.Nothing)
    await desk_exceptions.retry(int(request.path_params["id"]), by)
    return pages.see_other(request, "/exceptions")


async def take_over(request: Request[Any]) -> Response:
    """Money whose plan was lost joins the case that a manager names. Nothing moves."""
    by, item = guards.staff(request), int(request.path_params["id"])
    form = await forms.bind(request, _TakeOver)
    if not form.ok:
        return await _page(request, 422, form, item)
    try:
        case = await staff.case_for(by, form.data.ref.upper())
        await takeover.take_over(case, by, form.data.reason)
    except facts.InvalidInput as wrong:
        return await _page(request, 422, form.failed(wrong.errors), item)
    except facts.NotFound as fact:
        return await _page(request, 422, form.failed({"ref": str(fact)}), item)
    except (facts.Refused, facts.Unavailable) as fact:
        return await answers.refused(request, form.data.ref, fact, {"reason": form.data.reason})
    return pages.see_other(request, f"/cases/{case.ref}")
