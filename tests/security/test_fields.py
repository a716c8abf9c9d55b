"""docs/FIELDS.md names every field of every form as the code takes it."""

import pytest

from tests.security import fields


@pytest.mark.req("V2.1.1", "V2.2.1", "V1.3.3")
def test_the_page_names_every_field_as_the_code_takes_it() -> None:
    """Write it anew with `python -m tests.security`."""
    assert fields.PAGE.read_text(encoding="utf-8") == fields.page()
    assert fields.page().count("\n| ") > 100
