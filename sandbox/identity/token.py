"""The token endpoint and the user's details: what the application's server asks for itself."""

import base64
import binascii
import hashlib
import hmac
from urllib.parse import unquote_plus

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.identity import tokens
from sandbox.identity.faults import BadCase
from sandbox.identity.provider import TOKEN_LIFETIME, Grant, Provider
from sandbox.identity.request import Problem

NO_STORE = {"cache-control": "no-store"}


async def token(request: Request) -> Response:
    provider: Provider = request.app.state.provider
    form = await request.form()
    if not _is_client(provider, request, form):
        return _error(Problem("invalid_client", "The client's name or secret is wrong."), 401)
    try:
        code, grant = _redeem(provider, form)
    except Problem as problem:
        return _error(problem, 400)
    match grant.bad_case:
        case BadCase.TOKEN_ENDPOINT_500:
            return PlainTextResponse("Something broke.", 500)
        case BadCase.TOKEN_NOT_JSON:
            return PlainTextResponse("<h1>Please sign in to the Wi-Fi</h1>")
        case _:
            return JSONResponse(_tokens(provider, code, grant), headers=NO_STORE)


async def userinfo(request: Request) -> Response:
    provider: Provider = request.app.state.provider
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    person = provider.person_of(value) if scheme.lower() == "bearer" else None
    if person is None:
        challenge = {"www-authenticate": 'Bearer error="invalid_token"'}
        return JSONResponse({"error": "invalid_token"}, 401, headers=challenge)
    return JSONResponse(tokens.profile(person), headers=NO_STORE)


def _is_client(provider: Provider, request: Request, form: FormData) -> bool:
    name, secret = _basic(request) or (_text(form, "client_id"), _text(form, "client_secret"))
    same_name = hmac.compare_digest(name.encode(), provider.client_id.encode())
    return same_name & hmac.compare_digest(secret.encode(), provider.client_secret.encode())


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return unquote_plus(name), unquote_plus(secret)


def _redeem(provider: Provider, form: FormData) -> tuple[str, Grant]:
    if _text(form, "grant_type") != "authorization_code":
        raise Problem("unsupported_grant_type", "Only authorization_code is offered.")
    code = _text(form, "code")
    grant = provider.redeem_code(code)
    if grant is None:
        raise Problem("invalid_grant", "The code is unknown, used or older than a minute.")
    if grant.redirect_uri != _text(form, "redirect_uri"):
        raise Problem("invalid_grant", "The redirect_uri is not the one of the sign-in.")
    if not hmac.compare_digest(_s256(_text(form, "code_verifier")), grant.challenge):
        raise Problem("invalid_grant", "The code_verifier does not fit the code_challenge.")
    return code, grant


def _tokens(provider: Provider, code: str, grant: Grant) -> dict[str, object]:
    access = provider.issue_access_token(code, grant)
    answer: dict[str, object] = {
        "access_token": access,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_LIFETIME.total_seconds()),
        "scope": "openid email profile groups",
    }
    if grant.bad_case is not BadCase.MISSING_ID_TOKEN:
        answer["id_token"] = tokens.id_token(provider, grant, access)
    return answer


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _error(problem: Problem, status: int) -> Response:
    headers = NO_STORE | ({"www-authenticate": "Basic"} if status == 401 else {})
    answer = {"error": problem.code, "error_description": problem.description}
    return JSONResponse(answer, status, headers=headers)
