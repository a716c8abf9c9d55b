"""A mail from anybody to the application's inbox, as a customer's mail program would send it."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

import aiosmtplib

from sandbox.mailbox.message import Attachment


@dataclass(frozen=True)
class Inbox:
    """Where the application takes mail from customers."""

    host: str
    port: int
    address: str
    # The name the company's mail gateway signs its verdicts with (RFC 8601).
    gateway: str = "mx.amends.example"


@dataclass(frozen=True)
class Draft:
    sender: str
    to: str
    subject: str
    text: str
    in_reply_to: str = ""
    # What the gateway says of the sender: "pass", "fail", or "" when it says nothing.
    dmarc: str = ""
    attachments: tuple[Attachment, ...] = ()


class Undeliverable(Exception):
    """The inbox did not take the mail; the text says what it answered."""


def build(draft: Draft, inbox: Inbox, now: datetime) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    domain = draft.sender.rpartition("@")[2].strip("> ") or "sandbox.example"
    if draft.dmarc:
        verdict = f"{inbox.gateway}; dmarc={draft.dmarc} header.from={domain}"
        message["Authentication-Results"] = verdict
    message["From"], message["To"] = draft.sender, draft.to
    message["Subject"] = draft.subject
    message["Date"], message["Message-ID"] = format_datetime(now), make_msgid(domain=domain)
    if draft.in_reply_to:
        message["In-Reply-To"] = message["References"] = draft.in_reply_to
    message.set_content(draft.text)
    for attachment in draft.attachments:
        kind, _, subtype = attachment.content_type.partition("/")
        message.add_attachment(
            attachment.content,
            maintype=kind or "application",
            subtype=subtype or "octet-stream",
            filename=attachment.name,
        )
    return message


async def send(draft: Draft, inbox: Inbox, now: datetime) -> None:
    try:
        message = build(draft, inbox, now)
        await aiosmtplib.send(message, hostname=inbox.host, port=inbox.port, start_tls=False)
    except (aiosmtplib.SMTPException, ValueError) as error:
        raise Undeliverable(str(error) or type(error).__name__) from error
