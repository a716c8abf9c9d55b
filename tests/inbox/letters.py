"""Mails as they come in, byte by byte, for every test of the inbox."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count

from amends.gateways import inbox_reading
from amends.gateways.inbox_mail import Mail

GATEWAY = "mx.amends.example"
SUPPORT = "support@northwind.example"
SENDER = "billing@northwind.example"
PRIYA = "billing@harborfitness.example"
EVE = "eve@evil.example"
_ids = count(1)


@dataclass(frozen=True)
class Letter:
    """What a test says of a mail; the rest is usual. `dmarc` is our gateway's verdict, if any."""

    sender: str = f"Priya Raman <{PRIYA}>"
    to: str = SUPPORT
    subject: str = "A question"
    text: str = "We were charged twice for order SO-10482."
    dmarc: str = "pass"
    envelope_from: str = "bounces@harborfitness.example"
    message_id: str = ""
    answers: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str, bytes], ...] = ()

    def with_(self, **changes: object) -> "Letter":
        return replace(self, **changes)  # type: ignore[arg-type]

    def message(self) -> EmailMessage:
        made = EmailMessage(policy=SMTP)
        made["Received"] = "from mail.example by mx.amends.example; Tue, 24 Nov 2026 15:00:00 +0000"
        if self.dmarc:
            made["Authentication-Results"] = verdict(self.dmarc, self.sender)
        made["From"], made["To"], made["Subject"] = self.sender, self.to, self.subject
        made["Date"] = "Tue, 24 Nov 2026 15:00:00 +0000"
        made["Message-ID"] = self.message_id or f"<{next(_ids)}.letter@harborfitness.example>"
        if self.answers:
            made["In-Reply-To"] = made["References"] = self.answers
        for name, value in self.headers:
            made[name] = value
        made.set_content(self.text)
        for name, kind, data in self.files:
            maintype, _, subtype = kind.partition("/")
            made.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
        return made

    def raw(self) -> bytes:
        return self.message().as_bytes()

    def read(self) -> Mail:
        return read(self.raw(), self.envelope_from, [self.to])


def verdict(dmarc: str, sender: str, gateway: str = GATEWAY) -> str:
    domain = sender.rpartition("@")[2].strip("> ")
    return f"{gateway}; spf=pass smtp.mailfrom=x.example; dmarc={dmarc} header.from={domain}"


def read(
    raw: bytes, envelope_from: str = "bounces@x.example", to: Sequence[str] = (SUPPORT,)
) -> Mail:
    return inbox_reading.read(raw, envelope_from, to, GATEWAY)


def raw(head: str, body: bytes | str = "Hello") -> bytes:
    """A mail by hand: `head` line by line, without the libraries' good manners."""
    lines = head.strip("\n").replace("\n", "\r\n")
    words = body.encode() if isinstance(body, str) else body
    return f"{lines}\r\n\r\n".encode("utf-8", "surrogateescape") + words


def bounce(mail_id: str, action: str = "failed", to: str = PRIYA) -> bytes:
    """A delivery report as Postfix writes it, with the headers of our mail at its end."""
    return raw(
        f"""
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: {SENDER}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <{next(_ids)}.report@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"
""",
        f"--b1\r\n\r\nThis is the mail system at host mx.example.\r\n"
        f"--b1\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {to}\r\nAction: {action}\r\nStatus: 5.1.1\r\n"
        f"Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n"
        f"--b1\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"From: {SENDER}\r\nMessage-ID: {mail_id}\r\nSubject: RB-2417\r\n\r\n--b1--\r\n",
    )
