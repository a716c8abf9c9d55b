"""Signing in: a mailed code typed into the page that asked for it, or the company's provider."""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import structlog
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends import sign_in as codes
from portal import answers
from web import cookies, forms, guards, limits, pages, paths, sessions
from web.doors import house

log = structlog.get_logger(__name__)
# The browser's half of a code: it works only where it was asked for.
COOKIE = "__Host-amends-code"
_COOKIE_LIVES = timedelta(minutes=30)
_HOUR = 60 * 60
CODES_PER_ADDRESS, CODES_PER_NETWORK, CODES_IN_ALL = 5, 20, 3000
TRIES_PER_NETWORK, TRIES_IN_ALL = 60, 6000
_WRONG = "That code does not work. Check the 8 digits, or send a new code"


class _Address(forms.FormModel):
    email: str = Field(
        pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$",
        json_schema_extra={"error": "Enter an email address, like name@example.com"},
    )
    next: str = "/requests"


class _Wish(forms.FormModel):
    next: str = "/requests"


class _Code(forms.FormModel):
    code: str = ""
    next: str = "/requests"


@dataclass(frozen=True)
class _Asked:
    """What the browser remembers of its wish for a code."""

    token: str
    email: str


async def show(request: Request[Any]) -> Response:
    """Asks for the registered billing address; who is signed in goes straight on."""
    if guards.maybe_viewer(request) is not None:
        return pages.see_other(request, _target(request, request.query_params.get("next")))
    form = forms.blank(next=paths.safe(request.query_params.get("next"), "/requests"))
    return pages.page(request, "portal/sign_in.html", form=form)


async def ask(request: Request[Any]) -> Response:
    """The same answer and the same work for every address: only a wish is written down."""
    form = await forms.bind(request, _Address)
    if not form.ok:
        return answers.again(request, "portal/sign_in.html", form)
    email, network = codes.normal(form.data.email), _network(request)
    await limits.hit(f"code-network:{network}", CODES_PER_NETWORK, _HOUR)
    await limits.hit(f"code-address:{email}", CODES_PER_ADDRESS, _HOUR)
    await limits.hit("code-all:", CODES_IN_ALL, _HOUR)
    token = secrets.token_urlsafe(32)
    await codes.ask(email, token, network)
    query = urlencode({"next": paths.safe(form.data.next, "/requests")})
    response = pages.see_other(request, f"{pages.url(request, 'sign_in.code')}?{query}")
    response.headers.append("set-cookie", _cookie(_Asked(token, email)))
    return response


async def code(request: Request[Any]) -> Response:
    """The page that takes the code; without a wish of this browser there is nothing to take."""
    asked = _read(request)
    if asked is None:
        return pages.see_other(request, pages.url(request, "sign_in.show"))
    form = forms.blank(next=paths.safe(request.query_params.get("next"), "/requests"))
    return pages.page(request, "portal/sign_in_code.html", form=form, email=asked.email)


async def check(request: Request[Any]) -> Response:
    """A right code signs in, once; anything else gets the same sentence."""
    asked = _read(request)
    form = await forms.bind(request, _Code)
    if asked is None:
        return pages.see_other(request, pages.url(request, "sign_in.show"))
    typed = "".join(letter for letter in form.raw.get("code", "") if letter.isalnum())
    if len(typed) != codes.CODE_DIGITS or not (typed.isascii() and typed.isdigit()):
        return _refused(request, asked, form, "Enter the 8 digits from our email")
    await limits.hit(f"try-network:{_network(request)}", TRIES_PER_NETWORK, _HOUR)
    await limits.hit("try-all:", TRIES_IN_ALL, _HOUR)
    who = await codes.check(asked.token, typed)
    if who is None:
        log.warning("code_refused", address=_network(request))
        return _refused(request, asked, form, _WRONG)
    return await _welcome(request, who, form.raw.get("next"))


def _refused(
    request: Request[Any], asked: _Asked, form: forms.Form[Any], sentence: str
) -> Response:
    """The code is not written back: a wrong one is of no use."""
    empty: forms.Form[Any] = forms.Form({**form.raw, "code": ""})
    empty = empty.failed({"code": sentence})
    return answers.again(request, "portal/sign_in_code.html", empty, email=asked.email)


async def _welcome(request: Request[Any], who: codes.SignedIn, wanted: str | None) -> Response:
    await sessions.start(request, email=who.email, account_id=who.account_id)
    agent = request.headers.get("user-agent", "")
    await codes.tell_of_sign_in(who.email, _network(request), agent)
    await limits.forget(f"code-address:{who.email}")
    response = pages.see_other(request, _target(request, wanted))
    response.headers.append("set-cookie", cookies.removal(COOKIE))
    return response


def _target(request: Request[Any], wanted: str | None) -> str:
    target = paths.safe_next(request, wanted)
    return target if target != "/" else "/requests"


async def company(request: Request[Any]) -> Response:
    """To the customers' provider, where one is set up; by a button, since links are prefetched."""
    _must_be_set_up(request)
    await limits.hit(f"company-network:{_network(request)}", TRIES_PER_NETWORK, _HOUR)
    form = await forms.bind(request, _Wish)
    # Imported only here: most portals have no provider and start faster without its library.
    from web import oidc

    return await oidc.begin(request, next=paths.safe(form.raw.get("next"), "/requests"))


async def back(request: Request[Any]) -> Response:
    """Back from there: whoever proved to hold a registered billing address is signed in."""
    _must_be_set_up(request)
    from web import oidc

    said = await oidc.finish(request)
    who = await codes.by_address(said.email) if said.email and said.email_verified else None
    if who is None:
        raise facts.Refused(
            "That account does not prove one of our registered billing addresses. Sign in with a "
            "code instead, or write to us."
        )
    return await _welcome(request, who, said.next)


def _must_be_set_up(request: Request[Any]) -> None:
    if not house(request).settings.customers_have_provider:
        raise facts.NotFound("There is no such page.")


async def sign_out(request: Request[Any]) -> Response:
    """End this browser's session."""
    await sessions.end(request)
    return pages.see_other(request, pages.url(request, "home.show"))


def _network(request: Request[Any]) -> str:
    return request.client.host if request.client else "unknown"


def _cookie(asked: _Asked) -> str:
    email = base64.urlsafe_b64encode(asked.email.encode()).decode().rstrip("=")
    return cookies.header(COOKIE, f"{asked.token}.{email}", _COOKIE_LIVES)


def _read(request: Request[Any]) -> _Asked | None:
    token, dot, packed = request.cookies.get(COOKIE, "").partition(".")
    if not dot or len(token) != 43:
        return None
    try:
        email = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    return _Asked(token, email)
