"""Reads one mail from its bytes. Takes up to seconds for the largest: call it in a thread."""

import dataclasses
import email
import email.policy
import hashlib
import re
from collections.abc import Sequence
from email.message import Message
from typing import Final

from amends.gateways import inbox_bounce, inbox_headers, inbox_parts, inbox_sender, plain_text
from amends.gateways.inbox_mail import UNNAMED, File, Mail, Origin, Unreadable
from amends.rules import card_numbers, quoting

_MOST_TEXT: Final = 1_000_000  # characters; looking for card numbers takes a second for these
_LONGEST_PART: Final = 20_000  # what a page shows of each of the two parts
_LONGEST_SUBJECT: Final = 200
_MOST_HEADERS: Final = 256 * 1024
_MOST_LINES: Final = 1_000_000  # a mail of 25 MB has a third of it
_MOST_BOUNDARIES: Final = 200
_MOST_LOOKS: Final = 20_000_000  # the library looks at every line once for each boundary
_FROM: Final = re.compile(rb"^from[ \t]*:", re.IGNORECASE | re.MULTILINE)
_MOST_HOPS: Final = 50
# What the library raises for mails written to break readers.
_BROKEN: Final = (
    ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError
)  # fmt: skip


def read(raw: bytes, envelope_from: str, recipients: Sequence[str], gateway: str) -> Mail:
    """Raises Unreadable for a mail that can never be taken. `gateway`: whose verdicts count."""
    head = raw.partition(b"\r\n\r\n" if b"\r\n" in raw else b"\n\n")[0]
    _check_size(raw, head)
    try:
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        found = _mail(message, envelope_from, recipients, gateway)
    except _BROKEN as error:
        raise Unreadable("This mail cannot be read. Send it as plain text.") from error
    return found if _reads_one_way(head) else _by_nobody(found)


def _check_size(raw: bytes, head: bytes) -> None:
    """Before a parser is let loose on it."""
    if len(head) > _MOST_HEADERS:
        raise Unreadable("The header of this mail is too long. Send it as a new mail.")
    lines, boundaries = raw.count(b"\n"), raw.lower().count(b"boundary")
    if lines > _MOST_LINES or boundaries > _MOST_BOUNDARIES or lines * boundaries > _MOST_LOOKS:
        raise Unreadable("This mail has too many parts to be read. Send it as plain text.")


def _reads_one_way(head: bytes) -> bool:
    """Whether our gateway and we see the same sender: one From, and no half line breaks."""
    bare = head.replace(b"\r\n", b"") if b"\r\n" in head else head.replace(b"\n", b"")
    stray = any(sign in bare for sign in (b"\r", b"\n", b"\0"))
    return not stray and len(_FROM.findall(head)) == 1


def _by_nobody(mail: Mail) -> Mail:
    return dataclasses.replace(mail, sender="", dmarc=inbox_sender.Dmarc.NONE)


def _mail(message: Message, envelope_from: str, recipients: Sequence[str], gateway: str) -> Mail:
    headers = inbox_headers.Headers(message)
    if len(headers.all("received")) > _MOST_HOPS:
        raise Unreadable("This mail goes round in circles.")
    parts = inbox_parts.collect(message)
    sender = inbox_sender.address(headers.all("from"))
    text = _kept(parts.text)
    own, quoted = quoting.split(text)
    bounce = inbox_bounce.report(message, parts.text)
    return Mail(
        message_id=inbox_headers.message_id(headers.all("message-id")) or _own_id(headers, text),
        sender=sender,
        sender_name=_display_name(headers),
        dmarc=inbox_sender.dmarc(headers.all("authentication-results"), gateway, sender),
        origin=Origin.BOUNCE if bounce else headers.origin(envelope_from),
        recipients=headers.recipients(recipients),
        answers=headers.ids("references", "in-reply-to"),
        subject=headers.words("subject")[:_LONGEST_SUBJECT],
        own=_shown(own),
        quoted=_shown(quoted),
        files=(*parts.files, *_whole_text(text, own, quoted)),
        remarks=tuple(parts.remarks),
        bounce=bounce,
    )


def _kept(text: str) -> str:
    """Without control signs and card numbers. What is cut off is cut where no number is."""
    if len(text) > _MOST_TEXT:
        end = _MOST_TEXT
        while end > 0 and not text[end - 1].isalpha():
            end -= 1
        text = text[:end]
    return card_numbers.mask(plain_text.prose(text))


def _shown(text: str) -> str:
    masked = card_numbers.mask(text)
    return masked if len(masked) <= _LONGEST_PART else f"{masked[:_LONGEST_PART].rstrip()} …"


def _whole_text(text: str, own: str, quoted: str) -> tuple[File, ...]:
    if max(len(own), len(quoted)) <= _LONGEST_PART:
        return ()
    return (File("email.txt", "text/plain", text.encode()),)


def _display_name(headers: inbox_headers.Headers) -> str:
    return headers.words("from").partition("<")[0].strip(' "')[:100]


def _own_id(headers: inbox_headers.Headers, text: str) -> str:
    """An id for a mail without one: the same for the same mail, when it is sent again."""
    told = "\n".join([*map(headers.first, ("from", "date", "subject")), text])
    digest = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:40]
    return f"<{digest}{UNNAMED}"
