"""Recomputes the history's hash chains from the stored rows and names every row that is off."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import psycopg
from psycopg.rows import dict_row

from amends import timeline
from amends.models import TimelineEntry

# Rows come through a cursor on the server: memory stays flat however long the history is.
_AT_ONCE = 5000
_ROWS = """
SELECT t.id, c.ref, t.case_id, t.seq, t.action, t.actor_kind, t.actor_id, t.actor_name,
       t.from_status, t.to_status, t.reason, t.data, t.salt, t.commitment, t.at, t.prev_hash, t.hash
FROM timeline t JOIN case_ c ON c.id = t.case_id
ORDER BY t.case_id, t.seq
"""
_CASES = "SELECT id, ref, status FROM case_ ORDER BY id"
_HEADS = """
SELECT DISTINCT ON (case_id) case_id, seq, hash FROM timeline ORDER BY case_id, seq DESC
"""
Place = tuple[int, int]


@dataclass(frozen=True)
class Row:
    """A row of the timeline as it stands in the database."""

    id: int
    ref: str
    case_id: int
    seq: int
    action: str
    actor_kind: str
    actor_id: str
    actor_name: str
    from_status: str
    to_status: str
    reason: str
    data: dict[str, object]
    salt: str | None
    commitment: str
    at: datetime
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class Broken:
    """One finding. `row_id` is 0 when rows are missing rather than changed."""

    ref: str
    seq: int
    row_id: int
    what: str

    def __str__(self) -> str:
        return f"{self.ref} entry {self.seq} (row {self.row_id}): {self.what}"


@dataclass(frozen=True)
class Report:
    rows: int
    cases: int
    broken: tuple[Broken, ...]


@dataclass
class _End:
    """Where a case's chain stands so far."""

    seq: int = 0
    hash: str = timeline.GENESIS
    status: str = ""


def verify(database_url: str, noted: Mapping[Place, str] | None = None) -> Report:
    """Read everything in one consistent snapshot and check it, see `judge`."""
    with _snapshot(database_url) as connection:
        cases = connection.execute(_CASES).fetchall()
        return judge(_rows(connection), cases, noted)


def judge(
    rows: Iterable[Row],
    cases: Sequence[tuple[int, str, str]],
    noted: Mapping[Place, str] | None = None,
) -> Report:
    """Check rows, in the order of cases and entries, against each other and the cases' states.

    `noted` are heads that were kept elsewhere: hashes by case and entry number. Only they show
    that somebody rewrote a whole chain.
    """
    left = dict(noted or {})
    ends: dict[int, _End] = {}
    broken: list[Broken] = []
    count = 0
    for row in rows:
        count += 1
        broken += _check(row, ends.setdefault(row.case_id, _End()))
        if left.pop((row.case_id, row.seq), row.hash) != row.hash:
            broken.append(Broken(row.ref, row.seq, row.id, "it is not what was noted then"))
    broken += [finding for case in cases if (finding := _ending(case, ends))]
    broken += [
        Broken(f"case {case_id}", seq, 0, "it was noted then and is gone") for case_id, seq in left
    ]
    return Report(count, len(cases), tuple(broken))


def heads(database_url: str) -> list[str]:
    """The end of every chain, one a line, to be kept where this database's owner cannot write."""
    with _snapshot(database_url) as connection:
        rows = connection.execute(_HEADS).fetchall()
    return [f"{case_id} {seq} {head}" for case_id, seq, head in rows]


def read_heads(lines: Iterable[str]) -> dict[Place, str]:
    """What `heads` wrote. Raises ValueError for anything else."""
    words = [line.split() for line in lines if line.strip()]
    return {(int(case_id), int(seq)): head for case_id, seq, head in words}


@contextmanager
def _snapshot(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, options="-c timezone=UTC") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def _rows(connection: psycopg.Connection[Any]) -> Iterator[Row]:
    with connection.cursor("audit", row_factory=dict_row) as cursor:
        cursor.itersize = _AT_ONCE
        cursor.execute(_ROWS)
        for values in cursor:
            yield Row(**values)


def _check(row: Row, end: _End) -> list[Broken]:
    found = [Broken(row.ref, row.seq, row.id, what) for what in _faults(row, end)]
    end.seq, end.hash = row.seq, row.hash
    end.status = row.to_status or end.status
    return found


def _faults(row: Row, end: _End) -> Iterator[str]:
    if row.seq != end.seq + 1:
        yield f"entries {end.seq + 1} to {row.seq - 1} are missing"
    if row.prev_hash != end.hash:
        yield "it does not follow the entry before it"
    if timeline.chain_hash(cast(TimelineEntry, row)) != row.hash:
        yield "its facts were changed"
    if row.salt is None:
        if row.reason or row.data:
            yield "its words were erased and others put in their place"
    elif timeline.commitment(row.salt, row.actor_name, row.reason, row.data) != row.commitment:
        yield "its words were changed"


def _ending(case: tuple[int, str, str], ends: dict[int, _End]) -> Broken | None:
    """The status only changes together with an entry, so the two must end alike."""
    case_id, ref, status = case
    end = ends.get(case_id, _End())
    if end.status in {status, ""} and (end.status or status == "draft"):
        return None
    return Broken(
        ref,
        end.seq + 1,
        0,
        f"the history ends at {end.status or 'nothing'} and the case stands at {status}: "
        "entries were cut off, or the status was changed by hand",
    )
