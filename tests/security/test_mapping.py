"""docs/SECURITY.md is what the marks say, complete, and claims nothing that nothing shows."""

import re

from tests import requirements
from tests.security import mapping

KNOWN = mapping.rows()
TESTS = requirements.marks()
WRITTEN = mapping.documents()


def test_the_page_is_what_the_marks_say() -> None:
    """Write it anew with `python -m tests.security`."""
    assert mapping.PAGE.read_text(encoding="utf-8") == mapping.page()


def test_every_id_has_one_row_and_code_that_is_there() -> None:
    ids = [row.id for row in KNOWN]
    assert len(ids) == len(set(ids)) == 260
    for row in KNOWN:
        for each in row.code:
            assert (mapping.ROOT / each).exists(), f"{row.id}: {each}"


def test_every_id_is_shown_by_a_test_or_by_a_line_that_stands_there() -> None:
    left = {row.id for row in KNOWN if row.id not in TESTS and row.id not in WRITTEN}
    assert left == set(mapping.gaps()), "name it under [gap] or show it"
    for identifier, lines in WRITTEN.items():
        for line in lines:
            text = (mapping.ROOT / line.file).read_text(encoding="utf-8")
            assert line.words in " ".join(text.split()) or line.words in text, identifier


def test_tests_show_at_least_85_per_cent() -> None:
    assert mapping.automated(KNOWN, TESTS) >= mapping.LEAST_AUTOMATED


def test_no_mark_names_a_threat_or_requirement_that_is_not_on_the_list() -> None:
    known = {row.id for row in KNOWN}
    strange = {each for each in TESTS if re.fullmatch(r"T\d\d|V\d+\.\d+\.\d+", each)} - known
    assert strange == set()
