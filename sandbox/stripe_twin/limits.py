"""Rate limits like Stripe's, off unless asked for: calls a second, in all and per endpoint."""

from collections import deque
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# docs: rate-limits. The sandbox's account-wide limit, and that of each endpoint.
STRIPES_PER_SECOND = 25


class Limits:
    """A sliding second of twin time."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.per_second: int | None = None
        self.per_endpoint: int | None = None
        self.refused = 0
        self._seen: dict[str, deque[float]] = {}

    def check(self, endpoint: str) -> None:
        """Counts a call; raises the 429 when it is one too many."""
        self._count("", self.per_second, "global-rate")
        self._count(endpoint, self.per_endpoint, "endpoint-rate")

    def _count(self, name: str, limit: int | None, reason: str) -> None:
        if limit is None:
            return
        now = self._world.clock.now()
        seen = self._seen.setdefault(name, deque())
        while seen and seen[0] <= now - 1:
            seen.popleft()
        if len(seen) >= limit:
            self.refused += 1
            raise errors.rate_limited(reason)
        seen.append(now)
