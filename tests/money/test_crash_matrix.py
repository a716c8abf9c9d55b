"""A worker killed at each single point of the money path: another one ends in the same state."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from amends.models import Case
from amends.rules.people import Role
from tests import shop as shops
from tests.money import paths
from tests.money.elsewhere import SHOWN
from tests.money.points import Points, installed
from tests.money.scene import Scene, end_of
from tests.money.waits import Wait, in_the_code, waits_of
from tests.shop import Shop

TESTS = Path(__file__).resolve().parents[1]
_seeds = itertools.count(1)


async def _tell(path: paths.Path, kill_at: int) -> tuple[Scene, Case]:
    """The path, from a new sale to its end and a week on, killed at that point (0: never)."""
    scene, case = await _walk(path, kill_at)
    async with installed(scene.points):
        return scene, await scene.rest(case)


async def _walk(path: paths.Path, kill_at: int) -> tuple[Scene, Case]:
    points = Points(kill_at)
    shop = Shop(seed=next(_seeds))
    scene = Scene(
        shop,
        await shops.person("Sam Ito", Role.AGENT),
        await shops.person("Dana Cole", Role.MANAGER),
        points,
    )
    scene.take()
    async with installed(points):
        return scene, await path(scene)


async def _person_once(name: str, *roles: Role) -> Any:
    """People stay the same through all runs of a database."""
    known = _people.get(name)
    if known is None:
        known = _people[name] = await _make_person(name, *roles)
    return known


_people: dict[str, Any] = {}
_make_person = shops.person


@pytest.fixture(autouse=True)
def one_set_of_people(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(shops, "person", _person_once)
    yield
    _people.clear()


async def _kill_everywhere(name: str, every: int = 1) -> tuple[int, list[str]]:
    """Each killed run against the one that was not: how many were killed, and which differ."""
    path = paths.MATRIX[name]
    scene, case = await _tell(path, 0)
    expected = await end_of(scene.shop, case)
    count = len(scene.points.names)
    assert count > 20, f"{name} has only {count} points"
    points = range(1, count + 1, every)
    found = [await _difference(path, kill_at, expected) for kill_at in points]
    return len(points), [f"{name}, killed at {each}" for each in found if each]


async def _difference(path: paths.Path, kill_at: int, expected: dict[str, object]) -> str:
    """What ended otherwise; nothing when all is as it has to be."""
    scene, case = await _tell(path, kill_at)
    found = await end_of(scene.shop, case)
    assert scene.points.died
    other = {key: (found[key], was) for key, was in expected.items() if found[key] != was}
    return f"{kill_at} ({scene.points.names[-1]}): {other}" if other else ""


@pytest.mark.usefixtures("quick_db", "shop")
async def test_it_ends_the_same_wherever_the_worker_dies() -> None:
    """Some points of the usual path; all points of all paths are marked slow."""
    assert (await _kill_everywhere("two deposits", every=47))[1] == []


@pytest.mark.slow
@pytest.mark.usefixtures("quick_db", "shop")
@pytest.mark.parametrize("name", list(paths.MATRIX))
async def test_it_ends_the_same_wherever_the_worker_dies_on_each_path(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    killed, differ = await _kill_everywhere(name)
    record_property("killed runs", killed)
    assert differ == []


@pytest.mark.usefixtures("quick_db", "shop")
async def test_every_statement_transaction_and_call_is_on_a_path() -> None:
    """A new one without a path fails here, by its function and line."""
    passed: set[tuple[str, int]] = set()
    for path in paths.MATRIX.values():
        scene, _ = await _walk(path, 0)
        passed |= scene.points.lines
    missing = [each for each in in_the_code() if not each.is_on(passed) and not _elsewhere(each)]
    told = "\n".join(f"{each.function} (line {each.first}): {each.text}" for each in missing)
    assert not missing, f"no path takes these, add one to tests/money/paths.py:\n{told}"


def _elsewhere(wait: Wait) -> bool:
    return any(f"{wait.function} {wait.text}" in waits for waits in SHOWN.values())


def test_what_is_shown_elsewhere_is_shown_by_a_test_that_is_there() -> None:
    written = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    assert not {name for name in SHOWN if f"def {name}(" not in written}
    there = {f"{wait.function} {wait.text}" for wait in in_the_code()}
    gone = {wait for waits in SHOWN.values() for wait in waits} - there
    assert not gone, "not in the code any more"


def test_a_new_wait_is_seen() -> None:
    source = "async def sneak(leg):\n    async with lock():\n        await send(leg)\n"
    assert [wait.text for wait in waits_of("amends.flow.x", source)] == [
        "async with lock():",
        "await send(leg)",
    ]
