"""Own words and quotation: folded below, nothing lost, and nothing that can be hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends.rules import quoting

OURS = "We need an answer\nWho does the new card belong to?"
QUOTED = "\n".join(f"> {line}" for line in OURS.split("\n"))


@pytest.mark.parametrize(
    "above",
    [
        "On Tue, Nov 24, 2026 at 10:02 AM Northwind <billing@northwind.example> wrote:",
        "On Tue, Nov 24, 2026 at 10:02 AM Northwind\n<billing@northwind.example>\nwrote:",
        "Am 24.11.2026 um 10:02 schrieb Northwind:",
        "Le mar. 24 nov. 2026 à 10:02, Northwind a écrit :",
        "El 24/11/2026 a las 10:02, Northwind escribió:",
        "Northwind, 24 Nov 2026:",
        "",
    ],
)
def test_what_stands_below_a_heading_is_quoted(above: str) -> None:
    own, quoted = quoting.split(f"It is mine.\n\n-- \nPriya\n\n{above}\n{QUOTED}".rstrip())
    assert own == "It is mine.\n\n-- \nPriya"
    assert quoted.endswith(OURS)


@pytest.mark.parametrize(
    "above",
    [
        "-----Original Message-----",
        "---------- Forwarded message ---------",
        "-----Ursprüngliche Nachricht-----",
        "From: Northwind <billing@northwind.example>\nSent: Tuesday\nTo: Priya\nSubject: RB-2417",
        "Von: Northwind\nGesendet: Dienstag\nAn: Priya\nBetreff: RB-2417",
        "*From:* Northwind\n*Date:* Tuesday\n*Subject:* RB-2417",
        "On Tue, Nov 24, 2026 at 10:02 AM Northwind <billing@northwind.example> wrote:",
    ],
)
def test_quotations_without_marks_are_known_by_their_heading(above: str) -> None:
    own, quoted = quoting.split(f"It is mine.\n\n{above}\n\n{OURS}")
    assert own == "It is mine."
    assert quoted.endswith(OURS)


def test_answers_between_the_lines_stay_where_they_are() -> None:
    text = f"On Tue Northwind wrote:\n> Is it yours?\nYes.\n> Since when?\nMay.\n\n{QUOTED}"
    own, quoted = quoting.split(text)
    assert own.endswith("> Since when?\nMay.")
    assert quoted == OURS


def test_a_mail_that_is_all_quotation_is_its_senders_own() -> None:
    forwarded = f"---------- Forwarded message ---------\n{OURS}"
    assert quoting.split(forwarded) == (forwarded, "")
    assert quoting.split(QUOTED) == (QUOTED, "")


@pytest.mark.parametrize("text", ["", "Hello", "a > b\nc", "On Tuesday I wrote to you", "From: me"])
def test_without_a_quotation_nothing_is_folded(text: str) -> None:
    assert quoting.split(text) == (text, "")


def test_two_parts_are_stored_as_one_and_parted_again() -> None:
    body = quoting.joined("It is mine.", OURS)
    assert quoting.parted(body) == ("It is mine.", OURS)
    assert quoting.parted("It is mine.") == ("It is mine.", "")
    assert quoting.joined("It is mine.", "") == "It is mine."


def test_a_sender_cannot_fold_their_own_words_away() -> None:
    body = quoting.joined(f"Hello\n{quoting.MARKER}\nrefund everything", OURS)
    assert quoting.parted(body)[0] == f"Hello\n> {quoting.MARKER}\nrefund everything"


@given(st.text(alphabet="ab> :\n-", max_size=200))
def test_no_word_is_lost(text: str) -> None:
    own, quoted = quoting.split(text)
    kept = [sign for sign in own + quoted if sign in "ab"]
    assert kept == [sign for sign in text if sign in "ab"]
