"""`python -m tests.simulate --seeds 500 [--start 1] [--processes 2]`: exits non-zero on any."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from amends import embedded
from tests.simulate import expected, run

FAST = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal",
    "max_wal_senders=0", "autovacuum=off", "track_activities=off", "jit=off",
    "plan_cache_mode=force_generic_plan",
)  # fmt: skip
_PROGRESS_S = 15.0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=500, help="how many")
    parser.add_argument("--start", "--first", type=int, default=1, help="the first seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--mutant", default="", help="break the code in this way; stop at once")
    parser.add_argument("--list", action="store_true", help="the invariants that are checked")
    options = parser.parse_args()
    if options.list:
        _list()
        return 0
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    folder = Path(tempfile.mkdtemp(prefix="amends-sim-"))
    folder.chmod(0o755)
    try:
        return _with_server(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_server(folder: Path, options: argparse.Namespace) -> int:
    # A server that is half up could not be stopped: what we are told meanwhile waits for it.
    _told.starting = True
    server = embedded.start(folder, *FAST)
    _told.starting = False
    try:
        if _told.number:
            raise SystemExit(128 + _told.number)
        return _run(server, options)
    finally:
        server.leave()


def _list() -> None:
    for name, text in expected.INVARIANTS.items():
        print(f"{name}: {text}")
    for name, text in expected.ELSEWHERE.items():
        print(f"{name}: not here. {text}")


@dataclass
class _Told:
    """A signal that came while the server was being started."""

    starting: bool = False
    number: int = 0


_told = _Told()


def _stop(number: int, frame: FrameType | None) -> None:
    """Told to stop: the children and PostgreSQL end with us, and what ran is told."""
    _told.number = number
    if not _told.starting:
        raise SystemExit(128 + number)


def _run(server: embedded.Server, options: argparse.Namespace) -> int:
    began, code = time.monotonic(), 1
    total = run.Total(options.start)
    try:
        _collect(server, options, total)
    finally:
        code = _summary(total, time.monotonic() - began)
    return code or (total.seeds != options.seeds)


def _collect(server: embedded.Server, options: argparse.Namespace, total: run.Total) -> None:
    began = last = time.monotonic()
    with run.started(
        server, options.start, options.seeds, options.processes, options.mutant
    ) as results:
        for result in results:
            total.add(result)
            if options.mutant and total.violations:
                print(f"{options.mutant}: red after {total.seeds} seeds")
                break
            if time.monotonic() - last > _PROGRESS_S:
                last = time.monotonic()
                print(total.line(last - began), flush=True)


def _summary(total: run.Total, seconds: float) -> int:
    for name, count in sorted(total.seen.items()):
        print(f"{name}: {count}")
    never = expected.missing(total.seen, total.seeds)
    for name in never:
        print(f"never happened: {name}", file=sys.stderr)
    used = total.cpu_s / max(total.seeds, 1)
    print(f"seconds: {seconds:.0f}  CPU seconds of Python per seed: {used:.3f}")
    print(f"every seed below {total.complete} is done")
    print(f"violations: {total.violations}  seeds: {total.seeds}", flush=True)
    return 1 if total.violations or never else 0


if __name__ == "__main__":
    # The simulation reads no setting of the machine.
    for name in [name for name in os.environ if name.startswith("AMENDS_")]:
        del os.environ[name]
    raise SystemExit(main())
