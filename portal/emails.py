"""Emails in the customer's name that nobody vouched for: the customer says whose they are."""

import contextlib
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import correspondence_confirm, writing
from web import forms, guards, pages


class _Whose(forms.FormModel):
    whose: Literal["mine", "not_mine"]


async def decide(request: Request[Any]) -> Response:
    """Mine, or not mine. A second press finds it said already and shows the request."""
    by = guards.customer(request)
    case = await writing.case_of(by, request.path_params["ref"])
    form, email = await forms.bind(request, _Whose), request.path_params["email"]
    if form.ok and email.isdecimal() and len(email) < 19:
        mine = form.data.whose == "mine"
        act = correspondence_confirm.confirm if mine else correspondence_confirm.deny
        with contextlib.suppress(facts.AlreadyDecided):
            await act(case, by, int(email))
    here = pages.url(request, "my_cases.show", ref=case.ref)
    return pages.see_other(request, f"{here}#messages-h")
