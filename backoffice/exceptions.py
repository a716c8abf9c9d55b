"""The exceptions desk: what the machine does not decide by itself."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import desk_exceptions
from amends.queries import staff
from backoffice import frame
from web import forms, guards, pages


class _Note(forms.FormModel):
    note: str = ""


async def index(request: Request[Any]) -> Response:
    return await _page(request, 200)


async def _page(
    request: Request[Any], status: int, form: forms.Form[_Note] | None = None, item: int = 0
) -> Response:
    after = request.query_params.get("after", "")
    rows = await staff.exceptions(int(after) if after.isdecimal() else 0)
    more = rows[staff.PAGE - 1].id if len(rows) > staff.PAGE else 0
    shown = rows[: staff.PAGE]
    return await frame.page(
        request, "backoffice/exceptions.html", status, rows=shown, more=more, form=form, item=item
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
