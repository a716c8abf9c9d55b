"""The one clock. UTC; the sandbox may move it through a small file."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Only the sandbox sets this; settings refuse it together with a live Stripe key.
_FILE = "AMENDS_CLOCK_FILE"
_cached: tuple[float, int] = (0.0, 0)


def now() -> datetime:
    """The present, UTC aware."""
    return datetime.now(UTC) + timedelta(seconds=offset_seconds())


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
