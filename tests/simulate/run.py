"""Seeds in several processes: each with a database of its own, thrown away now and then."""

import asyncio
import gc
import multiprocessing
import os
import queue
import secrets
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from tortoise import Tortoise, connections

from amends import embedded, migrate, settings
from amends.rules.people import Role
from tests import shop as shops
from tests.backoffice import scene as backoffice
from tests.money import test_mutants
from tests.simulate import direct, history, scene, statements, story

_TEMPLATE = "template_sim"
# Tables grow, and with them what a scan costs; a copy of the template takes 0.1 s.
_PER_DATABASE = 200
_COLLECT_EVERY = 20


@dataclass(frozen=True)
class Result:
    """One seed, or what went wrong with it."""

    seed: int
    seen: Counter[str]
    cpu_s: float
    failure: str = ""


@dataclass
class Total:
    start: int
    seeds: int = 0
    violations: int = 0
    cpu_s: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    _done: set[int] = field(default_factory=set)

    def add(self, result: Result) -> None:
        if result.seed:
            self.seeds += 1
            self._done.add(result.seed)
        self.cpu_s += result.cpu_s
        self.seen.update(result.seen)
        if result.failure:
            self.violations += 1
            print(f"seed {result.seed} failed:\n{result.failure}", file=sys.stderr, flush=True)

    @property
    def complete(self) -> int:
        """The first seed that has not been told."""
        while self.start in self._done:
            self._done.remove(self.start)
            self.start += 1
        return self.start

    def line(self, seconds: float) -> str:
        return (
            f"{self.seeds} seeds in {seconds:.0f} s, {self.seeds / seconds:.1f} a second, "
            f"{self.violations} violations, next {self.complete}"
        )


@contextmanager
def started(
    server: embedded.Server, start: int, seeds: int, processes: int, mutant: str = ""
) -> Iterator[Iterator[Result]]:
    """The results as they come. When this ends, the processes have ended too."""
    embedded.create_database(server, _TEMPLATE)
    asyncio.run(migrate.run(server.url(_TEMPLATE)))
    results: multiprocessing.Queue[Result] = multiprocessing.Queue()
    children = [
        multiprocessing.Process(
            target=_child,
            args=(server.url("{}"), range(start + n, start + seeds, processes), results, mutant),
            daemon=True,
        )
        for n in range(min(processes, seeds))
    ]
    try:
        for child in children:
            child.start()
        yield _results(children, results)
    finally:
        born = [child for child in children if child.pid]
        for child in born:
            child.terminate()
        for child in born:
            child.join()


def _results(
    children: list[multiprocessing.Process], results: "multiprocessing.Queue[Result]"
) -> Iterator[Result]:
    while any(child.is_alive() for child in children) or not results.empty():
        try:
            yield results.get(timeout=0.2)
        except queue.Empty:
            continue
    for child in children:
        child.join()
        if child.exitcode:
            yield Result(0, Counter(), 0.0, f"a process ended with {child.exitcode}")


def _child(url: str, seeds: range, results: "multiprocessing.Queue[Result]", mutant: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Ctrl-C goes to the whole group; the parent ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["AMENDS_STRIPE_WEBHOOK_SECRET"] = shops.SECRET
    settings.load.cache_clear()
    gc.freeze()
    gc.disable()
    with statements.remembered(), direct.shorter(), pytest.MonkeyPatch.context() as patch:
        if mutant:
            getattr(test_mutants, mutant)(patch)
        asyncio.run(_seeds(url, seeds, results))


async def _seeds(url: str, seeds: range, results: "multiprocessing.Queue[Result]") -> None:
    for first in range(0, len(seeds), _PER_DATABASE):
        name = "sim_" + secrets.token_hex(4)
        _statement(url, f'CREATE DATABASE "{name}" TEMPLATE {_TEMPLATE}')
        await told_in(url.format(name), seeds[first : first + _PER_DATABASE], results)
        _statement(url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _statement(url: str, text: str) -> None:
    with psycopg.connect(url.format("postgres"), autocommit=True) as connection:
        connection.execute(text.encode())


async def told_in(url: str, seeds: range, results: "multiprocessing.Queue[Result]") -> None:
    """Tell these seeds in the database of `url`."""
    await prepared(url)
    try:
        for seed in seeds:
            results.put(await _one(seed))
            if seed % _COLLECT_EVERY == 0:
                gc.collect()
        try:
            await history.no_card_numbers()
        except Exception:  # noqa: BLE001 - told as a failure of the whole database
            results.put(Result(0, Counter(), 0.0, traceback.format_exc()))
    finally:
        await Tortoise.close_connections()


async def prepared(url: str) -> None:
    """A database with the people of every story, open."""
    await direct.open(url)
    await connections.get("default").execute_script(history.PREPARE)
    shops.Shop().take()
    scene.PEOPLE["sam"] = await shops.person("Sam Ito", Role.AGENT)
    scene.PEOPLE["dana"] = await shops.person("Dana Cole", Role.MANAGER)
    # Whoever is made on the way would shift the schedule of the first story that needs them.
    for name in ("Sam Ito", "Dana Cole", "Ruth Adeyemi"):
        await backoffice.staff(name)


async def _one(seed: int) -> Result:
    began = time.process_time()
    try:
        report = await story.tell(seed)
    except Exception:  # noqa: BLE001 - whatever it is, this seed fails
        return Result(seed, Counter(), time.process_time() - began, traceback.format_exc())
    seen = report.seen + Counter({f"end: {report.status}": 1, "steps": report.steps})
    return Result(seed, seen, time.process_time() - began)
