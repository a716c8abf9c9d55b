"""What happened on a case: messages, notes and history in one line of time; and the bare log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from amends import timeline
from amends.json_rows import all_made, many
from amends.models import Attachment, Case, Message, TimelineEntry
from amends.rules.people import ActorKind
from amends.rules.workflow import Action

SHOWN = 100  # on the case page; the log has the rest
LOG_PAGE = 100
# History rows that only say that a message was written; the message itself is shown.
_SAID_BY_MESSAGE = ("note", "reply", "write", Action.SUBMIT)
CHECK_IDENTITY = "check_identity"


class LineKind(StrEnum):
    MESSAGE = "message"
    HISTORY = "history"


@dataclass(frozen=True)
class FileRow:
    """A file on a case. What was not found clean is named, never offered."""

    id: str
    name: str
    size: int
    content_type: str
    audience: str
    state: str
    uploaded_by: str
    at: datetime


@dataclass(frozen=True)
class Line:
    """One thing that happened. `audience` and `body` are a message's, the rest the history's."""

    kind: LineKind
    at: datetime
    who: str
    who_id: str
    actor_kind: ActorKind
    body: str = ""
    audience: str = ""
    verified: bool = True
    action: str = ""
    from_status: str = ""
    to_status: str = ""
    data: dict[str, object] = field(default_factory=dict)
    files: tuple[FileRow, ...] = ()

    @property
    def by_customer(self) -> bool:
        return self.actor_kind is ActorKind.CUSTOMER


@dataclass(frozen=True)
class LogRow:
    """A row of the append-only log with its place in the chain."""

    seq: int
    at: datetime
    action: str
    actor_kind: str
    who: str
    from_status: str
    to_status: str
    reason: str
    data: dict[str, object]
    hash: str
    erased: bool


@dataclass(frozen=True)
class Chain:
    """Whether every row follows the one before it, and none was changed."""

    rows: int
    broken_at: int | None = None
    head: str = ""


def sources() -> dict[str, str]:
    """What `lines` is made of, as SQL for one case `c`."""
    quiet = ", ".join(f"'{word}'" for word in _SAID_BY_MESSAGE)
    newest = f"t.action NOT IN ({quiet}) ORDER BY t.seq DESC LIMIT {SHOWN}"
    return {
        "files": many(Attachment, "WHERE t.case_id = c.id AND t.removed_at IS NULL "
                      "ORDER BY t.at, t.id"),
        "messages": many(Message, f"WHERE t.case_id = c.id ORDER BY t.id DESC LIMIT {SHOWN}"),
        "entries": many(TimelineEntry, f"WHERE t.case_id = c.id AND {newest}"),
    }  # fmt: skip


def lines(case: Case, packed: Mapping[str, Any]) -> tuple[Line, ...]:
    """Oldest first, as a person reads it: what the customer wrote begins it."""
    files = _grouped(all_made(Attachment, packed["files"]))
    messages = all_made(Message, packed["messages"])
    entries = all_made(TimelineEntry, packed["entries"])
    found = [_story(case, files), *map(_history, entries)]
    found += [_message(message, files) for message in messages]
    ordered = sorted((line for line in found if line), key=lambda line: line.at)
    return tuple(_together(ordered))


def _together(ordered: Iterable[Line]) -> Iterable[Line]:
    """Identity facts that one person ticked in a row read as one line: its data has `facts`."""
    held: Line | None = None
    for line in ordered:
        if held and _goes_on(held, line):
            facts = [*_list(held.data["facts"]), line.data.get("fact")]
            held = replace(held, at=line.at, data={**held.data, "facts": facts})
            continue
        if held:
            yield held
        held = _with_facts(line) if line.action == CHECK_IDENTITY else line
    if held:
        yield held


def _with_facts(line: Line) -> Line:
    return replace(line, data={**line.data, "facts": [line.data.get("fact")]})


def _goes_on(held: Line, line: Line) -> bool:
    same = (held.action, held.who_id, held.data.get("verdict"))
    ticked = line.action == CHECK_IDENTITY and not (line.body or held.body)
    return ticked and same == (line.action, line.who_id, line.data.get("verdict"))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


async def files_of(case: Case) -> dict[int | None, tuple[FileRow, ...]]:
    rows = await Attachment.filter(case_id=case.id, removed_at=None).order_by("at", "id")
    return _grouped(rows)


def _grouped(rows: Iterable[Attachment]) -> dict[int | None, tuple[FileRow, ...]]:
    """The case's files by the message they came with; those of the request under None."""
    grouped: dict[int | None, list[FileRow]] = {}
    for row in rows:
        grouped.setdefault(row.message_id, []).append(_file(row))
    return {message_id: tuple(files) for message_id, files in grouped.items()}


