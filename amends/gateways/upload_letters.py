"""Plain text and saved emails: readable, without markup at the start, nothing bad enclosed."""

import email
import email.errors
import email.policy
import re
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Final

from amends.gateways import upload_verdict
from amends.gateways.upload_verdict import Code
from amends.rules import card_numbers

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
# What a browser that guesses would take for a page, within the part it looks at.
_SNIFFED: Final = 1500
_MARKUP: Final = re.compile(
    r"<(?:!doctype|!--|\?xml|html|head|body|script|svg|iframe|style|title|table|div|meta|a )",
    re.IGNORECASE,
)
_OTHER_FILE: Final = ("%PDF-", "PK\x03\x04", "MZ", "#!", "{\\rtf")
_TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_MAX_PARTS: Final = 60
_FIELD: Final = re.compile(rb"^[A-Za-z][A-Za-z0-9-]*:")
_TEXTS: Final = frozenset({"text/plain", "text/html", "text/calendar"})
_NAMES: Final = frozenset({"message-id", "in-reply-to", "references"})
_BOUNDARY: Final = re.compile(r"""boundary=(?:"[^"]*"|[^;\s]*)""", re.IGNORECASE)
_LOGOS: Final = (b"GIF87a", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def text(name: str, data: bytes) -> bytes:
    """The text in UTF-8 without card numbers; raises Rejected when it is something else."""
    words = decoded(name, data)
    if _CONTROL.search(words):
        raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)
    start = words[:_SNIFFED]
    if _MARKUP.search(start) or start.startswith(_OTHER_FILE) or "%PDF-" in start:
        raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)
    if not words.strip():
        raise upload_verdict.rejected(Code.EMPTY, name)
    if len(words) > upload_verdict.MAX_TEXT:
        raise upload_verdict.too_much_text(name)
    return card_numbers.mask(words).encode()


def decoded(name: str, data: bytes) -> str:
    """What the bytes read; Rejected when they are no text."""
    codings = ["utf-16"] if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else ["utf-8-sig", "cp1252"]
    for coding in codings:
        try:
            return data.decode(coding)
        except UnicodeDecodeError:
            continue
    raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)


def letter(name: str, data: bytes, enclosure: Callable[[str, bytes], None]) -> bytes:
    """A saved email as it is; `enclosure` raises Rejected for a file inside that is not taken."""
    if not _FIELD.match(data) or b"\x00" in data or _parts(data) > _MAX_PARTS:
        raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)
    try:
        message = email.message_from_bytes(data, policy=email.policy.default)
        if not (message["From"] and (message["Date"] or message["Subject"])):
            raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)
        _check_enclosures(name, message, enclosure)
        _check_card_numbers(name, message)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # The library raises these for mails written to break readers.
        raise upload_verdict.rejected(Code.FAILED, name) from error
    return data


def _parts(data: bytes) -> int:
    """How many parts the mail may claim, before a parser is let loose on it."""
    return data.lower().count(b"content-type:")


def _check_enclosures(
    name: str, message: EmailMessage, enclosure: Callable[[str, bytes], None]
) -> None:
    for part in _leaves(message):
        inside = part.get_payload(decode=True)
        if not isinstance(inside, bytes) or not inside or inside.startswith(_LOGOS):
            continue
        try:
            enclosure(part.get_filename() or "", inside)
        except upload_verdict.Rejected as refusal:
            raise upload_verdict.rejected(Code.BAD_ENCLOSURE, name) from refusal


def _check_card_numbers(name: str, message: EmailMessage) -> None:
    """A mail cannot be rewritten and stay evidence, so one with a card number is not kept."""
    texts = [_said(field, str(value)) for field, value in message.items()]
    for part in message.walk():
        if part.get_content_maintype() == "text" and isinstance(part, EmailMessage):
            texts.append(str(part.get_content()))
            # Also as UTF-8, whatever the letter says or forgets to say of itself.
            plain = part.get_payload(decode=True)
            again = plain.decode("utf-8", "replace") if isinstance(plain, bytes) else ""
            texts += [again] if again.split() != texts[-1].split() else []
    words = "\n".join(texts)
    if len(words) > upload_verdict.MAX_TEXT:
        raise upload_verdict.too_much_text(name)
    if card_numbers.contains(words) or card_numbers.contains(_TAG.sub("", words)):
        raise upload_verdict.rejected(Code.CARD_NUMBER, name)


def _said(field: str, value: str) -> str:
    """What people may have written in this field, without the names that mail programs invent:
    Python's boundaries have 19 digits, of which one in fifty reads like a card number."""
    if field.lower() in _NAMES:
        return ""
    return _BOUNDARY.sub("", value) if field.lower() == "content-type" else value


def _leaves(message: EmailMessage) -> Iterator[EmailMessage]:
    """The parts that are files: all but the texts of the mail itself."""
    for part in message.walk():
        is_text = part.get_content_type() in _TEXTS and not part.get_filename()
        if not part.is_multipart() and not is_text and isinstance(part, EmailMessage):
            yield part
