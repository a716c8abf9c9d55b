"""The wire between the workers and Stripe: a request outlives its sender and may arrive late."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.stripe_twin.calls import Answer, Call
from sandbox.stripe_twin.faults import Hangup, Silence
from sandbox.stripe_twin.transport import TwinClient
from sandbox.stripe_twin.world import World
from tests.simulate.turns import Killed

# The protocol counts on five minutes from the decision; it is sent within 30 seconds of that, and
# the clock that both are measured with may be moved by up to 30 seconds meanwhile.
LONGEST_S = 235.0


@dataclass(frozen=True)
class OnTheWire:
    """A request whose sender gave up or died. `due` is when Stripe carries it out."""

    due: float
    call: Call


@dataclass
class Wire:
    """What is under way. `late_chance` is how often a request is slower than its sender waits."""

    world: World
    random: Random
    late_chance: float = 0.0
    under_way: list[OnTheWire] = field(default_factory=list)
    # When each key left our process; what was written down may never have been sent.
    sends: list[tuple[float, str]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def leave(self, call: Call) -> None:
        """Nobody waits for it any more; it arrives all the same."""
        due = self.world.now() + self.random.uniform(0.0, LONGEST_S)
        self.under_way.append(OnTheWire(due, call))

    def next_due(self) -> float | None:
        return min((each.due for each in self.under_way), default=None)

    async def arrive(self) -> None:
        """Everything due is carried out; its answer goes nowhere."""
        now = self.world.now()
        due = sorted((each for each in self.under_way if each.due <= now), key=lambda e: e.due)
        self.under_way = [each for each in self.under_way if each.due > now]
        for each in due:
            self.seen["request arrived after its sender gave up or died"] += 1
            try:
                await self.world.handle(each.call)
            except (Hangup, Silence):
                continue


class WireClient(TwinClient):
    """The SDK's client over this wire, with a turn for the others after each answer."""

    def __init__(self, wire: Wire, point: Callable[[str], Awaitable[None]]) -> None:
        super().__init__(wire.world)
        self._world = _Handled(wire, point)  # type: ignore[assignment]

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """As the twin's client does, without building a request object for the errors."""
        parts = urlsplit(url)
        lowered = {name.lower(): value for name, value in headers.items()}
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        path = parts.path[parts.path.index("/v1/") :]
        try:
            answer = await self._world.handle(
                Call(method.upper(), path, parts.query, lowered, body)
            )
        except Hangup:
            raise httpx.RemoteProtocolError("Server disconnected.") from None
        except Silence:
            raise httpx.ReadTimeout("The read operation timed out") from None
        return answer.body, answer.status, answer.headers


class _Handled:
    """Stands in the world's place for the client: the same `handle`, over the wire."""

    def __init__(self, wire: Wire, point: Callable[[str], Awaitable[None]]) -> None:
        self._wire, self._point = wire, point

    async def handle(self, call: Call) -> Answer:
        wire = self._wire
        if call.method == "POST":
            wire.sends.append((wire.world.now(), call.headers.get("idempotency-key", "")))
        if call.method == "POST" and wire.random.random() < wire.late_chance:
            wire.leave(call)
            await self._point("timeout")
            raise Silence
        try:
            answer = await wire.world.handle(call)
        except (Killed, asyncio.CancelledError):
            if wire.random.random() < 0.5:
                wire.leave(call)
            raise
        except (Hangup, Silence):
            await self._point("answered")
            raise
        await self._point("answered")
        return answer