def _file(row: Attachment) -> FileRow:
    return FileRow(
        str(row.id),
        row.name,
        row.size,
        row.content_type,
        row.audience,
        row.state,
        row.uploaded_by,
        row.at,
    )


def _story(case: Case, files: dict[int | None, tuple[FileRow, ...]]) -> Line | None:
    if case.submitted_at is None:
        return None
    return Line(
        LineKind.MESSAGE,
        case.submitted_at,
        case.contact_name or case.contact_email,
        f"account:{case.account_id}",
        ActorKind.CUSTOMER,
        body=case.story,
        audience="customer",
        files=files.get(None, ()),
    )


def _message(row: Message, files: dict[int | None, tuple[FileRow, ...]]) -> Line:
    return Line(
        LineKind.MESSAGE,
        row.at,
        row.author_name,
        row.author_id,
        ActorKind(row.author_kind),
        body=row.body,
        audience=row.audience,
        verified=row.verified,
        files=files.get(row.id, ()),
    )


def _history(row: TimelineEntry) -> Line:
    return Line(
        LineKind.HISTORY,
        row.at,
        row.actor_name,
        row.actor_id,
        ActorKind(row.actor_kind),
        body=row.reason,
        action=row.action,
        from_status=row.from_status,
        to_status=row.to_status,
        data=row.data,
    )


async def newest(case: Case) -> LogRow | None:
    """The last thing that happened."""
    row = await TimelineEntry.filter(case_id=case.id).order_by("-seq").first()
    return _log_row(row) if row else None


async def newest_of_all() -> tuple[tuple[str, LogRow], ...]:
    """The last entries of all cases, each with its case, the newest first."""
    rows = (
        await TimelineEntry.filter(case__submitted_at__not_isnull=True)
        .order_by("-id")
        .limit(LOG_PAGE)
        .prefetch_related("case")
    )
    return tuple((row.case.ref, _log_row(row)) for row in rows)


async def log(case_id: int, after: int = 0) -> tuple[LogRow, ...]:
    """The log, oldest first, a page from `after` on."""
    rows = (
        await TimelineEntry.filter(case_id=case_id, seq__gt=after).order_by("seq").limit(LOG_PAGE)
    )
    return tuple(_log_row(row) for row in rows)


def _log_row(row: TimelineEntry) -> LogRow:
    return LogRow(
        row.seq,
        row.at,
        row.action,
        row.actor_kind,
        row.actor_name,
        row.from_status,
        row.to_status,
        row.reason,
        row.data,
        row.hash,
        row.salt is None,
    )


async def chain(case_id: int) -> Chain:
    """Recompute the case's chain, row by row. One case is short; all of them are audited apart."""
    rows = await TimelineEntry.filter(case_id=case_id).order_by("seq")
    broken = next((row.seq for row in _broken(rows)), None)
    return Chain(len(rows), broken, rows[-1].hash if rows else "")


def _broken(rows: Iterable[TimelineEntry]) -> Iterable[TimelineEntry]:
    before = timeline.GENESIS
    for number, row in enumerate(rows, 1):
        words = row.salt is None or row.commitment == timeline.commitment(
            row.salt, row.actor_name, row.reason, row.data
        )
        follows = row.seq == number and row.prev_hash == before
        if not (follows and words and timeline.chain_hash(row) == row.hash):
            yield row
        before = row.hash
