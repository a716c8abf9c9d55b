"""Some seeds of the simulation with every test run; `make simulate` runs as many as you like."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tortoise import Tortoise

from amends import clock, embedded
from tests import shop as shops
from tests.money import test_mutants
from tests.simulate import direct, expected, history, invariants, run, statements, story

SEEDS = range(1, 9)
# With kills and many faults, with a plan that goes over the desk, with late requests.
REPLAYED = (3, 7, 39)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As `python -m tests.simulate` runs them."""
    shops.with_webhook_secret(monkeypatch)
    with ExitStack() as stack:
        stack.enter_context(statements.remembered())
        stack.enter_context(direct.shorter())
        yield
    clock.use()


async def _told(server: embedded.Server, template: str, seeds: range) -> list[run.Result]:
    """These seeds in a database of their own."""
    name = f"sim_{time.monotonic_ns()}"
    embedded.create_database(server, name, template)
    results: queue.SimpleQueue[run.Result] = queue.SimpleQueue()
    await run.told_in(server.url(name), seeds, results)  # type: ignore[arg-type]
    return [results.get() for _ in range(results.qsize())]


@pytest.mark.usefixtures("quick")
async def test_it_holds_every_invariant_in_8_seeds(
    postgres: embedded.Server, template: str
) -> None:
    results = await _told(postgres, template, SEEDS)
    assert [each.failure for each in results if each.failure] == []
    assert len(results) == len(SEEDS)


async def _replayed(server: embedded.Server, template: str) -> list[story.Report]:
    name = f"replay_{time.monotonic_ns()}"
    embedded.create_database(server, name, template)
    await run.prepared(server.url(name))
    try:
        return [await story.tell(seed) for seed in REPLAYED]
    finally:
        await Tortoise.close_connections()


async def test_a_seed_replays_exactly(
    postgres: embedded.Server, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same turns, kills, faults and end, so that a failing seed can be looked into."""
    shops.with_webhook_secret(monkeypatch)
    first = await _replayed(postgres, template)
    with statements.remembered(), direct.shorter():
        second = await _replayed(postgres, template)
    clock.use()
    for one, other in zip(first, second, strict=True):
        assert one.trace == other.trace
        assert (one.status, one.steps, one.seen) == (other.status, other.steps, other.seen)


@pytest.mark.usefixtures("quick")
async def test_it_finds_a_timeout_taken_for_a_failure(
    postgres: embedded.Server, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A red control: a simulation that cannot fail proves nothing."""
    test_mutants.timeout_is_failed(monkeypatch)
    results = await _told(postgres, template, range(1, 31))
    assert any("Violation" in each.failure for each in results)


@pytest.mark.usefixtures("quick")
async def test_it_finds_a_card_number_in_any_table(
    postgres: embedded.Server, template: str
) -> None:
    name = f"sim_{time.monotonic_ns()}"
    embedded.create_database(postgres, name, template)
    await run.prepared(postgres.url(name))
    try:
        await history.no_card_numbers()
        sold = await shops.sale(shops.Shop(), account=None)
        await type(sold.order).filter(id=sold.order.id).update(description=f"pay {shops.VISA}")
        with pytest.raises(invariants.Violation, match="I28"):
            await history.no_card_numbers()
    finally:
        await Tortoise.close_connections()


def test_a_fault_that_never_fired_in_a_long_run_is_an_error() -> None:
    seen = Counter(dict.fromkeys(expected.HAPPENS, 1))
    assert expected.missing(seen, 500) == []
    seen["fault: lost_response"] = 0
    assert expected.missing(seen, 500) == ["fault: lost_response"]
    assert expected.missing(seen, 499) == []


def test_every_invariant_is_checked_here_or_elsewhere() -> None:
    named = [*expected.INVARIANTS, *expected.ELSEWHERE]
    assert sorted(named, key=lambda name: int(name[1:])) == [f"I{n}" for n in range(1, 35)]


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(each) for each in listed] + [
        below for each in listed for below in _children(int(each))
    ]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Open to the user that PostgreSQL runs as, which pytest's own folders are not."""
    made = Path(tempfile.mkdtemp(prefix="amends-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _postmaster(folder: Path) -> int:
    """Its process, once it answers."""
    for _ in range(300):
        for each in folder.glob("amends-sim-*/data/postmaster.pid"):
            return int(each.read_text().split()[0])
        time.sleep(0.2)
    raise AssertionError("PostgreSQL did not start")


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def _two_at_work(pid: int) -> list[int]:
    for _ in range(300):
        ours = [each for each in _children(pid) if b"tests.simulate" in _command(each)]
        if len(ours) == 2:
            return ours
        time.sleep(0.2)
    raise AssertionError("the two processes did not start")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_leaves_nothing_running(number: signal.Signals, folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.simulate", "--seeds", "100000"],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )
    children = [_postmaster(folder)]
    children += _two_at_work(process.pid)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert output.splitlines()[-1].startswith("violations: 0  seeds: ")
    assert not [each for each in children if Path(f"/proc/{each}").exists()]
    assert not list(folder.glob("amends-sim-*"))
