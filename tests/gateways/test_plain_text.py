"""What is taken out of text from outside."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.gateways import plain_text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  Priya \t Raman ", "Priya Raman"),
        ("a\r\nBcc: b", "a Bcc: b"),
        ("a\x00b\x1b[31m", "ab[31m"),
        ("exe.\u202efdp", "exe.fdp"),
        ("a\u2028b\u2029c\u0085d", "a b c d"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("cafe\u0301", "café"),
        ("lone \ud800 half", "lone half"),
    ],
)
def test_a_line_is_one_line(raw: str, clean: str) -> None:
    assert plain_text.line(raw) == clean


def test_prose_keeps_paragraphs_only() -> None:
    assert plain_text.prose("\n\nOne \r\n\r\n\r\nTwo\rThree\n\n") == "One\n\nTwo\nThree"


@pytest.mark.req("V16.4.1", "V1.3.3")
@given(st.text())
def test_nothing_that_steers_a_terminal_or_a_header_is_left(text: str) -> None:
    clean = plain_text.line(text)
    assert plain_text.line(clean) == clean
    assert len(clean.splitlines()) <= 1
    assert all(unicodedata.category(sign) not in {"Cc", "Cs", "Zl", "Zp"} for sign in clean)
    clean.encode()


@given(st.text())
def test_prose_made_twice_is_the_same(text: str) -> None:
    once = plain_text.prose(text)
    assert plain_text.prose(once) == once
