"""Who is signed in at the provider. Survives a restart; the disk has only hashes of cookies."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

LIFETIME = timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    """One browser's sign-in. `auth_time` moves on each time the person is asked again."""

    sid: str
    sub: str
    auth_time: int

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.auth_time, UTC)


class Sessions:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_hash: dict[str, Session] = _read(path)

    def find(self, cookie: str | None, now: datetime) -> Session | None:
        session = self._by_hash.get(_hash(cookie)) if cookie else None
        if session and now.timestamp() - session.auth_time > LIFETIME.total_seconds():
            return None
        return session

    def sign_in(self, cookie: str | None, sub: str, now: datetime) -> tuple[str, Session]:
        """A new cookie at every sign-in; the same person keeps the session id."""
        before = self._by_hash.pop(_hash(cookie), None) if cookie else None
        sid = before.sid if before and before.sub == sub else secrets.token_urlsafe(16)
        session = Session(sid, sub, int(now.timestamp()))
        fresh = secrets.token_urlsafe(32)
        self._by_hash[_hash(fresh)] = session
        self._write()
        return fresh, session

    def end(self, sid: str) -> Session | None:
        for key, session in list(self._by_hash.items()):
            if session.sid == sid:
                del self._by_hash[key]
                self._write()
                return session
        return None

    def all(self) -> tuple[Session, ...]:
        return tuple(self._by_hash.values())

    def _write(self) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({k: asdict(s) for k, s in self._by_hash.items()}))
        temporary.replace(self._path)


def _read(path: Path) -> dict[str, Session]:
    stored = json.loads(path.read_text()) if path.exists() else {}
    return {key: Session(**values) for key, values in stored.items()}


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
