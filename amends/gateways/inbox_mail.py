"""One mail that came in, as plain facts: no card number, no control sign, nothing to run."""

from dataclasses import dataclass
from enum import StrEnum

from amends import facts
from amends.gateways.inbox_sender import Dmarc

# Ends the id that a mail without one gets; no mail program knows it, so no answer names it.
UNNAMED = "@unnamed.invalid>"


class Origin(StrEnum):
    """What wrote the mail, as far as its headers tell."""

    PERSON = "person"
    UNSURE = "unsure"  # it asks for no automatic answer, or went to many; a person may have written
    MACHINE = "machine"  # an automatic reply, a mailing list, a report of a delay
    BOUNCE = "bounce"


class Unreadable(facts.Refused):
    """No reader of ours can take this mail, now or later."""


@dataclass(frozen=True)
class File:
    """A file as it came. The name has no card number; type and content are the sender's word."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Bounce:
    """A report that a mail of ours could not be delivered; `mails` are the ids that it names."""

    recipient: str
    reason: str
    mails: tuple[str, ...]


@dataclass(frozen=True)
class Mail:
    """`sender` is empty when From is not exactly one mailbox.

    `recipients` are all addresses it went to, by envelope or header. `answers` are the ids of the
    mails that it answers, the nearest last. `remarks` say what of it was not kept, a sentence each.
    """

    message_id: str
    sender: str
    sender_name: str
    dmarc: Dmarc
    origin: Origin
    recipients: tuple[str, ...]
    answers: tuple[str, ...]
    subject: str
    own: str
    quoted: str
    files: tuple[File, ...] = ()
    remarks: tuple[str, ...] = ()
    bounce: Bounce | None = None

    @property
    def is_reply(self) -> bool:
        prefix = self.subject.partition(":")[0].strip().lower()
        return bool(self.answers) or prefix in _REPLY_PREFIXES


_REPLY_PREFIXES = frozenset(
    {"re", "aw", "antw", "sv", "vs", "ref", "rif", "odp", "fw", "fwd", "wg"}
)
