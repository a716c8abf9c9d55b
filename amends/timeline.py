"""Append-only history of a case, hash-chained; every change writes here in its own transaction."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from amends.models import TimelineEntry
from amends.rules.people import Actor

GENESIS = "0" * 64


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
    last = await TimelineEntry.filter(case_id=case_id).order_by("-seq").first()
    salt = secrets.token_hex(16)
    row = TimelineEntry(
        case_id=case_id,
        seq=last.seq + 1 if last else 1,
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
        prev_hash=last.hash if last else GENESIS,
    )
    row.commitment = commitment(salt, row.actor_name, row.reason, row.data)
    row.hash = chain_hash(row)
    await row.save(force_create=True)
    return row


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
