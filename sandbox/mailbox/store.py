"""Every mail the server took, in memory and in the state folder."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import anyio

from sandbox.mailbox.message import Mail


class Mailbox:
    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self.folder = folder
        self._now = now
        folder.mkdir(parents=True, exist_ok=True)
        self._mails = [_read(path) for path in sorted(folder.glob("*.json"))]

    def add(self, sender: str, recipients: tuple[str, ...], raw: bytes) -> Mail:
        number = self._mails[-1].number + 1 if self._mails else 1
        mail = Mail(number, self._now(), sender, recipients, raw)
        _write(self.folder, mail)
        self._mails.append(mail)
        return mail

    def all(self) -> tuple[Mail, ...]:
        """Oldest first."""
        return tuple(self._mails)

    def get(self, number: int) -> Mail | None:
        return next((mail for mail in self._mails if mail.number == number), None)

    def to(self, address: str) -> tuple[Mail, ...]:
        wanted = address.casefold()
        return tuple(m for m in self._mails if wanted in (r.casefold() for r in m.recipients))

    def addresses(self) -> tuple[str, ...]:
        return tuple(sorted({address for mail in self._mails for address in mail.recipients}))

    def latest(self, *, to: str = "", subject_contains: str = "") -> Mail | None:
        mails = self.to(to) if to else self.all()
        wanted = subject_contains.casefold()
        return next((m for m in reversed(mails) if wanted in m.subject.casefold()), None)

    async def wait_for(
        self, *, to: str = "", subject_contains: str = "", after: int = 0, timeout_s: float = 10
    ) -> Mail:
        """The latest such mail with a number above `after`, as soon as there is one."""
        give_up = time.monotonic() + timeout_s
        while time.monotonic() < give_up:
            mail = self.latest(to=to, subject_contains=subject_contains)
            if mail and mail.number > after:
                return mail
            await anyio.sleep(0.02)
        raise TimeoutError(f"No mail to {to or 'anybody'} about {subject_contains or 'anything'}")

    def clear(self) -> None:
        for path in self.folder.iterdir():
            path.unlink()
        self._mails.clear()


def _write(folder: Path, mail: Mail) -> None:
    """The envelope is written last: a mail without one was never accepted."""
    (folder / f"{mail.number:06}.eml").write_bytes(mail.raw)
    envelope = {
        "sender": mail.sender,
        "recipients": list(mail.recipients),
        "received_at": mail.received_at.isoformat(),
    }
    (folder / f"{mail.number:06}.json").write_text(json.dumps(envelope))


def _read(path: Path) -> Mail:
    envelope = json.loads(path.read_text())
    return Mail(
        number=int(path.stem),
        received_at=datetime.fromisoformat(envelope["received_at"]),
        sender=envelope["sender"],
        recipients=tuple(envelope["recipients"]),
        raw=path.with_suffix(".eml").read_bytes(),
    )
