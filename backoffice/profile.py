"""The viewer's own settings: single-key shortcuts, and where they are signed in."""

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import people
from backoffice import frame
from web import forms, guards, pages, sessions


class _Settings(forms.FormModel):
    shortcuts: Literal["on", "off"] = "on"


async def show(request: Request[Any]) -> Response:
    signed_in = await sessions.mine(request)
    by = guards.staff(request)
    return await frame.page(request, "backoffice/profile.html", by=by, sessions=signed_in)


async def save(request: Request[Any]) -> Response:
    by = guards.staff(request)
    form = await forms.bind(request, _Settings)
    if form.ok:
        await people.keep_shortcuts(by.person_id, on=form.data.shortcuts == "on")
    return pages.see_other(request, "/profile")


async def end_others(request: Request[Any]) -> Response:
    """Sign out everywhere else."""
    await forms.bind(request, frame.Nothing)
    await sessions.end_others(request)
    return pages.see_other(request, "/profile")
