"""The one clock. UTC; the sandbox may move it through a small file, a simulation replaces it."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Only the sandbox sets this; settings refuse it together with a live Stripe key.
_FILE = "AMENDS_CLOCK_FILE"
_cached: tuple[float, int] = (0.0, 0)


def _utc_now() -> datetime:
    return datetime.now(UTC)


_wall: Callable[[], datetime] = _utc_now
_steady: Callable[[], float] = time.monotonic


def now() -> datetime:
    """The present, UTC aware."""
    ahead = offset_seconds()
    return _wall() + timedelta(seconds=ahead) if ahead else _wall()


def monotonic() -> float:
    """Seconds that never jump, for deadlines within one process."""
    return _steady()


def use(
    wall: Callable[[], datetime] = _utc_now, steady: Callable[[], float] = time.monotonic
) -> None:
    """Take another clock; without arguments, the real one again."""
    global _wall, _steady
    _wall, _steady = wall, steady


def offset_seconds() -> int:
    path = os.environ.get(_FILE)
    return _read(Path(path)) if path else 0


def _read(path: Path) -> int:
    global _cached
    try:
        stamp = path.stat().st_mtime_ns / 1e9
    except FileNotFoundError:
        return 0
    if stamp != _cached[0]:
        _cached = (stamp, int(json.loads(path.read_text())["offset_s"]))
    return _cached[1]
