"""The SMTP server, on loopback only, in the event loop of whoever starts it."""

import asyncio
import socket

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.mailbox.faults import Faults
from sandbox.mailbox.store import Mailbox

HOST = "127.0.0.1"
MAX_MESSAGE_BYTES = 40 * 1024 * 1024


class Server:
    """`port` 0 lets the system choose; from then on the port stays the same."""

    def __init__(self, mailbox: Mailbox, port: int = 0) -> None:
        self.mailbox = mailbox
        self.faults = Faults()
        self._socket: socket.socket | None = _listen(port)
        self.port = int(self._socket.getsockname()[1])
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to accept; also ends a time of refused connections."""
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(
                self._session, sock=self._socket or _listen(self.port)
            )
            self._socket = None

    async def stop(self) -> None:
        """Refuse connections from now on. Also how a server that is down is played."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @property
    def is_accepting(self) -> bool:
        return self._server is not None

    def _session(self) -> SMTP:
        return SMTP(
            _Handler(self),
            hostname="mail.sandbox.example",
            data_size_limit=MAX_MESSAGE_BYTES,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )


class _Handler:
    """aiosmtpd calls these by name. The names are its own, hence the capitals."""

    def __init__(self, server: Server) -> None:
        self.server = server

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self.server.faults.answer_to_recipient(address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope
    ) -> str:
        refusal = self.server.faults.answer_to_message()
        if refusal is None:
            content = envelope.content
            raw = content if isinstance(content, bytes) else str(content or "").encode()
            mailbox = self.server.mailbox
            mailbox.add(envelope.mail_from or "", tuple(envelope.rcpt_tos), raw)
        return refusal or "250 OK"


def _listen(port: int) -> socket.socket:
    """Bound, not yet listening: clients are refused until the server starts."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind((HOST, port))
    bound.setblocking(False)
    return bound
