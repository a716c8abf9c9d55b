"""Which test shows which requirement: read from the marks of all tests, without running them."""

import ast
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "REQUIREMENTS.md"
_ROWS = Path(__file__).parent / "rows.toml"


@dataclass(frozen=True)
class Row:
    """One requirement in our own words, the screens that show it and the code that holds it."""

    id: str
    what: str
    screens: str
    code: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """One test that carries a requirement's id."""

    file: str
    name: str


def rows() -> tuple[Row, ...]:
    entries = tomllib.loads(_ROWS.read_text(encoding="utf-8"))["row"]
    return TypeAdapter(tuple[Row, ...]).validate_python(entries)


@cache
def marks(folder: Path = ROOT / "tests") -> Mapping[str, tuple[Shown, ...]]:
    """Every id with the tests that carry it, in the order of files and lines."""
    found: dict[str, list[Shown]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        for identifier, shown in _in_file(path):
            found[identifier].append(shown)
    return {identifier: tuple(tests) for identifier, tests in found.items()}


def _in_file(path: Path) -> Iterator[tuple[str, Shown]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
    everywhere = [each for node in tree.body for each in _of_module(node)]
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_"):
            own = [each for decorator in node.decorator_list for each in _ids(decorator)]
            for identifier in [*everywhere, *own]:
                yield identifier, Shown(name, node.name)


def _of_module(node: ast.stmt) -> list[str]:
    """The ids of `pytestmark = ...`, which every test of the file carries."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return []
    if node.targets[0].id != "pytestmark":
        return []
    listed = isinstance(node.value, ast.List | ast.Tuple)
    values = node.value.elts if listed else [node.value]  # type: ignore[attr-defined]
    return [each for value in values for each in _ids(value)]


def _ids(node: ast.expr) -> list[str]:
    """The ids of one pytest.mark.req("A1", "A2")."""
    if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith("mark.req"):
        return []
    named = [str(each.value) for each in node.args if isinstance(each, ast.Constant)]
    return [identifier for each in named for identifier in each.split()]


def wrong() -> list[str]:
    """What keeps the map from being true, a sentence each."""
    tests, known = marks(), rows()
    found = [f"{row.id}: no test is marked with it" for row in known if not tests.get(row.id)]
    found += [
        f"{row.id}: {each} is not there"
        for row in known
        for each in row.code
        if not (ROOT / each).exists()
    ]
    if PAGE.read_text(encoding="utf-8") != page():
        found.append("docs/REQUIREMENTS.md is not what the marks say: run make requirements")
    return found


def page() -> str:
    """The whole page, as it stands in docs/REQUIREMENTS.md."""
    known, tests = rows(), marks()
    parts = [_HEAD]
    for row in known:
        parts.append(_section(row, tests.get(row.id, ())))
    ids = {row.id for row in known}
    further = sorted(identifier for identifier in tests if identifier not in ids)
    parts.append(_FURTHER + "".join(f"- {each}: {_files(tests[each])}\n" for each in further))
    return "\n".join(parts)


_HEAD = """# Requirements

Written by `python -m tests.requirements` from the marks of the tests and from
`tests/requirements/rows.toml`. An id without a test fails `tests/test_requirements.py`.
"""
_FURTHER = "## Further ids\n\nThreats and invariants of the design, by their tests.\n\n"


def _section(row: Row, tests: tuple[Shown, ...]) -> str:
    code = ", ".join(f"`{each}`" for each in row.code)
    shown = "\n".join(f"  - `{test.file}`: {_words(test.name)}" for test in tests)
    return (
        f"## {row.id}\n\n{row.what}\n\n- Screens: {row.screens}\n- Code: {code}\n"
        f"- Tests:\n{shown or '  - none'}\n"
    )


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _files(tests: tuple[Shown, ...]) -> str:
    return ", ".join(f"`{file}`" for file in dict.fromkeys(test.file for test in tests))
