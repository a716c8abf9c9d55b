"""A speed limit on Stripe's endpoints that all workers share, a little under Stripe's own."""

import asyncio
import time

from tortoise import connections

# Stripe allows 25 writes a second per endpoint; 20 leaves room for people in the Dashboard.
WRITES_PER_SECOND = 20
_HIT = """
INSERT INTO rate_limit (key, window_start, hits) VALUES ($1, $2, 1)
ON CONFLICT (key) DO UPDATE SET
  hits = CASE WHEN rate_limit.window_start = $2 THEN rate_limit.hits + 1 ELSE 1 END,
  window_start = $2
RETURNING hits
"""


async def wait(endpoint: str) -> None:
    """Take one of this second's places, or wait for a later second's."""
    while True:
        now = time.time()
        rows = await connections.get("default").execute_query_dict(
            _HIT, [f"stripe:{endpoint}", int(now)]
        )
        if rows[0]["hits"] <= WRITES_PER_SECOND:
            return
        await asyncio.sleep(int(now) + 1 - now + 0.01)
