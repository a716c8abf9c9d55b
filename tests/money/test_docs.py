"""docs/MONEY.md names what is there: every invariant, and tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "MONEY.md").read_text()


def test_every_invariant_has_its_place_and_its_test() -> None:
    rows = re.findall(r"^\| (I\d+) \|(.+)\|(.+)\|(.+)\|$", TEXT, re.MULTILINE)
    assert [number for number, *_ in rows] == [f"I{number}" for number in range(1, 35)]
    for number, _, kept, shown in rows:
        assert kept.strip() and shown.strip(), number


def test_every_test_it_names_is_there() -> None:
    written = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", TEXT))
    assert len(named) > 30
    assert not {name for name in named if f"def {name}(" not in written}


def test_every_function_it_names_is_there() -> None:
    for module, function in re.findall(r"`(?:flow/|rules/)?([a-z_]+)\.py:([a-zA-Z_.]+)`", TEXT):
        files = [*(ROOT / "amends").rglob(f"{module}.py")]
        name = function.split(".")[-1]
        found = any(re.search(rf"(def|class) {name}\b", path.read_text()) for path in files)
        assert found, f"{module}.py:{function}"
