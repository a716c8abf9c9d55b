"""Headers of a mail from outside, read without trust: raw, in order, and never parsed twice."""

import re
from collections.abc import Iterable, Sequence
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from typing import Final

from amends.gateways import inbox_charset, plain_text
from amends.gateways.inbox_mail import Origin
from amends.rules import card_numbers

_LONGEST: Final = 4000
_MOST_IDS: Final = 50
_ID: Final = re.compile(r"<[!-;=?-~]{1,120}@[!-;=?-~]{1,120}>")
_ADDRESS: Final = re.compile(r"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,253}")
_UNFOLD: Final = re.compile(r"[\r\n]+[ \t]*")
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_AUTOMATIC: Final = ("x-autoreply", "x-autorespond", "x-loop", "list-id", "list-post")
_TO: Final = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")


class Headers:
    """The header fields in their order, unfolded, with bytes outside ASCII made readable."""

    def __init__(self, message: Message) -> None:
        self._fields = [(name.strip().lower(), _text(value)) for name, value in message.raw_items()]

    def all(self, name: str) -> list[str]:
        return [value for found, value in self._fields if found == name]

    def first(self, name: str) -> str:
        return next(iter(self.all(name)), "").strip()[:_LONGEST]

    def words(self, name: str) -> str:
        """Shown to people: decoded, one line, without card numbers."""
        return card_numbers.mask(plain_text.line(decoded(self.first(name))))

    def ids(self, *names: str) -> tuple[str, ...]:
        """Message ids, the nearest mail last."""
        found = [each for name in names for each in _ID.findall(self.first(name))]
        return tuple(dict.fromkeys(found[-_MOST_IDS:]))

    def recipients(self, envelope: Iterable[str]) -> tuple[str, ...]:
        named = (_ADDRESS.findall(self.first(name)) for name in _TO)
        found = [*envelope, *(address for addresses in named for address in addresses)]
        return tuple(dict.fromkeys(found[: 2 * _MOST_IDS]))

    def origin(self, envelope_from: str) -> Origin:
        """Whether a program wrote it (RFC 3834, and what programs do in fact)."""
        submitted = self.first("auto-submitted").partition(";")[0].strip().lower()
        if submitted not in ("", "no") or any(self.all(name) for name in _AUTOMATIC):
            return Origin.MACHINE
        if envelope_from.strip() in ("", "<>") or "<>" in self.first("return-path"):
            return Origin.MACHINE
        if self.first("precedence").lower() in _BULK:
            return Origin.MACHINE
        hints = ("x-auto-response-suppress", "list-unsubscribe", "feedback-id")
        return Origin.UNSURE if any(self.all(name) for name in hints) else Origin.PERSON


def message_id(texts: Sequence[str]) -> str:
    """The id of the mail, or empty when it has none that may be kept."""
    found = _ID.fullmatch(texts[0].strip()) if len(texts) == 1 else None
    return found[0] if found and not card_numbers.contains(found[0]) else ""


def decoded(text: str) -> str:
    """With =?utf-8?q?encoded words?= read; as it stands when they are broken."""
    try:
        parts = decode_header(text[:_LONGEST])
    except (HeaderParseError, ValueError):
        return text
    return "".join(
        part if isinstance(part, str) else inbox_charset.text(part, charset or "ascii")
        for part, charset in parts
    )


def _text(value: object) -> str:
    text = _UNFOLD.sub(" ", str(value))
    if text.isascii():
        return text
    return inbox_charset.text(text.encode("utf-8", "surrogateescape"), "utf-8")
