"""The parts of a mail: what was written, and the files that came with it."""

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Final

from amends.gateways import html_text, inbox_charset, inbox_headers, upload_names
from amends.gateways.inbox_mail import File, Unreadable

_DEEPEST: Final = 20
_MOST_PARTS: Final = 200
_MOST_MARKUP: Final = 4_000_000  # characters of HTML that are read
# Pictures of a signature or a letterhead; a screenshot is larger.
_DECORATION: Final = 16 * 1024
_SIGNATURES: Final = frozenset(
    {
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-keys",
    }
)
_ENCRYPTED: Final = frozenset(
    {"application/pkcs7-mime", "application/x-pkcs7-mime", "application/pgp-encrypted"}
)
_WRITTEN: Final = frozenset({"text/plain", "text/html"})
_LETTERS: Final = frozenset({"message/rfc822", "message/global"})

ENCRYPTED = "This mail is encrypted, so nobody here can read it."
WINMAIL = (
    "Outlook packed files into “winmail.dat”, which we cannot open. "
    "They have to be sent again from a mail in HTML or plain text."
)
DECORATION = "Small pictures of the mail's layout were left out."


@dataclass
class Parts:
    """`text` is what was written; `is_plain` whether its writer wrote it so."""

    texts: list[str] = field(default_factory=list)
    is_plain: bool = True
    files: list[File] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n\n".join(text for text in self.texts if text.strip())

    def remark(self, sentence: str) -> None:
        if sentence not in self.remarks:
            self.remarks.append(sentence)


def collect(message: Message) -> Parts:
    """Raises Unreadable for a mail that is built to exhaust its reader."""
    if sum(1 for _ in _walk(message, 0)) > _MOST_PARTS:
        raise Unreadable("This mail has too many parts to be read. Send it as plain text.")
    found = Parts()
    _add(message, found)
    return found


def _walk(part: Message, depth: int) -> Iterator[Message]:
    if depth > _DEEPEST:
        raise Unreadable("This mail is nested too deeply to be read. Send it as plain text.")
    yield part
    for child in _children(part):
        yield from _walk(child, depth + 1)


def _add(part: Message, found: Parts) -> None:
    kind = part.get_content_type()
    if kind in _LETTERS:
        _add_letter(part, found)
    elif kind == "multipart/alternative" and part.is_multipart():
        _add_best(part, found)
    elif part.is_multipart():
        for child in _children(part):
            _add(child, found)
    elif kind in _ENCRYPTED:
        found.remark(ENCRYPTED)
    elif _is_written(part, kind):
        found.texts.append(_text(part, kind))
        found.is_plain = found.is_plain and kind != "text/html"
    elif kind not in _SIGNATURES:
        _add_file(part, kind, found)


def _children(part: Message) -> list[Message]:
    # Asked of a single part, the library decodes it, with whatever codec the sender names.
    found = part.get_payload() if part.is_multipart() else ()
    return [child for child in found if isinstance(child, Message)]


def _add_best(part: Message, found: Parts) -> None:
    """One of several renderings of the same words: plain text unless it says nothing."""
    offered: list[Parts] = []
    for child in _children(part):
        offered.append(Parts())
        _add(child, offered[-1])
    telling = [each for each in offered if each.text.strip()]
    best = next((each for each in telling if each.is_plain), telling[0] if telling else None)
    if best is not None:
        found.texts += best.texts
        found.is_plain = found.is_plain and best.is_plain
    for each in offered:
        found.files += each.files
        for sentence in each.remarks:
            found.remark(sentence)


def _is_written(part: Message, kind: str) -> bool:
    """Text of the mail itself. A part without a kind that makes sense is read as text, too."""
    attached = part.get_content_disposition() == "attachment" or part.get_filename()
    return not attached and (kind in _WRITTEN or kind.startswith("multipart/"))


def _text(part: Message, kind: str) -> str:
    text = inbox_charset.text(_data(part), part.get_content_charset("utf-8"))
    return html_text.plain(text[:_MOST_MARKUP]) if kind == "text/html" else text


def _data(part: Message) -> bytes:
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _add_file(part: Message, kind: str, found: Parts) -> None:
    data = _data(part)
    name = inbox_headers.decoded(str(part.get_filename() or ""))
    if kind.endswith("ms-tnef") or name.lower() == "winmail.dat":
        found.remark(WINMAIL)
    elif kind.startswith("image/") and "content-id" in part and len(data) < _DECORATION:
        found.remark(DECORATION)
    elif data or name:
        number = len(found.files) + 1
        unnamed = f"attachment-{number}{mimetypes.guess_extension(kind) or ''}"
        found.files.append(File(upload_names.clean(name or unnamed), kind, data))


def _add_letter(part: Message, found: Parts) -> None:
    """A mail that was attached to the mail, kept as the file it is."""
    for letter in _children(part)[:1]:
        subject = inbox_headers.Headers(letter).words("subject")
        name = inbox_headers.decoded(str(part.get_filename() or "")) or f"{subject or 'email'}.eml"
        found.files.append(File(upload_names.clean(name), "message/rfc822", letter.as_bytes()))
