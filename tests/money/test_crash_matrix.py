"""A worker killed at each single point of the money path: another one ends in the same state."""

import ast
import itertools
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from amends.gateways import stripe_money
from amends.models import Case
from amends.rules.people import Role
from tests import shop as shops
from tests.money import paths
from tests.money.scene import Points, Scene, end_of
from tests.shop import Shop
from tests.simulate.turns import installed

MODULES = (
    "refund", "recharge", "attempts", "observe", "observe_intent", "proof", "chargeback", "fraud",
)  # fmt: skip
FLOW = Path(__file__).resolve().parents[2] / "amends" / "flow"
_seeds = itertools.count(1)


async def _tell(path: paths.Path, kill_at: int) -> tuple[Scene, Case]:
    """The path, from a new sale to its end, killed at that point (0: never)."""
    points = Points(kill_at)
    shop = Shop(seed=next(_seeds))
    scene = Scene(
        shop,
        await shops.person("Sam Ito", Role.AGENT),
        await shops.person("Dana Cole", Role.MANAGER),
        points,
    )
    scene.take()
    async with installed(points):  # type: ignore[arg-type]
        case = await path(scene)
        return scene, await scene.rest(case)


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


async def _kill_everywhere(name: str, every: int = 1) -> int:
    """Compare each killed run with the one that was not; returns how many were killed."""
    path = paths.MATRIX[name]
    scene, case = await _tell(path, 0)
    expected = await end_of(scene.shop, case)
    count = len(scene.points.names)
    assert count > 20, f"{name} has only {count} points"
    for kill_at in range(1, count + 1, every):
        scene, case = await _tell(path, kill_at)
        found = await end_of(scene.shop, case)
        assert scene.points.died
        where = f"{name}, killed at point {kill_at} of {count}: {scene.points.names[-1]}"
        assert found == expected, where
    return (count + every - 1) // every


@pytest.mark.usefixtures("fresh_db", "shop")
async def test_it_ends_the_same_wherever_the_worker_dies() -> None:
    """Every tenth point of the usual path; all points of all paths are marked slow."""
    await _kill_everywhere("two deposits", every=10)


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_db", "shop")
@pytest.mark.parametrize("name", list(paths.MATRIX))
async def test_it_ends_the_same_wherever_the_worker_dies_on_each_path(name: str) -> None:
    await _kill_everywhere(name)


@pytest.mark.usefixtures("fresh_db", "shop")
async def test_every_call_and_every_transaction_is_on_a_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: set[str] = set()
    _record(monkeypatch, taken)
    for path in [*paths.MATRIX.values(), *paths.OTHERS.values()]:
        await _tell(path, 0)
    missing = _in_the_code() - taken
    assert not missing, f"no path takes {sorted(missing)}: add one to tests/money/paths.py"
    unknown = taken - _in_the_code()
    assert not unknown, f"taken, but not seen in the code: {sorted(unknown)}"


def _in_the_code() -> set[str]:
    """module:function of every `stripe_money.…` call and every `in_transaction()`."""
    found: set[str] = set()
    for module in MODULES:
        tree = ast.parse((FLOW / f"{module}.py").read_text())
        for function in ast.walk(tree):
            if isinstance(function, ast.AsyncFunctionDef | ast.FunctionDef):
                found |= {f"{module}:{function.name} {what}" for what in _steps(function)}
    return found


def _steps(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="in_transaction")):
                yield "transaction"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="stripe_money"), attr=name)):
                yield name


def _record(monkeypatch: pytest.MonkeyPatch, taken: set[str]) -> None:
    for name in MODULES:
        module = import_module(f"amends.flow.{name}")
        if hasattr(module, "in_transaction"):
            begin = module.in_transaction
            monkeypatch.setattr(module, "in_transaction", _noting(begin, "transaction", taken))
    for name in ("create_refund", "create_intent", "confirm_intent", "cancel_intent"):
        send = getattr(stripe_money, name)
        monkeypatch.setattr(stripe_money, name, _noting(send, name, taken))


def _noting(call: Callable[..., Any], what: str, taken: set[str]) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)
        module = caller.f_globals["__name__"].rpartition(".")[2]
        if module in MODULES:
            taken.add(f"{module}:{caller.f_code.co_name} {what}")
        return call(*args, **kwargs)

    return noting


def test_a_new_call_without_a_path_is_named() -> None:
    tree = ast.parse("async def sneak(leg):\n    await stripe_money.create_refund({}, 'k')\n")
    function = tree.body[0]
    assert list(_steps(function)) == ["create_refund"]
