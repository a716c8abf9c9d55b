"""Mail to customers: composed from templates, sent by SMTP, failures told apart."""

import asyncio
import contextlib
import ipaddress
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from amends import facts
from amends.gateways import mail_contexts, mail_pages, plain_text, upload_names

_TIMEOUT_S: Final = 20
# A dead line with a slow answer to every command would otherwise add up to minutes.
_WHOLE_TIMEOUT_S: Final = 120
_MESSAGE_ID: Final = re.compile(r"<[!-;=?-~]{1,120}@[!-;=?-~]{1,120}>")
# Mailboxes as they exist; quoted ones are allowed by the standard and used by attackers only.
_LOCAL: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,30}")
_LONGEST_LOCAL: Final = 64
_DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}
_PERMANENT: Final = 500
# What a person wrote is answered by people; anything else must not start a loop of replies.
_BY_A_PERSON: Final = frozenset({mail_contexts.MessageFromUs.kind})


class TryLater(facts.Unavailable):
    """The mail was not taken now; the same mail may be sent again later."""


class Undeliverable(facts.Fact):
    """The recipient will never get this mail; a person has to look at the address."""


@dataclass(frozen=True)
class Envelope:
    """Who gets the mail from whom, and how replies find the case.

    `message_id` is fixed before the first try, so a mail sent twice is recognised as one.
    """

    to: str
    sender: str
    reply_to: str
    message_id: str
    written_at: datetime
    in_reply_to: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attachment:
    """A file that goes with the mail; the name is for display."""

    name: str
    content_type: str
    data: bytes


def new_message_id(token: str, sender: str) -> str:
    """`token` is what the row is known by; the domain is the sender's."""
    return _message_id(f"<{token}@{sender.rpartition('@')[2]}>")


def compose(
    mail: mail_contexts.Mail, envelope: Envelope, attachments: Sequence[Attachment] = ()
) -> EmailMessage:
    """The whole mail. Undeliverable when the recipient's address can be nobody's."""
    texts = mail_pages.render(mail)
    message = EmailMessage(policy=SMTP)
    _address(message, envelope, mail.company.name)
    message["Subject"] = texts.subject
    if mail.kind not in _BY_A_PERSON:
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    message.set_content(texts.text, cte="quoted-printable")
    message.add_alternative(texts.html, subtype="html", cte="quoted-printable")
    for attachment in attachments:
        _attach(message, attachment)
    return message


def _address(message: EmailMessage, envelope: Envelope, company: str) -> None:
    message["From"] = _one(envelope.sender, plain_text.line(company))
    message["To"] = _recipient(envelope.to)
    message["Reply-To"] = _one(envelope.reply_to, plain_text.line(company))
    message["Date"] = format_datetime(envelope.written_at)
    message["Message-ID"] = _message_id(envelope.message_id)
    if envelope.in_reply_to:
        message["In-Reply-To"] = _message_id(envelope.in_reply_to)
    if envelope.references:
        message["References"] = " ".join(_message_id(each) for each in envelope.references)


def _recipient(address: str) -> Address:
    try:
        return _one(address)
    except ValueError as error:
        raise Undeliverable("This is not an email address a mail can be sent to.") from error


def _one(address: str, display_name: str = "") -> Address:
    """Exactly one mailbox; ValueError for lists, comments, line breaks and other tricks."""
    local, _, domain = address.rpartition("@")
    ascii_domain = domain.encode("idna").decode("ascii")
    if len(local) > _LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        raise ValueError("not one mailbox")
    if not _DOMAIN.fullmatch(ascii_domain):
        raise ValueError("not a domain")
    return Address(display_name, local, ascii_domain)


def _message_id(text: str) -> str:
    if not _MESSAGE_ID.fullmatch(text):
        raise ValueError("a message id is written <name@domain>")
    return text


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    maintype, _, subtype = attachment.content_type.partition("/")
    name = upload_names.clean(attachment.name)
    message.add_attachment(attachment.data, maintype=maintype, subtype=subtype, filename=name)


# --- Sending -----------------------------------------------------------------------------------


async def send(message: EmailMessage, smtp_url: str) -> None:
    """Hands the mail over. Returns when the server took it; else TryLater or Undeliverable.

    `smtp_url`: smtp://user:pass@host:587 (STARTTLS, which must work unless the host is this
    machine) or smtps://user:pass@host:465.
    """
    client = _client(smtp_url)
    try:
        async with asyncio.timeout(_WHOLE_TIMEOUT_S):
            await client.connect()
            await client.send_message(message)
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ssl.SSLError) as error:
        raise _told_apart(error) from error
    finally:
        await _leave(client)


def _client(smtp_url: str) -> aiosmtplib.SMTP:
    parts = urlsplit(smtp_url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("a mail server is written smtp://host:port or smtps://host:port")
    encrypted = parts.scheme == "smtps"
    return aiosmtplib.SMTP(
        hostname=parts.hostname,
        port=parts.port or _DEFAULT_PORTS[parts.scheme],
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=encrypted,
        start_tls=not encrypted and not _is_this_machine(parts.hostname),
        timeout=_TIMEOUT_S,
    )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _leave(client: aiosmtplib.SMTP) -> None:
    # The mail is taken or refused by now: a failing good-bye must not make it sent again.
    with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        await client.quit(timeout=_TIMEOUT_S)
    client.close()


def _told_apart(error: Exception) -> TryLater | Undeliverable:
    """Only a lasting no to the recipient or to the content ends the tries.

    A lasting no to us (password, sender, missing encryption) is ours to mend, so the mail waits.
    """
    match error:
        case aiosmtplib.SMTPRecipientsRefused() if _all_permanent(error):
            return Undeliverable(f"The mail server refused the recipient: {_reply(error)}")
        case aiosmtplib.SMTPRecipientRefused() | aiosmtplib.SMTPDataError() if (
            error.code >= _PERMANENT
        ):
            return Undeliverable(f"The mail server refused the mail: {_reply(error)}")
        case _:
            return TryLater(f"The mail server did not take the mail: {_reply(error)}")


def _all_permanent(error: aiosmtplib.SMTPRecipientsRefused) -> bool:
    return all(refusal.code >= _PERMANENT for refusal in error.recipients)


def _reply(error: Exception) -> str:
    """What the server said, short, for staff who look after undelivered mail."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return _reply(error.recipients[0])
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return plain_text.line(f"{error.code} {error.message}")[:200]
    return type(error).__name__
