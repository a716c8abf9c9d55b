"""Append-only history of a case, hash-chained; every change writes here in its own transaction."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from tortoise import connections

from amends import rows
from amends.models import TimelineEntry
from amends.rules.people import Actor

GENESIS = "0" * 64
_HEAD = "SELECT seq, hash FROM timeline WHERE case_id = $1 ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True)
class Entry:
    """What happened. `data` holds plain JSON values; `reason` is a person's own words."""

    action: str
    by: Actor
    at: datetime
    reason: str = ""
    from_status: str = ""
    to_status: str = ""
    data: dict[str, object] = field(default_factory=dict)


async def append(case_id: int, entry: Entry) -> TimelineEntry:
    """Add to the chain. The caller holds the case row's lock in an open transaction."""
    last_seq, last_hash = await head(case_id)
    salt = secrets.token_hex(16)
    row = TimelineEntry(
        case_id=case_id,
        seq=last_seq + 1,
        action=entry.action,
        actor_kind=entry.by.kind,
        actor_id=entry.by.actor_id,
        actor_name=entry.by.name,
        from_status=entry.from_status,
        to_status=entry.to_status,
        reason=entry.reason,
        data=entry.data,
        salt=salt,
        at=entry.at,
        prev_hash=last_hash or GENESIS,
    )
    row.commitment = commitment(salt, row.actor_name, row.reason, row.data)
    row.hash = chain_hash(row)
    await rows.insert(row)
    return row


async def head(case_id: int) -> tuple[int, str]:
    """Number and hash of the newest entry; (0, "") before the first."""
    found = await connections.get("default").execute_query_dict(_HEAD, [case_id])
    return (found[0]["seq"], found[0]["hash"]) if found else (0, "")


def commitment(salt: str, actor_name: str, reason: str, data: dict[str, object]) -> str:
    """A salted hash of the words; without the salt nothing can be guessed from it."""
    body = json.dumps([actor_name, reason, data], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{salt}\n{body}".encode()).hexdigest()


def chain_hash(row: TimelineEntry) -> str:
    body = json.dumps(
        [
            row.case_id,
            row.seq,
            row.action,
            row.actor_kind,
            row.actor_id,
            row.from_status,
            row.to_status,
            row.at.isoformat(timespec="microseconds"),
            row.commitment,
            row.prev_hash,
        ],
        separators=(",", ":"),
    )
    return hashlib.sha256(body.encode()).hexdigest()
