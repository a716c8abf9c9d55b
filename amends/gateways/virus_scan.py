"""Asks a ClamAV daemon whether a file carries a virus, over its INSTREAM command."""

import socket
import struct
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from amends import facts

_TIMEOUT_S: Final = 30  # for each answer; scanning 10 MB takes the daemon about a second
_CHUNK: Final = 64 * 1024
_CLEAN: Final = b"OK"
_FOUND: Final = b"FOUND"
_LONGEST_ANSWER: Final = 4096


class ScannerUnavailable(facts.Unavailable):
    """The virus scanner does not answer, so nothing is let through."""


class Scanner:
    """A `Scan` for uploads.check. `url`: tcp://host:3310 or unix:///run/clamav/clamd.ctl."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"tcp", "unix"} or not (parts.hostname or parts.path):
            raise ValueError("a scanner is written tcp://host:port or unix:///path")
        self._url = parts

    def __call__(self, data: bytes) -> bool:
        """Whether the file carries a virus. ScannerUnavailable when that cannot be told."""
        try:
            answer = self._asked(data)
        except OSError as error:
            raise _unavailable() from error
        if answer.endswith(_FOUND):
            return True
        if answer.endswith(_CLEAN):
            return False
        raise _unavailable()

    def _asked(self, data: bytes) -> bytes:
        with self._connected() as line:
            line.sendall(b"zINSTREAM\0")
            for start in range(0, len(data), _CHUNK):
                chunk = data[start : start + _CHUNK]
                line.sendall(struct.pack("!L", len(chunk)) + chunk)
            line.sendall(struct.pack("!L", 0))
            return _answer(line)

    def _connected(self) -> socket.socket:
        if self._url.scheme == "tcp":
            place = (self._url.hostname or "", self._url.port or 3310)
            return socket.create_connection(place, timeout=_TIMEOUT_S)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(_TIMEOUT_S)
        try:
            line.connect(self._url.path)
        except OSError:
            line.close()
            raise
        return line


class Patient:
    """A `Scan` that goes on without its scanner and says so: the file waits to be checked."""

    def __init__(self, scanner: Callable[[bytes], bool]) -> None:
        self._scanner = scanner
        self.missed = False

    def __call__(self, data: bytes) -> bool:
        try:
            return self._scanner(data)
        except ScannerUnavailable:
            self.missed = True
            return False


def _answer(line: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
        part = line.recv(_LONGEST_ANSWER)
        if not part:
            break
        answer += part
    return answer.rstrip(b"\0\n")


def _unavailable() -> ScannerUnavailable:
    return ScannerUnavailable("Files cannot be checked at the moment. Try again in a few minutes.")
