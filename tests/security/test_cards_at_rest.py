"""60,000 inputs with made-up cards by every way in: none is at rest afterwards."""

import random
import unicodedata
from collections.abc import Callable, Iterator

import pytest

from amends.gateways import upload_letters, upload_names, upload_verdict
from amends.rules import card_numbers
from tests.rules.test_card_numbers import FORMATS, card
from web import masking

pytestmark = pytest.mark.req("T53", "I28", "V14.2.4")
STORIES = (
    "{}",
    "Please use {} from now on.",
    "{}\n\nSO-10482, RB-2401",
    "on 11/23 I paid {} twice",
)


def _form(text: str) -> str:
    """The portal refuses: what is kept is nothing."""
    return "" if card_numbers.contains(text) else text


def _text_file(text: str) -> str:
    return upload_letters.text("a.txt", text.encode()).decode()


def _email(text: str) -> str:
    """A letter as a file is refused where its words show a card."""
    try:
        data = f"From: a@b.example\nSubject: x\nDate: x\n\n{text}".encode()
        return upload_letters.letter("a.eml", data, lambda name, data: None).decode()
    except upload_verdict.Rejected:
        return ""


WAYS: dict[str, Callable[[str], str]] = {
    "a form of the portal": _form,
    "mail and notes": card_numbers.mask,
    "a file name": lambda text: upload_names.clean(f"{text[:80]}.pdf"),
    "a text file": _text_file,
    "a letter as a file": _email,
    "a log line": lambda text: str(masking.event(None, "info", {"event": "x", "said": text})),
}


def _inputs(count: int, seed: int) -> Iterator[tuple[str, str, str]]:
    rng = random.Random(seed)
    formats, ways = list(FORMATS), list(WAYS)
    for at in range(count):
        number = card(rng)
        dressed = FORMATS[formats[at % len(formats)]](number)
        yield number, rng.choice(STORIES).format(dressed), ways[(at // len(formats)) % len(ways)]


def _digits(text: str) -> str:
    """All that reads as a digit, in any script, with whatever stands between left out."""
    return "".join(
        str(unicodedata.digit(each)) for each in text if unicodedata.digit(each, None) is not None
    )


def _left(count: int, seed: int) -> list[tuple[str, str]]:
    found = []
    for number, text, way in _inputs(count, seed):
        if number in _digits(text.replace("%20", " ")) and number in _digits(WAYS[way](text)):
            found.append((way, text))
    return found


def test_none_of_two_thousand_is_left() -> None:
    assert _left(2_000, seed=1) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 8))
def test_none_of_sixty_thousand_is_left(seed: int) -> None:
    assert _left(10_000, seed) == []


def test_every_way_and_every_dress_is_tried() -> None:
    tried = {way for _, _, way in _inputs(2_000, 1)}
    assert tried == set(WAYS) and len(FORMATS) >= 20


OURS = (
    *("RB-2401", "SO-10482", "hf-0213", "INV-2026-000123", "74850126329001"),
    *("pi_3QxYz01234567890123456", "re_1A2b3C4d5E6f7G8h"),
)


@pytest.mark.parametrize("own", OURS)
def test_our_own_numbers_raise_no_alarm(own: str) -> None:
    for story in STORIES:
        assert card_numbers.mask(story.format(own)) == story.format(own)
