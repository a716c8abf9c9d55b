"""The Stripe client: one for reading with retries, one for money without; errors made plain."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import stripe

from amends.gateways import stripe_facts as facts
from amends.settings import STRIPE_API_VERSION, Settings

T = TypeVar("T")
READ_TIMEOUT_S = 10
MONEY_TIMEOUT_S = 20
# Telemetry would write a file to the user's home and add a header to each call.
stripe.enable_telemetry = False


@dataclass(frozen=True)
class Clients:
    """`money` makes no retries of its own: every send is one attempt that we wrote down."""

    read: stripe.StripeClient
    money: stripe.StripeClient


_clients: Clients | None = None


def configure(settings: Settings) -> None:
    """Set up this process's clients from settings."""
    use(Clients(_client(settings, READ_TIMEOUT_S, 2), _client(settings, MONEY_TIMEOUT_S, 0)))


def use(clients: Clients) -> None:
    """Take these clients from now on; tests pass ones that speak to the twin in process."""
    global _clients
    _clients = clients


def for_transport(http_client: stripe.HTTPClient, key: str = "sk_test_worker") -> Clients:
    """Both clients over one transport; no retries, so that faults show."""
    made = stripe.StripeClient(
        key, stripe_version=STRIPE_API_VERSION, max_network_retries=0, http_client=http_client
    )
    return Clients(made, made)


def _client(settings: Settings, timeout: int, retries: int) -> stripe.StripeClient:
    return over(stripe.HTTPXClient(timeout=timeout), settings, retries)


def over(http: stripe.HTTPClient, settings: Settings, retries: int) -> stripe.StripeClient:
    """A client with the settings' key and address over this transport."""
    base = settings.stripe_api_base
    return stripe.StripeClient(
        settings.stripe_secret_key.get_secret_value(),
        stripe_version=STRIPE_API_VERSION,
        max_network_retries=retries,
        http_client=http,
        base_addresses={"api": base, "files": _files_base(base)},
    )


def _files_base(base: str) -> str:
    return "https://files.stripe.com" if base == "https://api.stripe.com" else base


def reading() -> stripe.StripeClient:
    assert _clients is not None, "call stripe.configure(settings) first"
    return _clients.read


def moving() -> stripe.StripeClient:
    assert _clients is not None, "call stripe.configure(settings) first"
    return _clients.money


async def read(call: Awaitable[T]) -> T:
    """Await a reading call. Raises Unavailable, NotThere, Refused, Misconfigured."""
    async with _plain_errors():
        return await call
    raise AssertionError("unreachable")


async def send(call: Awaitable[T]) -> T:
    """Await a call that moves money. Anything not certain raises Unknown."""
    try:
        return await call
    except stripe.CardError as error:
        raise _declined(error) from error
    except stripe.IdempotencyError as error:
        raise facts.KeyMismatch(str(error)) from error
    except stripe.RateLimitError as error:
        raise facts.NotExecuted(str(error)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise facts.Misconfigured(str(error)) from error
    except stripe.InvalidRequestError as error:
        raise _refused(error) from error
    except stripe.APIConnectionError as error:
        raise facts.Unknown(str(error)) from error
    except stripe.APIError as error:
        raise facts.Unknown(str(error), stored=(error.http_status or 0) >= 500) from error


@asynccontextmanager
async def _plain_errors() -> AsyncIterator[None]:
    try:
        yield
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise facts.Misconfigured(str(error)) from error
    except stripe.InvalidRequestError as error:
        raise _refused(error) from error
    except stripe.StripeError as error:
        raise facts.Unavailable(str(error)) from error


def _refused(error: stripe.StripeError) -> facts.Refused:
    code = _code(error)
    kind = (
        facts.NotThere if error.http_status == 404 or code == "resource_missing" else facts.Refused
    )
    return kind(code, error.user_message or str(error))


def _declined(error: stripe.CardError) -> facts.Declined:
    decline = getattr(error.error, "decline_code", None) or ""
    return facts.Declined(_code(error), decline, error.user_message or "")


def _code(error: stripe.StripeError) -> str:
    """`error.code` is empty on 409 and 429; the body's code is always right."""
    return str(getattr(error.error, "code", None) or error.code or "")
