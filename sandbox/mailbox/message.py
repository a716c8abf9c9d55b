"""One message as the mail server took it, and what a person wants to read of it."""

from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from functools import cached_property


@dataclass(frozen=True)
class Attachment:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """The envelope as spoken, and the bytes as sent. Everything else is read from those."""

    number: int
    received_at: datetime
    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @cached_property
    def parsed(self) -> EmailMessage:
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def header(self, name: str) -> str:
        return str(self.parsed.get(name, ""))

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name, str(value)) for name, value in self.parsed.items()]

    @property
    def subject(self) -> str:
        return self.header("subject")

    @property
    def message_id(self) -> str:
        return self.header("message-id").strip()

    @property
    def from_(self) -> str:
        return self.header("from") or self.sender

    @property
    def from_name(self) -> str:
        name, address = getaddresses([self.from_])[0]
        return name or address

    @property
    def reply_to(self) -> str:
        return getaddresses([self.header("reply-to") or self.from_])[0][1]

    @cached_property
    def text(self) -> str:
        return self._part("plain")

    @cached_property
    def html(self) -> str:
        return self._part("html")

    @property
    def preview(self) -> str:
        return " ".join(self.text.split())[:160]

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        return tuple(
            Attachment(
                part.get_filename() or f"part-{number}",
                part.get_content_type(),
                part.get_payload(decode=True) or b"",  # type: ignore[arg-type]
            )
            for number, part in enumerate(self.parsed.iter_attachments(), 1)
        )

    def _part(self, kind: str) -> str:
        part = self.parsed.get_body((kind,))
        try:
            return str(part.get_content()) if part else ""
        except (LookupError, ValueError):
            # A charset nobody knows: show what can be shown.
            payload = part.get_payload(decode=True) if part else b""
            return payload.decode("latin-1") if isinstance(payload, bytes) else ""
