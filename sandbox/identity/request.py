"""What an application asks at the authorization endpoint, read and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.identity.provider import Provider
from sandbox.identity.tokens import ONE_FACTOR, TWO_FACTORS

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS = {"none", "login", "consent", "select_account"}


class Unsafe(Exception):
    """The address to go back to is not known to be the application's: answer on a page."""


class Problem(Exception):
    """An error the application is told about, by the code of OpenID Connect."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True)
class ReturnAddress:
    """Where the answer goes, known to be safe before anything else is looked at."""

    redirect_uri: str
    state: str | None


@dataclass(frozen=True)
class SignIn:
    """A well-formed request for a sign-in."""

    back: ReturnAddress
    challenge: str
    nonce: str | None
    prompts: frozenset[str]
    max_age_s: int | None
    acr: str
    login_hint: str


def return_address(provider: Provider, query: Mapping[str, str]) -> ReturnAddress:
    if query.get("client_id") != provider.client_id:
        raise Unsafe("No application with this client_id is registered here.")
    redirect_uri = query.get("redirect_uri", "")
    if not provider.may_return_to(redirect_uri):
        raise Unsafe("This redirect_uri is not registered for the application.")
    return ReturnAddress(redirect_uri, query.get("state"))


def read(query: Mapping[str, str], back: ReturnAddress) -> SignIn:
    if query.get("response_type") != "code":
        raise Problem("unsupported_response_type", "Only response_type=code is offered.")
    if "openid" not in query.get("scope", "").split():
        raise Problem("invalid_scope", "The scope must contain openid.")
    return SignIn(
        back=back,
        challenge=_challenge(query),
        nonce=query.get("nonce"),
        prompts=_prompts(query),
        max_age_s=_max_age(query),
        acr=_acr(query),
        login_hint=query.get("login_hint", ""),
    )


def _challenge(query: Mapping[str, str]) -> str:
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise Problem("invalid_request", "PKCE with code_challenge_method=S256 is required.")
    return challenge


def _prompts(query: Mapping[str, str]) -> frozenset[str]:
    prompts = frozenset(query.get("prompt", "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise Problem("invalid_request", "prompt has a value that is not understood.")
    return prompts


def _max_age(query: Mapping[str, str]) -> int | None:
    text = query.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise Problem("invalid_request", "max_age must be a number of seconds.")
    return int(text)


def _acr(query: Mapping[str, str]) -> str:
    wanted = query.get("acr_values", "").split()
    return next((acr for acr in wanted if acr in (ONE_FACTOR, TWO_FACTORS)), TWO_FACTORS)
