"""Signing out: asked by the application, by the visitor, or from outside (back channel)."""

from urllib.parse import urlencode

import httpx2
from starlette.datastructures import FormData, QueryParams
from starlette.requests import Request
from starlette.responses import Response

from sandbox import pages
from sandbox.identity import tokens
from sandbox.identity.authorize import COOKIE, refuse
from sandbox.identity.provider import Provider

_TIMEOUT_S = 5.0


async def end_session(request: Request) -> Response:
    """RP-initiated logout. Without a good hint the visitor has to say so on a page first."""
    provider: Provider = request.app.state.provider
    asked = await request.form() if request.method == "POST" else request.query_params
    claims = tokens.read_hint(provider, _text(asked, "id_token_hint"))
    leave_to = _text(asked, "post_logout_redirect_uri")
    if leave_to and not provider.may_leave_to(leave_to):
        return refuse(request, "This post_logout_redirect_uri is not the application's.")
    if claims is None and _text(asked, "sure") != "yes":
        return pages.page(
            request, "identity/sign_out.html", leave_to=leave_to, state=_text(asked, "state")
        )
    sid = str(claims["sid"]) if claims else _sid_of_browser(request, provider)
    await end(provider, sid)
    return _goodbye(request, provider, leave_to, _text(asked, "state"))


async def end(provider: Provider, sid: str) -> str:
    """End one session and tell the application; answers what became of that."""
    session = provider.sessions.end(sid)
    if session is None:
        return "There was no such session."
    if not provider.backchannel_logout_uri:
        return "Ended. No back-channel address is registered."
    form = {"logout_token": tokens.logout_token(provider, session)}
    try:
        async with httpx2.AsyncClient(transport=provider.transport, timeout=_TIMEOUT_S) as client:
            answer = await client.post(provider.backchannel_logout_uri, data=form)
    except httpx2.HTTPError as error:
        return f"Ended, but the application was not reached ({type(error).__name__})."
    return f"Ended. The application answered {answer.status_code}."


def _sid_of_browser(request: Request, provider: Provider) -> str:
    session = provider.sessions.find(request.cookies.get(COOKIE), provider.now())
    return session.sid if session else ""


def _goodbye(request: Request, provider: Provider, leave_to: str, state: str) -> Response:
    response: Response
    if leave_to:
        mark = "&" if "?" in leave_to else "?"
        response = pages.see_other(leave_to + (mark + urlencode({"state": state}) if state else ""))
    else:
        response = pages.page(request, "identity/signed_out.html")
    response.delete_cookie(COOKIE, path=provider.cookie_path, httponly=True, samesite="lax")
    return response


def _text(asked: QueryParams | FormData, name: str) -> str:
    value = asked.get(name, "")
    return value if isinstance(value, str) else ""
