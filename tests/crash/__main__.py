"""`python -m tests.crash --kills 1000`: exits non-zero on a violation or a green red control."""

import argparse
import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import uvicorn

from amends import embedded, migrate, settings
from tests.crash import outside, workers
from tests.crash.stage import Stage, end, fork, imported, listening

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")
# Virtual seconds; after each jump everything that is due is worked off.
QUIET = (400, 400, 7_200, 100_000, 400_000)
# A red control is caught within these, or it stayed green.
RED_KILLS, RED_S = 600, 600.0
WORKERS = ("worker1", "worker2")
SPARES = 3
# Real seconds, both exponential: at work until the kill, and standing still. Any instant is as
# likely as any other, and one life in thirty is longer than a virtual minute.
LIFE_S, STILL_S = 0.6, 1.2
LONGEST_STILL_S = 6.0
_PROGRESS = 100


def main() -> int:
    # Ended from outside, the run still ends its own processes.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--minutes", type=float, default=60.0, help="kill no longer than this")
    parser.add_argument("--no-red", action="store_true", help="leave the red controls out")
    options = parser.parse_args()
    imported()
    folder = Path(tempfile.mkdtemp(prefix="amends-crash-"))
    folder.chmod(0o755)
    server = embedded.start(folder / "postgres", *FAST)
    try:
        embedded.create_database(server, "template_crash")
        asyncio.run(migrate.run(server.url("template_crash")))
        red = 0 if options.no_red else _red_controls(folder, server, options.seed)
        violations = _trial(folder, server, options)
    except BaseException:
        _show_logs(folder)
        raise
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if violations or red else 0


def _show_logs(folder: Path) -> None:
    """The last words of each process, when the run itself cannot go on."""
    for log in sorted(folder.glob("crash_*/*.log")):
        print(f"--- {log.parent.name}/{log.name}", log.read_text()[-8000:], file=sys.stderr)


def _trial(folder: Path, server: embedded.Server, options: argparse.Namespace) -> int:
    run = _run(folder, server, options.seed, "as it is")
    started, found = time.monotonic(), ["the run was ended before the comparison"]
    try:
        run.open()
        run.kill_for(options.kills, options.minutes)
        found = _compared(run)
    finally:
        run.close()
        for text in found[:20]:
            print(text, file=sys.stderr)
        seconds = time.monotonic() - started
        print(f"seed {options.seed}: {run.told()}, {seconds:.0f} seconds in all")
        if run.kills < options.kills:
            print(f"the time was over before {options.kills} kills", file=sys.stderr)
        print(f"violations: {len(found)}  kills: {run.kills}", flush=True)
    return len(found) + (run.kills < options.kills)


def _compared(run: "Run") -> list[str]:
    """Every case against Stripe's books, once nothing is under way. What never ends is told."""
    try:
        run.quiet()
    except TimeoutError as error:
        _show_logs(run.stage.folder.parent)
        return [str(error), *run.ask("verdict")["violations"]]
    return list(run.ask("verdict")["violations"])


def _red_controls(folder: Path, server: embedded.Server, seed: int) -> int:
    """Broken workers must be caught, or the trial proves nothing. Returns how many were not."""
    green = 0
    for variant in list(workers.VARIANTS)[1:]:
        run, began = _run(folder, server, seed, variant), time.monotonic()
        try:
            run.open()
            caught = run.kill_until_violation(RED_KILLS, RED_S)
        finally:
            run.close()
        green += not caught
        how = "caught" if caught else "red control stayed green"
        verdict = f"{how} after {run.kills} kills, {time.monotonic() - began:.0f} seconds"
        print(f"red control, {variant}: {verdict}", flush=True)
    return green


def _run(folder: Path, server: embedded.Server, seed: int, variant: str) -> "Run":
    name = "crash_" + secrets.token_hex(4)
    embedded.create_database(server, name, "template_crash")
    own = folder / name
    (own / "files").mkdir(parents=True)
    (own / "clock.json").write_text(json.dumps({"offset_s": 0}))
    return Run(
        Stage(own, server.url(name), listening(), listening(), time.time(), seed, variant),
        Random(seed),
    )


def _portal(stage: Stage) -> None:
    """The customers' door with the real webhook route."""
    from portal import app

    config = uvicorn.Config(app.make(settings.load()), log_level="warning")
    asyncio.run(uvicorn.Server(config).serve(sockets=[stage.portal]))


