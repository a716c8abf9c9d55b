"""Sessions of both doors and shared rate limits: one query to load, one statement to count."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from tortoise.connection import connections
from tortoise.exceptions import DBConnectionError
from tortoise.transactions import in_transaction

from amends import clock
from amends.models.access import RateLimit, Session
from amends.rules.people import Customer, Role, Staff

# What reaches a handler when PostgreSQL is not there or goes away.
DATABASE_DOWN: tuple[type[Exception], ...] = (
    DBConnectionError,
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)
MOST_SESSIONS = 5  # per person or account and door; the sixth sign-in ends the oldest
_KEEP_ENDED = timedelta(days=30)
_KEEP_LIMITS = timedelta(days=2)


@dataclass(frozen=True)
class NewSession:
    """What a sign-in leaves behind. Exactly one of `account_id` and `person_id` is set."""

    door: str
    email: str
    auth_time: datetime
    expires_at: datetime
    account_id: int | None = None
    person_id: int | None = None
    idp_sid: str | None = None
    id_token: str | None = None
    user_agent: str = ""
    address: str = ""


@dataclass(frozen=True)
class FoundSession:
    """A session that still counts, with whoever it belongs to."""

    id: int
    viewer: Customer | Staff
    last_seen_at: datetime


@dataclass(frozen=True)
class OpenSession:
    """One line of the list "where you are signed in"."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    user_agent: str
    address: str


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def start_session(new: NewSession) -> str:
    """Write the session and return its token, which exists nowhere else."""
    token = secrets.token_urlsafe(32)
    at = clock.now()
    async with in_transaction():
        await Session.create(
            token_hash=hash_token(token), created_at=at, last_seen_at=at, **_columns(new)
        )
        await _end_oldest(new, at)
    return token


def _columns(new: NewSession) -> dict[str, Any]:
    columns = {name: getattr(new, name) for name in NewSession.__dataclass_fields__}
    return columns | {"user_agent": new.user_agent[:200], "address": new.address[:64]}


async def _end_oldest(new: NewSession, at: datetime) -> None:
    owner = {"account_id": new.account_id} if new.account_id else {"person_id": new.person_id}
    open_ids = (
        await Session.filter(door=new.door, ended_at=None, expires_at__gt=at, **owner)
        .order_by("-id")
        .values_list("id", flat=True)
    )
    if surplus := list(open_ids[MOST_SESSIONS:]):
        await Session.filter(id__in=surplus).update(ended_at=at)


_FIND = """
SELECT s.id, s.last_seen_at, s.auth_time, s.account_id, s.person_id,
       a.organisation, a.contact_name, a.billing_email,
       p.name, p.email, p.roles, p.shortcuts
FROM session s
LEFT JOIN account a ON a.id = s.account_id AND a.billing_email = s.email
LEFT JOIN person p ON p.id = s.person_id AND p.active
WHERE s.token_hash = $1 AND s.door = $2 AND s.ended_at IS NULL
  AND s.expires_at > $3 AND s.last_seen_at > $4
"""


async def find_session(token: str, door: str, idle: timedelta) -> FoundSession | None:
    """The session and its owner as they are now: roles and addresses are read every time."""
    at = clock.now()
    rows = await connections.get("default").execute_query_dict(
        _FIND, [hash_token(token), door, at, at - idle]
    )
    if not rows:
        return None
    viewer = _viewer(rows[0])
    return FoundSession(rows[0]["id"], viewer, rows[0]["last_seen_at"]) if viewer else None


def _viewer(row: dict[str, Any]) -> Customer | Staff | None:
    if row["billing_email"] is not None:
        return Customer(
            account_id=row["account_id"],
            email=row["billing_email"],
            name=row["contact_name"],
            organisation=row["organisation"],
            session_id=row["id"],
        )
    return _staff(row) if row["roles"] is not None else None


