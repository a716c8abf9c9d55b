"""What the mailbox's pages work on."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox.mailbox.compose import Inbox
from sandbox.mailbox.store import Mailbox


@dataclass(frozen=True)
class Desk:
    """The mailbox, the clock, and the application's inbox if there is one to write to."""

    mailbox: Mailbox
    now: Callable[[], datetime]
    inbox: Inbox | None = None
    base: str = "/mailbox"