@dataclass
class Run:
    """The processes of one run, and the hand that kills them."""

    stage: Stage
    random: Random
    pids: dict[str, int] = field(default_factory=dict)
    spares: dict[int, int] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)
    stopped: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    stops: int = 0
    killing_s: float = 0.0
    status: dict[str, int] = field(default_factory=lambda: {"cases": 0, "deadlocks": 0})

    def open(self) -> None:
        self.pids["outside"] = fork(self.stage, "outside", outside.main)
        self._start("portal")
        for name in WORKERS:
            self._start(name)
        for _ in range(SPARES):
            self._spare()
        self._until(lambda: self.ask("status")["cases"] > 3, "the first cases")

    def close(self) -> None:
        for pid in (*self.pids.values(), *self.spares):
            end(pid)
        self.stage.twin.close()
        self.stage.portal.close()

    def _start(self, name: str) -> None:
        body = _portal if name == "portal" else workers.main
        self.pids[name] = fork(self.stage, name, body)

    def _spare(self) -> None:
        """A worker that has started and waits: importing nothing and connected to everything."""
        mine, its = os.pipe()
        pid = fork(replace(self.stage, starting=mine), f"worker{len(self.spares)}", workers.main)
        os.close(mine)
        self.spares[pid] = its

    def _take_the_place_of(self, name: str) -> None:
        """A warm spare goes to work at once, and another one starts behind it."""
        warm = next((pid for pid in self.spares if self.stage.warm(pid).exists()), None)
        if name == "portal" or warm is None:
            self._start(name)
            return
        turn = self.spares.pop(warm)
        os.write(turn, b"!")
        os.close(turn)
        self.pids[name] = warm
        self._spare()

    def ask(self, word: str) -> Any:
        return httpx2.get(f"{self.stage.twin_url}/_crash/{word}", timeout=60).json()

    def told(self) -> str:
        """What was reached."""
        rate = self.kills / self.killing_s if self.killing_s else 0.0
        return (
            f"{self.status['cases']} cases, {self.kills} kills, {self.stops} stops, "
            f"{self.status['deadlocks']} deadlocks, {rate:.1f} kills a second"
        )

    def kill_for(self, kills: int, minutes: float) -> None:
        started, told = time.monotonic(), 0
        while self.kills < kills and self.killing_s < minutes * 60:
            self._mishap()
            self.killing_s = time.monotonic() - started
            if self.kills >= told + _PROGRESS:
                told, self.status = self.kills, self.ask("status")
                print(f"  {self.told()}, {self.status['violations']} violations", flush=True)
        self._wake_all()
        self.status = self.ask("status")

    def kill_until_violation(self, kills: int, seconds: float) -> bool:
        started = asked = time.monotonic()
        while self.kills < kills and time.monotonic() - started < seconds:
            self._mishap()
            if time.monotonic() > asked + 1.0:
                if self.ask("status")["violations"]:
                    return True
                asked = time.monotonic()
        return False

    def _mishap(self) -> None:
        """Whoever's time has come dies, or stands still for a while; now and then the portal."""
        time.sleep(0.01)
        self._wake_some()
        for name in WORKERS:
            if self._has_come(name):
                del self.ends[self.pids[name]]
                self._strike(name)

    def _has_come(self, name: str) -> bool:
        """Each worker gets a while of its own to live, from its first look at a case on."""
        pid = self.pids[name]
        if name in self.stopped or not self.stage.at_work(pid).exists():
            return False
        end_at = self.ends.setdefault(pid, time.monotonic() + self.random.expovariate(1 / LIFE_S))
        return time.monotonic() >= end_at

    def _strike(self, name: str) -> None:
        if self.random.random() < 0.12:
            self._stop(name)
        else:
            self._kill("portal" if self.random.random() < 0.05 else name)

    def _kill(self, name: str) -> None:
        self.stopped.pop(name, None)
        end(self.pids[name])
        self.kills += 1
        self._take_the_place_of(name)

    def _stop(self, name: str) -> None:
        os.kill(self.pids[name], signal.SIGSTOP)
        still = 0.2 + self.random.expovariate(1 / STILL_S)
        self.stopped[name] = time.monotonic() + min(still, LONGEST_STILL_S)
        self.stops += 1

    def _wake_some(self) -> None:
        for name, until in list(self.stopped.items()):
            if time.monotonic() >= until:
                os.kill(self.pids[name], signal.SIGCONT)
                del self.stopped[name]

    def _wake_all(self) -> None:
        for name in list(self.stopped):
            os.kill(self.pids[name], signal.SIGCONT)
        self.stopped.clear()

    def quiet(self) -> None:
        """Faults off; time jumps in steps, each worked off; then nothing may be under way."""
        self.ask("calm")
        time.sleep(11)  # what is on the wire arrives, as it would in five minutes
        for seconds in QUIET:
            self.stage.jump(seconds)
            self._until(self._is_idle, f"rest after {seconds} s: {self.ask('status')}")
        self.status = self.ask("status")

    def _is_idle(self) -> bool:
        status = self.ask("status")
        return bool(status["due"] == 0 and status["events"] == 0)

    def _until(self, holds: "object", what: str) -> None:
        deadline = time.monotonic() + 600
        while not holds():  # type: ignore[operator]
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come; logs are in {self.stage.folder}")
            time.sleep(0.3)


if __name__ == "__main__":
    raise SystemExit(main())
