"""Nightly anchors of the history: one hash over the ends of all chains, kept outside the database.

The chains find what was changed in them. Somebody who rewrites a whole chain, cuts its end off, or
puts an older database in its place is found by the anchors: a file in the data folder that only
grows, and a mail with the newest hash. Each line names the ends that moved since the line before.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from tortoise import connections

from amends import clock, embedded, exceptions_desk, settings
from amends.flow import letters, outbox
from amends.gateways import mail_contexts
from amends.settings import Settings

log = structlog.get_logger(__name__)
CHANGED = "history_changed"
Heads = dict[int, tuple[int, str]]
Place = tuple[int, int]
_HEADS = "SELECT DISTINCT ON (case_id) case_id, seq, hash FROM timeline ORDER BY case_id, seq DESC"
_GONE = """
SELECT noted.case_id, noted.seq
FROM unnest($1::bigint[], $2::int[], $3::text[]) AS noted(case_id, seq, hash)
LEFT JOIN timeline t ON t.case_id = noted.case_id AND t.seq = noted.seq
WHERE t.hash IS DISTINCT FROM noted.hash
"""


@dataclass(frozen=True)
class Anchor:
    """One line. `moved`: the ends that changed since; `anew`: why what was before is void."""

    at: str
    cases: int
    entries: int
    before: str
    moved: tuple[tuple[int, int, str], ...]
    anew: str = ""
    root: str = ""

    def line(self) -> str:
        return json.dumps(vars(self), separators=(",", ":"))


@dataclass
class Book:
    """What the file says: every end that was ever noted, the last ones, and what is wrong."""

    heads: Heads = field(default_factory=dict)
    noted: dict[Place, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)

    @property
    def last(self) -> str:
        return self.anchors[-1].root if self.anchors else ""


def path(known: Settings) -> Path:
    """The file; it belongs to the installation, not to one server of the database."""
    folder = Path(known.data_dir) if known.data_dir else embedded.default_folder()
    return folder / "audit" / "anchors.jsonl"


def root(anchor: Anchor, heads: Heads) -> str:
    """SHA-256 over the time, the counts, the anchor before and every end in the order of cases."""
    facts = [anchor.at, anchor.cases, anchor.entries, anchor.before, anchor.anew]
    digest = hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode())
    for case_id in sorted(heads):
        seq, head = heads[case_id]
        digest.update(f"\n{case_id} {seq} {head}".encode())
    return digest.hexdigest()


def read(file: Path) -> Book:
    """The file's anchors; no file is an empty book."""
    try:
        return parse(file.read_text(encoding="utf-8").splitlines())
    except FileNotFoundError:
        return Book()


def parse(lines: Iterable[str]) -> Book:
    book = Book()
    for number, line in enumerate(lines, 1):
        try:
            anchor = _anchor(line)
        except (ValueError, TypeError):
            book.faults.append(f"line {number} of the anchors cannot be read")
            continue
        _take(book, anchor, number)
    return book


def _anchor(line: str) -> Anchor:
    values = json.loads(line)
    values["moved"] = tuple((int(c), int(s), str(h)) for c, s, h in values["moved"])
    return Anchor(**values)


def _take(book: Book, anchor: Anchor, number: int) -> None:
    """The line's faults are named; its ends count all the same."""
    if anchor.before != book.last:
        book.faults.append(f"before the anchor of {anchor.at} (line {number}) others are missing")
    if anchor.anew:
        book.heads, book.noted = {}, {}
    for case_id, seq, head in anchor.moved:
        if seq:
            book.heads[case_id] = (seq, head)
            book.noted[case_id, seq] = head
        else:
            book.heads.pop(case_id, None)
    if root(anchor, book.heads) != anchor.root:
        book.faults.append(f"the anchor of {anchor.at} (line {number}) was changed")
    book.anchors.append(anchor)


async def nightly() -> Anchor:
    """Compare with the last anchor, add one, and mail it where the operator wants it."""
    book = read(path(settings.load()))
    for place in await _gone(book.heads):
        await _tell(*place)
    anchor = await add(book)
    await _mail(anchor)
    return anchor


async def add(book: Book, anew: str = "") -> Anchor:
    """Write a line for the chains as they stand. `anew`: why older lines count no more."""
    now = await _heads()
    known = {} if anew else book.heads
    anchor = Anchor(
        at=clock.now().isoformat(timespec="seconds"),
        cases=len(now),
        entries=sum(seq for seq, _ in now.values()),
        before=book.last,
        moved=_moved(known, now),
        anew=anew,
    )
    anchor = Anchor(**{**vars(anchor), "root": root(anchor, now)})
    _append(path(settings.load()), anchor.line())
    return anchor


def _moved(before: Heads, now: Heads) -> tuple[tuple[int, int, str], ...]:
    ends = [
        (case_id, *now[case_id]) for case_id in sorted(now) if before.get(case_id) != now[case_id]
    ]
    lost = [(case_id, 0, "") for case_id in sorted(before.keys() - now.keys())]
    return (*ends, *lost)


async def _heads() -> Heads:
    rows = await connections.get("default").execute_query_dict(_HEADS)
    return {int(row["case_id"]): (int(row["seq"]), str(row["hash"])) for row in rows}


async def _gone(heads: Mapping[int, tuple[int, str]]) -> list[Place]:
    """Ends of the last anchor that are not in the database any more, or are others."""
    columns = [
        list(heads),
        [seq for seq, _ in heads.values()],
        [head for _, head in heads.values()],
    ]
    rows = await connections.get("default").execute_query_dict(_GONE, columns)
    return [(int(row["case_id"]), int(row["seq"])) for row in rows]


async def _tell(case_id: int, seq: int) -> None:
    log.error("the history differs from its anchor", case_id=case_id, seq=seq)
    await exceptions_desk.tell(
        CHANGED,
        f"case:{case_id}",
        f"Entry {seq} of the history of case {case_id} is gone or is another one than the last "
        "anchor noted. Run `amends audit verify`. After a restore this is what was lost.",
    )


def _append(file: Path, line: str) -> None:
    """Added and on the disk before anything else happens; nobody else reads it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{line}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)


async def _mail(anchor: Anchor) -> None:
    address = settings.load().audit_mail
    if not address:
        return
    letter = mail_contexts.HistoryAnchor(
        letters.company(), letters.today(), clock.now(), anchor.cases, anchor.entries,
        anchor.root, anchor.before or "none",
    )  # fmt: skip
    await outbox.mail_to(address, letter)
