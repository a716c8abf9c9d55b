"""The Stripe SDK's HTTP client without sockets: calls go straight into a World."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import stripe

from sandbox.stripe_twin.calls import Call
from sandbox.stripe_twin.faults import Hangup, Silence

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


class TwinClient(stripe.HTTPXClient):
    """Raises what httpx raises on a real connection. Waits between retries are skipped."""

    def __init__(self, world: "World") -> None:
        # No connection is ever made, so no certificates are loaded: that takes 20 ms.
        super().__init__(timeout=80, verify_ssl_certs=False)
        self._world = world

    async def sleep_async(self, secs: float) -> None:
        """No waiting in tests: the world's own clock decides what time it is."""

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            return await self._send(method, url, headers, post_data)
        except httpx.TransportError as error:
            self._handle_request_error(error)

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        parts = urlsplit(url)
        lowered = {name.lower(): value for name, value in headers.items()}
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        path = parts.path[parts.path.index("/v1/") :]
        call = Call(method.upper(), path, parts.query, lowered, body)
        request = httpx.Request(method, url)
        try:
            answer = await self._world.handle(call)
        except Hangup:
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            ) from None
        except Silence:
            raise httpx.ReadTimeout("The read operation timed out", request=request) from None
        return answer.body, answer.status, answer.headers


def client_for(world: "World") -> TwinClient:
    """Give this as http_client to stripe.StripeClient; any base address will do."""
    return TwinClient(world)
