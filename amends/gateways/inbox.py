"""Takes mail by SMTP or LMTP from our own mail gateway, and says yes only when it is stored."""

import asyncio
import ipaddress
import logging
import weakref
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog
from aiosmtpd import lmtp, smtp

from amends import facts
from amends.gateways import inbox_reading
from amends.gateways.inbox_mail import Mail, Unreadable

MAX_BYTES: Final = 25 * 1024 * 1024
MAX_RECIPIENTS: Final = 10
_WHOLE_S: Final = 120  # reading, checking of files, storing
_AT_ONCE: Final = 4  # mails that are read at the same time; the others wait
_GRACE_S: Final = 20
_LONGEST_LINE: Final = 64 * 1024
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")

log = structlog.get_logger(__name__)
# It writes what clients send into its lines; no word of a mail may stand in a log.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)

_TAKEN: Final = "250 2.0.0 Taken"
_LATER: Final = "451 4.3.0 This mail cannot be stored now. It is taken when it is sent again"
_STRANGER: Final = "550 5.7.1 Only the mail gateway of this company hands over mail here"
_NOBODY: Final = "550 5.1.1 There is no such mailbox. Reply addresses work as they were sent"
_CROWDED: Final = "452 4.5.3 Too many recipients"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Wire(StrEnum):
    SMTP = "smtp"
    LMTP = "lmtp"


@dataclass(frozen=True)
class Inbox:
    """`take` returns when the mail is stored for good, and raises when it is not.

    Whoever may connect is believed about senders, so that has to be our own gateway only.
    """

    take: Callable[[Mail], Awaitable[object]]
    is_ours: Callable[[str], bool]
    gateway: str
    relays: Sequence[Network] = field(
        default_factory=lambda: [ipaddress.ip_network(each) for each in LOOPBACK]
    )

    def knows(self, peer: object) -> bool:
        """Whether the other end of the connection is our gateway."""
        host = peer[0] if isinstance(peer, tuple) and peer else ""
        try:
            address = ipaddress.ip_address(str(host).partition("%")[0])
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self.relays)


class Listener:
    """The server. `start` returns the port, which the system chooses for port 0."""

    def __init__(self, inbox: Inbox, wire: Wire) -> None:
        self._handler = _Handler(inbox, wire)
        self._wire = wire
        self._server: asyncio.Server | None = None
        self._sessions: weakref.WeakSet[smtp.SMTP] = weakref.WeakSet()

    async def start(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """No new mail; those that are being stored get their answer first."""
        if self._server is not None:
            self._server.close()
        await self._handler.rest()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        await asyncio.sleep(0)

    def _session(self) -> smtp.SMTP:
        made = _SESSIONS[self._wire](
            self._handler,
            data_size_limit=MAX_BYTES,
            enable_SMTPUTF8=True,
            hostname="amends",
            ident="Amends",
            loop=asyncio.get_running_loop(),
        )
        self._sessions.add(made)
        return made


class _Smtp(smtp.SMTP):
    line_length_limit = _LONGEST_LINE


class _Lmtp(lmtp.LMTP):
    line_length_limit = _LONGEST_LINE


_SESSIONS: Final = {Wire.SMTP: _Smtp, Wire.LMTP: _Lmtp}


class _Handler:
    """aiosmtpd calls these by name. The names are its own, hence the capitals."""

    def __init__(self, inbox: Inbox, wire: Wire) -> None:
        self._inbox = inbox
        self._wire = wire
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle_MAIL(  # noqa: N802
        self,
        server: smtp.SMTP,
        session: smtp.Session,
        envelope: smtp.Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if not self._inbox.knows(session.peer):
            return _STRANGER
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self,
        server: smtp.SMTP,
        session: smtp.Session,
        envelope: smtp.Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return _CROWDED
        if not self._inbox.is_ours(address):
            return _NOBODY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: smtp.SMTP, session: smtp.Session, envelope: smtp.Envelope
    ) -> str:
        self._busy += 1
        self._idle.clear()
        try:
            answer = await self._answer(envelope)
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()
        # LMTP wants an answer for each recipient; they are all one inbox, so it is the same.
        times = len(envelope.rcpt_tos) if self._wire is Wire.LMTP else 1
        return "\r\n".join([answer] * times)

    async def handle_exception(self, error: Exception) -> str:
        log.error("inbox session failed", error=type(error).__name__)
        return _LATER

    async def rest(self) -> None:
        """Wait until no mail is being stored, or long enough."""
        try:
            await asyncio.wait_for(self._idle.wait(), _GRACE_S)
        except TimeoutError:
            log.warning("inbox ends before a mail is stored", mails=self._busy)

    async def _answer(self, envelope: smtp.Envelope) -> str:
        try:
            async with asyncio.timeout(_WHOLE_S), self._places:
                mail = await asyncio.to_thread(self._read, envelope)
                await self._inbox.take(mail)
        except Unreadable as refusal:
            return f"554 5.6.0 {refusal}"
        except facts.TooMany:
            return "450 4.7.1 Too many mails from this sender. They are taken later"
        except Exception as error:  # noqa: BLE001 - whatever it is, the sender keeps the mail
            # The name only: messages of errors may hold what the mail holds.
            log.error("mail not stored", error=type(error).__name__, at=_place(error))
            return _LATER
        return _TAKEN

    def _read(self, envelope: smtp.Envelope) -> Mail:
        content = envelope.original_content or b""
        sender, recipients = envelope.mail_from or "", tuple(envelope.rcpt_tos)
        return inbox_reading.read(content, sender, recipients, self._inbox.gateway)


def _place(error: BaseException) -> str:
    """Where in our code it happened: file and line, without any value."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}" if frame else ""
