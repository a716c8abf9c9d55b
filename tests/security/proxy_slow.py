"""Clients that take their time, held open by the dozen, while another one is answered."""

import socket
import ssl
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from tests.security.proxy_stage import HOST, Stage

CONNECTIONS = 80
SECONDS = 20
_DRIP_S = 1.0
# A whole answer to somebody else may take so long at most, beside all the slow ones.
WORST_MS = 3_000
# nginx counts connections by address: the slow ones come from one, the other client from another.
SLOW_FROM, OTHER_FROM = "127.0.0.2", "127.0.0.3"
_HEAD = f"POST /sign-in HTTP/1.1\r\nHost: {HOST}\r\nSec-Fetch-Site: same-origin\r\n"
_BODY = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n"


@dataclass(frozen=True)
class Way:
    """How a slow client behaves: what it says at first, and what it drips after that."""

    what: str
    through: str
    first: bytes
    drip: bytes


_SLOW_HEAD = Way("headers, a line a second", "", _HEAD.encode(), b"X-A: b\r\n")
_SLOW_BODY = Way("a body, a byte a second", "", (_HEAD + _BODY).encode(), b"a")
_SILENT = Way("nothing said", "", b"", b"")
WAYS = tuple(
    Way(each.what, through, each.first, each.drip)
    for through in ("nginx", "no proxy")
    for each in (_SLOW_HEAD, _SLOW_BODY, _SILENT)
)


@dataclass(frozen=True)
class Held:
    """What came of one way."""

    what: str
    through: str
    connections: int
    asked: int
    answered: int
    median_ms: float
    worst_ms: float
    cut_off: int

    @property
    def is_good(self) -> bool:
        return self.answered == self.asked and self.worst_ms < WORST_MS


def hold(stage: Stage, way: Way) -> Held:
    port = stage.tls if way.through == "nginx" else stage.portal
    with ExitStack() as stack:
        slow = [stack.enter_context(_open(port, way, SLOW_FROM)) for _ in range(CONNECTIONS)]
        alive = [each for each in slow if _say(each, way.first)]
        times, asked, until = [], 0, time.monotonic() + SECONDS
        while time.monotonic() < until:
            alive = [each for each in alive if _say(each, way.drip) and _is_open(each)]
            asked += 1
            with suppress(OSError, AssertionError):
                times.append(_timed(lambda: _ask(port, way)))
            time.sleep(_DRIP_S)
    worst, median = max(times, default=float("inf")), statistics.median(times or [float("inf")])
    return Held(
        way.what, way.through, CONNECTIONS, asked, len(times), median, worst,
        CONNECTIONS - len(alive),
    )  # fmt: skip


def _open(port: int, way: Way, source: str) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
    return _trusting().wrap_socket(plain, server_hostname=HOST) if way.through == "nginx" else plain


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _say(line: socket.socket, words: bytes) -> bool:
    try:
        line.sendall(words) if words else None
    except OSError:
        return False
    return True


def _is_open(line: socket.socket) -> bool:
    """Whether the other side still listens: an answer or an end means that it does not."""
    line.settimeout(0.001)
    try:
        line.recv(1)
    except (TimeoutError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False
    return False


def _ask(port: int, way: Way) -> None:
    """A whole request and its answer, on a connection of its own."""
    with _open(port, way, OTHER_FROM) as line:
        line.sendall(f"GET /sign-in HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while more := line.recv(65_536):
            said += more
    assert said.startswith(b"HTTP/1.1 200"), said[:80]


def _timed(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return (time.monotonic() - began) * 1000
