"""Rate limits shared by all processes: fixed windows in one table."""

import hashlib

from amends import access, clock
from amends.facts import TooMany


async def hit(key: str, limit: int, window_s: int) -> None:
    """Count one try; raises TooMany once more than `limit` fall into the window."""
    at = int(clock.now().timestamp())
    start = at - at % window_s
    if await access.hit_limit(_stored(key), start) > limit:
        raise TooMany("Too many tries in a short time.", start + window_s - at)


async def forget(key: str) -> None:
    """Start counting anew, after a success."""
    await access.forget_limit(_stored(key))


def _stored(key: str) -> str:
    """Keeps the name before the colon; addresses and such after it are stored as a hash."""
    name, _, rest = key.partition(":")
    return f"{name[:60]}:{hashlib.sha256(rest.encode()).hexdigest()}"
