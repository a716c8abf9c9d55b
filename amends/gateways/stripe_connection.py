"""The worker's connections to Stripe: kept open, by a client with a third of the usual cost."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import stripe

from amends.gateways import stripe_client
from amends.gateways.stripe_client import Clients
from amends.settings import Settings

# Reading may be repeated by the SDK; a send is one attempt that we wrote down.
_READ_RETRIES, _MONEY_RETRIES = 2, 0


@asynccontextmanager
async def kept(settings: Settings) -> AsyncIterator[None]:
    """This process's clients until the block ends; then their connections are closed."""
    async with AsyncExitStack() as stack:
        base = settings.stripe_api_base
        reading = await stack.enter_async_context(_session(base, stripe_client.READ_TIMEOUT_S))
        moving = await stack.enter_async_context(_session(base, stripe_client.MONEY_TIMEOUT_S))
        stripe_client.use(
            Clients(
                stripe_client.over(_Http(session=reading), settings, _READ_RETRIES),
                stripe_client.over(_Http(session=moving), settings, _MONEY_RETRIES),
            )
        )
        yield


def _session(base: str, timeout_s: int) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s), proxy=_proxy(base)
    )
    # Left alone, a kept connection that breaks makes aiohttp send a DELETE a second time.
    session._retry_connection = False
    return session


def _proxy(base: str) -> str | None:
    """The machine's proxy, looked up once and not on each call."""
    parts = urlsplit(base)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


class _Http(stripe.AIOHTTPClient):
    """The SDK's own client, with an answer that breaks off in its middle told as no answer."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            async with self._session.request(
                method, url, headers=headers, data=post_data or None
            ) as answer:
                return await answer.read(), answer.status, answer.headers
        except Exception as error:  # noqa: BLE001 - as the SDK does: no answer, whatever it was
            self._handle_request_error(error)
