"""What all processes of a run share: the fast clock, addresses, and how they are started."""

import json
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from stripe import _object_classes

from amends import clock, settings
from tests.shop import SECRET, START

# One real second is half a minute for everybody: a look-up after a minute comes in two seconds.
SPEED = 30


@dataclass(frozen=True)
class Stage:
    """One run: its database, its two servers' sockets, its clock, the worker that is tried."""

    folder: Path
    database_url: str
    twin: socket.socket
    portal: socket.socket
    began: float
    seed: int
    variant: str = "as it is"
    # A started worker waits here until it is its turn.
    starting: int = -1

    @property
    def twin_url(self) -> str:
        return f"http://127.0.0.1:{self.twin.getsockname()[1]}"

    @property
    def portal_url(self) -> str:
        return f"http://127.0.0.1:{self.portal.getsockname()[1]}"

    @property
    def clock_file(self) -> Path:
        return self.folder / "clock.json"

    def at_work(self, pid: int) -> Path:
        """The file by which a worker says that it is at work."""
        return self.folder / f"{pid}.at_work"

    def warm(self, pid: int) -> Path:
        """The file by which a spare worker says that it only waits for its turn."""
        return self.folder / f"{pid}.warm"

    def jump(self, seconds: int) -> None:
        """Time jumps for every process at once."""
        before = json.loads(self.clock_file.read_text())["offset_s"]
        fresh = self.clock_file.with_suffix(".new")
        fresh.write_text(json.dumps({"offset_s": before + seconds}))
        fresh.replace(self.clock_file)


def listening() -> socket.socket:
    """A socket that outlives the server behind it, so that a killed one leaves no gap."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("127.0.0.1", 0))
    made.listen(128)
    return made


def set_up(stage: Stage) -> None:
    """In each process: its settings, and the fast clock."""
    os.environ |= {
        "AMENDS_DATABASE_URL": stage.database_url,
        "AMENDS_STRIPE_SECRET_KEY": "sk_test_worker",
        "AMENDS_STRIPE_API_BASE": stage.twin_url,
        "AMENDS_STRIPE_WEBHOOK_SECRET": SECRET,
        "AMENDS_SECRET_KEY": "tests-only-" + "k" * 32,
        "AMENDS_PORTAL_URL": stage.portal_url,
        "AMENDS_FILES_URL": (stage.folder / "files").as_uri(),
        "AMENDS_CLOCK_FILE": str(stage.clock_file),
    }
    settings.load.cache_clear()
    clock.use(
        lambda: START + timedelta(seconds=(time.time() - stage.began) * SPEED),
        lambda: time.monotonic() * SPEED,
    )


def imported() -> None:
    """The SDK's classes, which it imports when it first meets one: once, for all that follow."""
    for name in ("charge", "dispute", "event", "list", "payment_intent", "refund"):
        _object_classes.get_object_class("V1", name)
    _object_classes.get_object_class("V1", "radar.early_fraud_warning")


def fork(stage: Stage, name: str, body: Callable[[Stage], None]) -> int:
    """A process of its own; everything is imported already, so it starts in milliseconds."""
    pid = os.fork()
    if pid:
        return pid
    try:
        log = os.open(stage.folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        set_up(stage)
        body(stage)
    except BaseException:  # noqa: BLE001 - the child must never return into the parent's code
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(0)


def end(pid: int) -> None:
    """Kill and collect a child of ours."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    os.waitpid(pid, 0)
