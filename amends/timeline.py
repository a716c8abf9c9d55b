"""Append-only history of a case, hash-chained; every change writes here in its own transaction."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from tortoise import connections

from amends.models import TimelineEntry
from amends.rules.people import Actor

GENESIS = "0" * 64
# The entry before is read, and the hash over it and the new one computed, where the row is
# written: `chain_hash` computes the same from the row.
_APPEND = """
INSERT INTO timeline (case_id, action, actor_kind, actor_id, actor_name, from_status, to_status,
  reason, data, salt, commitment, at, seq, prev_hash, hash)
SELECT $1::bigint, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12, last.seq + 1, last.hash,
  encode(sha256(convert_to(
    '[' || $1::bigint || ',' || (last.seq + 1) || $13::text || last.hash || '"]', 'UTF8')), 'hex')
FROM (SELECT coalesce(newest.seq, 0) AS seq, coalesce(newest.hash, $14::text) AS hash
      FROM (SELECT 1) AS always LEFT JOIN LATERAL (
        SELECT seq, hash FROM timeline WHERE case_id = $1::bigint ORDER BY seq DESC LIMIT 1
      ) AS newest ON true) AS last
"""


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


async def append(case_id: int, entry: Entry) -> None:
    """Add to the chain. The caller holds the case row's lock in an open transaction."""
    salt = secrets.token_hex(16)
    words = commitment(salt, entry.by.name, entry.reason, entry.data)
    await connections.get("default").execute_query(
        _APPEND,
        [
            case_id,
            entry.action,
            entry.by.kind,
            entry.by.actor_id,
            entry.by.name,
            entry.from_status,
            entry.to_status,
            entry.reason,
            json.dumps(entry.data),
            salt,
            words,
            entry.at,
            _between(entry, words),
            GENESIS,
        ],
    )


def _between(entry: Entry, words: str) -> str:
    """The bytes that `chain_hash` takes between the entry's number and the hash before it."""
    inner = json.dumps(
        [
            entry.action,
            entry.by.kind,
            entry.by.actor_id,
            entry.from_status,
            entry.to_status,
            entry.at.isoformat(timespec="microseconds"),
            words,
        ],
        separators=(",", ":"),
    )
    return f',{inner[1:-1]},"'


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
