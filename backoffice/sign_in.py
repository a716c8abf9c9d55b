"""Signing in through the identity provider, again before a decision, and out on both sides."""

from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from amends import access, people
from web import guards, oidc, pages, paths, sessions
from web.errors import SignInFailed

log = structlog.get_logger(__name__)
_START = "/queue"
_SIGNED_OUT = "/signed-out"


async def begin(request: Request[Any]) -> Response:
    """To the provider; who is signed in already goes on at once."""
    wanted = _next(request)
    if guards.maybe_viewer(request) is not None:
        return pages.see_other(request, wanted)
    return await oidc.begin(request, next=wanted)


async def again(request: Request[Any]) -> Response:
    """Prove who you are once more; decisions about money ask for that."""
    by = guards.staff(request)
    return await oidc.begin(request, next=_next(request), step_up=True, login_hint=by.email)


def _next(request: Request[Any]) -> str:
    wanted = paths.safe_next(request, request.query_params.get("next"))
    return _START if wanted == "/" else wanted


async def done(request: Request[Any]) -> Response:
    """Back from the provider: roles are written down from its groups, a new session begins."""
    said = await oidc.finish(request)
    known = guards.maybe_viewer(request)
    person = await people.sign_in(
        people.Identity(
            said.issuer, said.subject, said.email, said.name, said.groups, said.auth_time
        )
    )
    if said.step_up and (known is None or guards.staff(request).person_id != person.id):
        raise SignInFailed("step-up by somebody else")
    await sessions.start(
        request,
        email=person.email,
        person_id=person.id,
        auth_time=said.auth_time,
        idp_sid=said.sid,
        id_token=said.id_token,
    )
    return pages.see_other(request, said.next if said.next != "/" else _START)


async def sign_out(request: Request[Any]) -> Response:
    """Out here, and at the provider if it has a page for that."""
    token = await sessions.id_token(request)
    await sessions.end(request)
    address = await oidc.sign_out_address(request, token, _SIGNED_OUT)
    if address:
        return pages.leave(request, address)
    return pages.see_other(request, _SIGNED_OUT)


async def signed_out(request: Request[Any]) -> Response:
    return pages.page(request, "backoffice/signed_out.html")


async def provider_logout(request: Request[Any]) -> Response:
    """The provider says that somebody signed out; their sessions here end at once."""
    said = await oidc.provider_logout(request)
    ended = await access.end_at_provider(said.issuer, said.subject, said.sid)
    log.info("signed_out_by_provider", sessions=ended)
    return PlainTextResponse("", status_code=200)