def _staff(row: dict[str, Any]) -> Staff:
    roles = json.loads(row["roles"]) if isinstance(row["roles"], str) else row["roles"]
    return Staff(
        person_id=row["person_id"],
        name=row["name"],
        email=row["email"],
        roles=frozenset(Role(role) for role in roles),
        auth_time=row["auth_time"],
        session_id=row["id"],
        shortcuts=row["shortcuts"],
    )


async def touch(session_id: int) -> None:
    """Note that the session was used."""
    await Session.filter(id=session_id, ended_at=None).update(last_seen_at=clock.now())


async def end_session(session_id: int) -> None:
    await _end(id=session_id)


async def end_person(person_id: int) -> int:
    """End every session of a member of staff: disabled, roles changed, or by their own wish."""
    return await _end(person_id=person_id)


async def end_account(account_id: int) -> int:
    """End every session of a customer's account."""
    return await _end(account_id=account_id)


async def end_mine(viewer: Customer | Staff, session_id: int) -> int:
    """End one of the viewer's own sessions, picked from the list."""
    return await _end(id=session_id, **_owner(viewer))


async def end_others(viewer: Customer | Staff) -> int:
    """End the viewer's sessions in other browsers."""
    at = clock.now()
    others = Session.filter(ended_at=None, **_owner(viewer)).exclude(id=viewer.session_id)
    return await others.update(ended_at=at)


async def end_at_provider(issuer: str, subject: str | None, sid: str | None) -> int:
    """The identity provider signed somebody out: one session by `sid`, or all of a subject."""
    names = {"idp_sid": sid} if sid else {"person__subject": subject}
    ids = await Session.filter(person__issuer=issuer, ended_at=None, **names).values_list(
        "id", flat=True
    )
    return await _end(id__in=list(ids))


async def _end(**which: Any) -> int:
    return await Session.filter(ended_at=None, **which).update(ended_at=clock.now())


async def open_sessions(viewer: Customer | Staff) -> list[OpenSession]:
    """Where the viewer is signed in, newest first."""
    names = list(OpenSession.__dataclass_fields__)
    rows = (
        await Session.filter(ended_at=None, expires_at__gt=clock.now(), **_owner(viewer))
        .order_by("-id")
        .values(*names)
    )
    return [OpenSession(**row) for row in rows]


def _owner(viewer: Customer | Staff) -> dict[str, int]:
    if isinstance(viewer, Customer):
        return {"account_id": viewer.account_id}
    return {"person_id": viewer.person_id}


async def id_token(session_id: int) -> str | None:
    """The provider's token of this session, which signing out there asks for."""
    session = await Session.get_or_none(id=session_id).only("id", "id_token")
    return session.id_token if session else None


# One statement, so that parallel hits cannot both read the old count.
_HIT = """
INSERT INTO rate_limit (key, window_start, hits) {counts}
ON CONFLICT (key) DO UPDATE SET
  hits = CASE WHEN rate_limit.window_start = excluded.window_start
              THEN rate_limit.hits + 1 ELSE 1 END,
  window_start = excluded.window_start
RETURNING hits
"""


def hit(counts: str) -> str:
    """SQL that counts one hit of the key and the window that `counts` gives, and returns `hits`."""
    return _HIT.format(counts=counts)


HIT = hit("VALUES ($1, $2, 1)")


async def hit_limit(key: str, window_start: int) -> int:
    """Count one hit in this window and return how many there are now."""
    rows = await connections.get("default").execute_query_dict(HIT, [key, window_start])
    return int(rows[0]["hits"])


async def forget_limit(key: str) -> None:
    """Start counting anew, after a success."""
    await RateLimit.filter(key=key).delete()


async def forget_old() -> int:
    """Housekeeping: drop sessions that ended a month ago and counters of past days."""
    at = clock.now()
    old = int((at - _KEEP_LIMITS).timestamp())
    gone = await RateLimit.filter(window_start__lt=old).delete()
    return gone + await Session.filter(expires_at__lt=at - _KEEP_ENDED).delete()


async def ping() -> None:
    """Raises one of DATABASE_DOWN when the database does not answer."""
    await connections.get("default").execute_query_dict("SELECT 1", [])
