"""The demo's processes: start them, wait for them, show their errors, stop every one."""

import ctypes
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

import click
import httpx2

from amends import embedded
from amends.commands import demo_plan
from amends.commands.demo_plan import Plan

_STOP_S = 25  # the worker gives a job under way twenty seconds
_POLL_S = 0.1
_PR_SET_PDEATHSIG = 1
_BAD_LEVELS = {"error", "critical"}
_BAD_WORDS = ("ERROR", "CRITICAL", "Traceback ")


class Stopped(Exception):
    """Somebody asked for the end."""


class Failed(Exception):
    """A part of the demo ended by itself; the words say which and where to look."""


@dataclass
class Stop:
    """Whether the end was asked for. A flag, not an exception: the database's start and stop must
    never be cut in the middle."""

    asked: bool = False

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True

    def check(self) -> None:
        if self.asked:
            raise Stopped


@dataclass
class Child:
    """A running part and the end of its log that was looked at."""

    name: str
    process: subprocess.Popen[bytes]
    log: IO[str]

    def news(self) -> list[str]:
        """New lines of the log that tell of an error."""
        return [line for line in self.log.readlines() if _is_bad(line)]


@dataclass
class Children:
    plan: Plan
    stop: Stop
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, server: embedded.Server) -> Child:
        path = self.plan.log(name)
        path.parent.mkdir(exist_ok=True)
        with path.open("wb") as out:
            process = subprocess.Popen(  # noqa: S603 - our own program
                self.plan.command(name),
                env=self.plan.environment(name, server.url(user=demo_plan.user(name))),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches the demo alone, which then stops its parts in order.
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        child = Child(name, process, path.open(errors="replace"))
        self.running.append(child)
        return child

    def finish(self, child: Child) -> None:
        """Wait for a part that ends by itself. Raises Failed, Stopped."""
        while child.process.poll() is None:
            self.stop.check()
            time.sleep(_POLL_S)
        self.running.remove(child)
        if child.process.returncode:
            raise self._failure(child)

    def wait_for(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            self.look()
            if time.monotonic() > deadline:
                raise Failed(f"The {what} did not answer in {seconds:.0f} seconds.{self._logs()}")
            time.sleep(_POLL_S)

    def watch(self) -> None:
        """Until the end is asked for, or a part ends by itself."""
        while True:
            self.look()
            for child in self.running:
                for line in child.news():
                    click.echo(f"{child.name}: {_short(line)}", err=True)
            time.sleep(5 * _POLL_S)

    def look(self) -> None:
        self.stop.check()
        for child in self.running:
            if child.process.poll() is not None:
                raise self._failure(child)

    def end(self) -> None:
        """Stop every part; those that do not listen are killed."""
        _signal(self.running, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        for child in self.running:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal([child], signal.SIGKILL)
                child.process.wait()
            child.log.close()
        self.running.clear()

    def _failure(self, child: Child) -> Failed:
        tail = self.plan.log(child.name).read_text(errors="replace").splitlines()[-12:]
        words = "\n".join(f"  {line}" for line in tail)
        return Failed(f"The {child.name} ended by itself.{self._logs()}\n{words}")

    def _logs(self) -> str:
        return f" Logs: {self.plan.folder / 'logs'}"


def answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2).is_success
    except httpx2.HTTPError:
        return False


def _signal(children: Iterable[Child], number: signal.Signals) -> None:
    for child in children:
        if child.process.poll() is None:
            child.process.send_signal(number)


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux the kernel ends the parts when the demo itself is killed."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return ask_kernel


def _is_bad(line: str) -> bool:
    if line.startswith("{"):
        try:
            return json.loads(line).get("level") in _BAD_LEVELS
        except ValueError:
            return False
    return line.startswith(_BAD_WORDS)


def _short(line: str) -> str:
    """The event of a structured line, or the line itself."""
    with suppress(ValueError, AttributeError):
        line = str(json.loads(line).get("event", line))
    return line.strip()[:200]
