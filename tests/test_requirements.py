"""Every requirement is shown by a test, and the map of them is the one that was written last."""

import re
from pathlib import Path

import pytest

from tests import requirements

KNOWN = requirements.rows()
_A = [*range(1, 7), "7a", "7b", "7c", "7d", "7e", *range(8, 12)]
ALL = [f"A{number}" for number in _A] + [f"B{number}" for number in range(1, 18)]
# Ids of threats, faults, invariants, goals and of ASVS may be named too; they have no row.
_FURTHER = re.compile(r"[TIFG]\d+|V\d+(\.\d+)*")


def test_every_id_has_a_row_once() -> None:
    assert [row.id for row in KNOWN] == ALL


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.id)
def test_an_id_is_shown_by_a_test(row: requirements.Row) -> None:
    assert requirements.marks().get(row.id), f"no test is marked with {row.id}"


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: row.id)
def test_the_code_it_names_is_there(row: requirements.Row) -> None:
    missing = [each for each in row.code if not (requirements.ROOT / each).exists()]
    assert not missing and row.what and row.screens


def test_an_id_that_lost_its_tests_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    left = {key: tests for key, tests in requirements.marks().items() if key != "B17"}
    monkeypatch.setattr(requirements, "marks", lambda: left)
    assert "B17: no test is marked with it" in requirements.wrong()


def test_no_test_names_an_unknown_id() -> None:
    strange = {each for each in requirements.marks() if not _FURTHER.fullmatch(each)} - set(ALL)
    assert not strange


def test_the_map_names_every_test_by_its_words() -> None:
    page = requirements.page()
    for row in KNOWN:
        assert f"## {row.id}\n" in page
    assert "`tests/flow/test_recipes.py`: it finds the second charge by itself" in page


def test_marks_of_a_file_and_of_a_test_are_both_read(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(
        'pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.req("T1")]\n\n\n'
        '@pytest.mark.req("A1 B2")\nasync def test_one() -> None: ...\n\n\n'
        "def helper() -> None: ...\n"
    )
    found = requirements.marks(tmp_path)
    assert set(found) == {"T1", "A1", "B2"}
    assert found["A1"][0].name == "test_one"
