"""Has the database gone back in time? A counter in it, and a copy of the counter outside of it."""

import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from tortoise import connections
from tortoise.exceptions import OperationalError

from amends import clock, embedded, settings
from amends.models import WorkerState

log = structlog.get_logger()
_KEY = "epoch"
# Conflicts do nothing: the first worker of all makes the row.
_FIRST = """
INSERT INTO worker_state (key, value, at) VALUES ('epoch', $1::jsonb, $2)
ON CONFLICT (key) DO NOTHING
"""
# A restore on the same server keeps both; on another server only Stripe can tell.
_WHICH = """
SELECT system_identifier || '/' || current_database() AS which FROM pg_control_system()
"""
_BEAT = """
UPDATE worker_state
SET value = jsonb_set(value, '{tick}', to_jsonb((value->>'tick')::bigint + 1)), at = $1
WHERE key = 'epoch' RETURNING value
"""


@dataclass(frozen=True)
class Mark:
    """How far a database was seen to be. `tick` only grows while `epoch` stays the same."""

    epoch: str
    tick: int


@dataclass(frozen=True)
class Inside:
    """The mark in the database, and the epochs that ended with a reconciliation."""

    mark: Mark
    before: tuple[str, ...]

    def knows(self, seen: Mark) -> bool:
        """False when this database is older than what was seen, or another one."""
        if seen.epoch in self.before:
            return True
        return seen.epoch == self.mark.epoch and seen.tick <= self.mark.tick


async def gone_back() -> str:
    """Count one on, inside and outside. A sentence when the database is older than the copy."""
    path = await _copy_path()
    seen = _read_copy(path)
    if seen is not None and await WorkerState.get_or_none(key=_KEY) is None:
        return "The database has no counter, but this machine has seen one: it was replaced."
    before = await _beat()
    if seen is not None and not before.knows(seen):
        return (
            f"The database is at count {before.mark.tick}, this machine has seen count "
            f"{seen.tick} of it: it was restored from a backup."
        )
    _write_copy(path, Mark(before.mark.epoch, before.mark.tick + 1))
    return ""


async def _beat() -> Inside:
    """The mark as it was before this beat."""
    connection = connections.get("default")
    first = {"id": str(uuid.uuid4()), "tick": 0, "before": []}
    await connection.execute_query(_FIRST, [json.dumps(first), clock.now()])
    rows = await connection.execute_query_dict(_BEAT, [clock.now()])
    value = _plain(rows[0]["value"])
    return Inside(Mark(value["id"], int(value["tick"]) - 1), tuple(value["before"]))


def _plain(value: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return loaded


async def begin_anew() -> str:
    """Another epoch from here on; copies of the present one are known to be older."""
    state = await WorkerState.get_or_none(key=_KEY)
    old = state.value if state else {"id": "", "tick": 0, "before": []}
    path = await _copy_path()
    seen = _read_copy(path)
    ended = {*_names(old["before"]), str(old["id"]), seen.epoch if seen else ""} - {""}
    fresh = {"id": str(uuid.uuid4()), "tick": 0, "before": sorted(ended)}
    await WorkerState.update_or_create({"value": fresh, "at": clock.now()}, key=_KEY)
    _write_copy(path, Mark(str(fresh["id"]), 0))
    return str(fresh["id"])


def _names(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


async def _copy_path() -> Path:
    """One file per database of a server, beside the attachments and the embedded server."""
    known = settings.load()
    folder = Path(known.data_dir) if known.data_dir else embedded.default_folder()
    name = hashlib.sha256((await _which()).encode()).hexdigest()[:12]
    return folder / "worker" / f"epoch-{name}.json"


async def _which() -> str:
    """The database's name among all; by its address where the server does not tell."""
    try:
        rows = await connections.get("default").execute_query_dict(_WHICH)
    except OperationalError:
        return settings.load().database_url.split("@", 1)[-1]
    return str(rows[0]["which"])


def _read_copy(path: Path) -> Mark | None:
    try:
        found = json.loads(path.read_text())
        return Mark(str(found["id"]), int(found["tick"]))
    except (OSError, ValueError, KeyError):
        return None


def _write_copy(path: Path, mark: Mark) -> None:
    """Whole or not at all. Without the file the comparison with Stripe is still made."""
    beside = path.with_name(f"{path.stem}-{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps({"id": mark.epoch, "tick": mark.tick}))
        beside.replace(path)
    except OSError as error:
        log.warning("cannot write the copy of the counter", path=str(path), error=str(error))
