"""Reports that a mail of ours could not be delivered (RFC 3464, and what Exim and qmail write)."""

import re
from collections.abc import Iterator
from email.message import Message
from typing import Final

from amends.gateways import plain_text
from amends.gateways.inbox_headers import Headers
from amends.gateways.inbox_mail import Bounce
from amends.rules import card_numbers

_LONGEST_REASON: Final = 300
_MOST_TEXT: Final = 100_000  # of a report that names our mail in its text only
_MOST_IDS: Final = 20
_ID: Final = re.compile(r"^message-id:\s{0,9}(<[!-;=?-~]{1,120}@[!-;=?-~]{1,120}>)", re.I | re.M)


def report(message: Message, text: str) -> Bounce | None:
    """The report in the mail, if it says that delivery failed for good."""
    headers = Headers(message)
    for status in _parts(message, "message/delivery-status"):
        for recipient in _recipients(status):
            if recipient.first("action").lower() == "failed":
                return _bounce(message, headers, text, recipient)
        return None
    if headers.all("x-failed-recipients"):
        return _bounce(message, headers, text, headers)
    return None


def _bounce(message: Message, headers: Headers, text: str, failed: Headers) -> Bounce:
    recipient = failed.first("final-recipient").rpartition(";")[2]
    reason = failed.first("diagnostic-code") or failed.first("status")
    named = [*_returned(message), *_ID.findall(text[:_MOST_TEXT])][:_MOST_IDS]
    return Bounce(
        _shown(recipient or headers.first("x-failed-recipients"))[:254],
        _shown(reason)[:_LONGEST_REASON],
        tuple(dict.fromkeys([*named, *headers.ids("references", "in-reply-to")])),
    )


def _returned(message: Message) -> Iterator[str]:
    """Ids of the mails that came back with the report, whole or as headers."""
    for part in _parts(message, "message/rfc822", "text/rfc822-headers"):
        inside = part.get_payload(0) if part.is_multipart() else None
        if isinstance(inside, Message):
            yield from Headers(inside).ids("message-id")
            continue
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            yield from _ID.findall(data[:_MOST_TEXT].decode("latin-1"))


def _recipients(status: Message) -> list[Headers]:
    blocks = status.get_payload() if status.is_multipart() else ()
    return [Headers(block) for block in blocks if isinstance(block, Message)]


def _parts(message: Message, *kinds: str) -> Iterator[Message]:
    return (part for part in message.walk() if part.get_content_type() in kinds)


def _shown(text: str) -> str:
    return card_numbers.mask(plain_text.line(text))
