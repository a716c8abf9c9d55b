"""A mail server for tests: keeps what it takes, refuses what it is told to refuse."""

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Sink:
    """`rcpt`, `data` and `quit` are the answers; empty means yes."""

    rcpt: str = ""
    data: str = ""
    port: int = 0
    taken: list[Envelope] = field(default_factory=list)
    drop_at_quit: bool = False
    encrypted: bool = False

    async def handle_RCPT(  # noqa: N802 - the server's naming
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt:
            return self.rcpt
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the server's naming
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data:
            return self.data
        self.taken.append(envelope)
        self.encrypted = session.ssl is not None
        if self.drop_at_quit and isinstance(server.transport, asyncio.WriteTransport):
            asyncio.get_running_loop().call_later(0.02, server.transport.abort)
        return "250 taken"

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def running(sink: Sink, tls: ssl.SSLContext | None = None) -> AsyncIterator[Sink]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(sink, enable_SMTPUTF8=True, hostname="localhost", tls_context=tls),
        "127.0.0.1",
        0,
    )
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


def self_signed(pem: Path) -> ssl.SSLContext:
    """A certificate for this machine that nobody vouches for, until `pem` is trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    named = builder.add_extension(here, critical=False)
    dated = named.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(1))
    certificate = dated.sign(key, hashes.SHA256())
    coding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(coding, serialization.PrivateFormat.PKCS8, plain)
    pem.write_bytes(private + certificate.public_bytes(coding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
