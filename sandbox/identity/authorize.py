"""The sign-in page and the answer that goes back to the application."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox import pages
from sandbox.identity.faults import BadCase
from sandbox.identity.provider import Grant, Provider
from sandbox.identity.request import (
    Problem,
    ReturnAddress,
    SignIn,
    Unsafe,
    read,
    return_address,
)
from sandbox.identity.sessions import Session

COOKIE = "amends-idp"


async def show(request: Request) -> Response:
    """GET: the answer at once when the browser is signed in and that is enough, else the page."""
    provider: Provider = request.app.state.provider
    try:
        back = return_address(provider, request.query_params)
    except Unsafe as unsafe:
        return refuse(request, str(unsafe))
    try:
        asked = read(request.query_params, back)
        session = provider.sessions.find(request.cookies.get(COOKIE), provider.now())
        if session and _is_enough(provider, session, asked):
            return _with_code(provider, asked, session)
        if "none" in asked.prompts:
            raise Problem("login_required", "Nobody is signed in here, or too long ago.")
    except Problem as problem:
        return _with_problem(provider, back, problem)
    return _sign_in_page(request, provider, asked, session)


async def choose(request: Request) -> Response:
    """POST: somebody was chosen, or the visitor went back."""
    provider: Provider = request.app.state.provider
    try:
        back = return_address(provider, request.query_params)
        asked = read(request.query_params, back)
    except (Unsafe, Problem) as wrong:
        return refuse(request, str(wrong))
    person = provider.people.get(str((await request.form()).get("person", "")))
    if person is None:
        return _with_problem(provider, back, Problem("access_denied", "Nobody was chosen."))
    cookie = request.cookies.get(COOKIE)
    fresh, session = provider.sessions.sign_in(cookie, person.sub, provider.now())
    response = _with_code(provider, asked, session)
    response.set_cookie(COOKIE, fresh, path=provider.cookie_path, httponly=True, samesite="lax")
    return response


def refuse(request: Request, sentence: str) -> Response:
    return pages.page(request, "identity/refused.html", 400, sentence=sentence)


def _is_enough(provider: Provider, session: Session, asked: SignIn) -> bool:
    if session.sub not in provider.people or asked.prompts - {"none"}:
        return False
    hinted = provider.person_of_hint(asked.login_hint)
    if hinted and hinted.sub != session.sub:
        return False
    age_s = int(provider.now().timestamp()) - session.auth_time
    return asked.max_age_s is None or age_s <= asked.max_age_s


def _sign_in_page(
    request: Request, provider: Provider, asked: SignIn, session: Session | None
) -> Response:
    known = provider.people.get(session.sub) if session else None
    expected = provider.person_of_hint(asked.login_hint) or known
    response = pages.page(
        request,
        "identity/sign_in.html",
        people=list(provider.people.values()),
        expected=expected,
        again=bool(known and known == expected),
    )
    # The form's answer leads on to the application, and Chromium applies form-action to that too.
    origins = " ".join(provider.client_origins)
    response.headers["content-security-policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"frame-ancestors 'none'; form-action 'self' {origins}"
    )
    return response


def _with_code(provider: Provider, asked: SignIn, session: Session) -> RedirectResponse:
    case = provider.faults.take()
    grant = Grant(
        session=session,
        redirect_uri=asked.back.redirect_uri,
        challenge=asked.challenge,
        nonce=asked.nonce,
        acr=asked.acr,
        issued_at=provider.now(),
        bad_case=case,
    )
    return _back(provider, asked.back, {"code": provider.issue_code(grant)}, case)


def _with_problem(provider: Provider, back: ReturnAddress, problem: Problem) -> RedirectResponse:
    answer = {"error": problem.code, "error_description": problem.description}
    return _back(provider, back, answer, None)


def _back(
    provider: Provider, back: ReturnAddress, answer: dict[str, str], case: BadCase | None
) -> RedirectResponse:
    state = None if case is BadCase.MISSING_STATE else back.state
    if state is not None:
        answer["state"] = "not-yours" if case is BadCase.WRONG_STATE else state
    wrong = case is BadCase.WRONG_RESPONSE_ISSUER
    answer["iss"] = "https://somebody-else.example" if wrong else provider.issuer
    mark = "&" if "?" in back.redirect_uri else "?"
    return pages.see_other(f"{back.redirect_uri}{mark}{urlencode(answer)}")
