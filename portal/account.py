"""The account: who is signed in where, and the way out of it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import access, facts
from amends import sign_in as codes
from web import forms, guards, pages, sessions


class _Nothing(forms.FormModel):
    pass


class _Which(forms.FormModel):
    id: int


async def show(request: Request[Any]) -> Response:
    """Own sessions, and other organisations with the same registered address."""
    viewer = guards.customer(request)
    open_sessions = [
        {"row": row, "browser": codes.browser_words(row.user_agent),
         "this": row.id == viewer.session_id}
        for row in await sessions.mine(request)
    ]  # fmt: skip
    return pages.page(
        request,
        "portal/account.html",
        sessions=open_sessions,
        others=await codes.other_accounts(viewer.email, viewer.account_id),
        ended="ended" in request.query_params,
    )


async def end(request: Request[Any]) -> Response:
    """Sign out one of the own sessions."""
    viewer = guards.customer(request)
    form = await forms.bind(request, _Which)
    if form.ok:
        await access.end_mine(viewer, form.data.id)
    return _shown_again(request)


async def end_everywhere(request: Request[Any]) -> Response:
    """Sign out of every browser, this one too."""
    await forms.bind(request, _Nothing)
    await sessions.end_others(request)
    await sessions.end(request)
    return pages.see_other(request, pages.url(request, "home.show"))


async def switch(request: Request[Any]) -> Response:
    """Go on as another organisation whose registered address is this one."""
    viewer = guards.customer(request)
    form = await forms.bind(request, _Which)
    others = dict(await codes.other_accounts(viewer.email, viewer.account_id))
    if not form.ok or form.data.id not in others:
        raise facts.NotFound("There is no such account.")
    await sessions.start(request, email=viewer.email, account_id=form.data.id)
    return pages.see_other(request, pages.url(request, "my_cases.index"))


def _shown_again(request: Request[Any]) -> Response:
    return pages.see_other(request, pages.url(request, "account.show", ended=1))
