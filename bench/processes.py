"""Processes of a measurement: started by command, read by /proc, ended by their own id."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024
_STOP_S = 30
# Of the webhooks, in every measurement.
SECRET = "whsec_" + "bench0only" * 4
_START_S = 180


@dataclass(frozen=True)
class Child:
    """A process of ours. Its output goes to a file in the measurement's folder."""

    name: str
    process: asyncio.subprocess.Process
    log: Path
    # What an earlier process of this name wrote stands before here.
    since: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    async def says(self, words: str) -> None:
        """Wait until these words stand in its output."""
        for _ in range(_START_S * 20):
            if words in self._said():
                return
            if self.process.returncode is not None:
                break
            await asyncio.sleep(0.05)
        raise RuntimeError(f"{self.name} did not say {words!r}: {self._said()[-2000:]}")

    def _said(self) -> str:
        return self.log.read_bytes()[self.since :].decode(errors="replace")


@asynccontextmanager
async def running(
    folder: Path, name: str, *module: str, env: dict[str, str] | None = None
) -> AsyncIterator[Child]:
    """`python -m module…` until the block ends; then SIGTERM, and SIGKILL if it stays."""
    log = folder / f"{name}.log"
    with log.open("ab") as out:
        since = out.tell()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *module, stdout=out, stderr=out, env={**os.environ, **(env or {})}
        )
    try:
        yield Child(name, process, log, since)
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def cpu_ms(pid: int) -> float:
    """User and system time of a process so far."""
    return sum(_stat(pid)[11:13]) * 1000 / _TICK


def family_cpu_ms(pid: int) -> float:
    """The same of a process, its living children, and those that ended."""
    ended = sum(_stat(pid)[13:15]) * 1000 / _TICK
    return cpu_ms(pid) + ended + sum(cpu_ms(child) for child in _children(pid))


def _stat(pid: int) -> list[int]:
    """The numbers behind the name: utime and stime are at 11 and 12, their children's behind."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return [0] * 22
    return [
        int(each) if each.lstrip("-").isdigit() else 0 for each in text.rsplit(")", 1)[1].split()
    ]


def _children(pid: int) -> Iterator[int]:
    for each in Path("/proc").iterdir():
        if each.name.isdigit() and _stat(int(each.name))[1] == pid:
            yield int(each.name)


def rss_mb(pid: int) -> float:
    """Resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_KB / 1024


@contextmanager
def free_port() -> Iterator[int]:
    """A port that nobody has; it is held until the block ends, by a socket that never listens."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
