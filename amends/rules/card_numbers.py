"""Finds and masks card numbers in what people write, however they wrote them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from amends.rules import card_layout, card_text

# Rounds of masking: taking one number away can uncover another. Text that still holds one
# afterwards is built to do so, and loses all its digits.
_ROUNDS: Final = 4
_NEAR: Final = 80  # Characters around a card number in which codes and expiry dates are its own.

_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_NO_MORE: Final = r"(?![0-9]|[/.-](?:20)?[0-9]{2}(?![0-9]))"
_LABELLED: Final = re.compile(
    r"(?<![a-z])(?:(?:cvv|cvc|cvd|cvn)2?|csc|cid|(?:security|verification) (?:code|number|value))"
    r"(?:[^a-z0-9]{0,4}(?:is|code|number|no)(?![a-z]))?[^a-z0-9]{0,4}"
    r"(?P<code>[0-9]{3,4})(?![0-9])"
    r"|(?<![0-9])(?P<code_before>[0-9]{3,4})[ (]{1,2}(?:cvv|cvc)(?![a-z])"
    r"|(?<![a-z])(?:exp(?:iry|ires|iration)?|valid|thru)"
    r"(?:[^a-z0-9]{0,3}(?:date|thru|until|to|is|on))?[^a-z0-9]{0,4}"
    r"(?P<expiry>(?:(?:0?[1-9]|1[0-2]) ?[/.| -] ?|0[1-9]|1[0-2])(?:20)?[0-9]{2}"
    rf"|(?:{_MONTHS})[a-z]{{0,6}}[ .,/-]{{0,2}}(?:20)?[0-9]{{2}}){_NO_MORE}",
    re.IGNORECASE,
)
_CODE_NEXT: Final = r"[ \n,;/|-]{1,3}[0-9]{3,4}(?![0-9]|[.,][0-9])"
_UNLABELLED: Final = re.compile(
    r"[ \n,;/|-]{1,3}"
    r"(?P<expiry>(?:0?[1-9]|1[0-2]) ?[/|-] ?(?:20)?[23][0-9]"
    rf"|(?:0[1-9]|1[0-2]) ?(?:20)?[23][0-9](?={_CODE_NEXT})){_NO_MORE}"
    rf"(?:(?={_CODE_NEXT})[^0-9]{{1,3}}(?P<code>[0-9]{{3,4}}))?"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Where in a text a card number stands, and the only digits of it that may be kept."""

    start: int
    end: int
    last4: str


def find(text: str) -> list[Span]:
    """Every card number: network prefix, its length, check digit, and a layout people use."""
    if _is_too_short(text):
        return []
    folded = card_text.fold(text)
    return [_original(folded, span) for span in _found(folded)]


def contains(text: str) -> bool:
    return bool(find(text))


def mask(text: str) -> str:
    """The text without card numbers, nor the codes and expiry dates beside them.

    Nothing is found in the result. Text without a card number comes back as it is.
    """
    for _ in range(_ROUNDS):
        masked = _masked_once(text)
        if masked == text:
            return text
        text = masked
    return _without_digits(text) if contains(text) else text


def _is_too_short(text: str) -> bool:
    """A quick look for the usual text, which holds few digits."""
    return text.isascii() and sum(map(text.count, "0123456789")) < card_layout.SHORTEST


def _found(folded: card_text.Folded) -> Iterator[Span]:
    """In places of the folded text."""
    text = card_text.blanked(folded.text)
    for match in card_layout.ROW.finditer(text):
        if match.end() - match.start() >= card_layout.SHORTEST:
            row = card_layout.Row(text, match.start(), match.end())
            for low, high in row.cards():
                yield Span(row.place(low), row.place(high - 1) + 1, row.digits[high - 4 : high])


def _original(folded: card_text.Folded, span: Span) -> Span:
    return Span(folded.starts[span.start], folded.ends[span.end - 1], span.last4)


def _masked_once(text: str) -> str:
    if _is_too_short(text):
        return text
    folded = card_text.fold(text)
    cards = list(_found(folded))
    if not cards:
        return text
    words = {(c.start, c.end): card_text.PLACEHOLDER.format(last4=c.last4) for c in cards}
    bounds = [0, *(edge for card in cards for edge in (card.start, card.end)), len(folded.text)]
    for low, high in zip(bounds[::2], bounds[1::2], strict=True):
        words |= _codes_between(folded.text, low, high)
    return _replaced(text, folded, words)


def _codes_between(text: str, low: int, high: int) -> dict[tuple[int, int], str]:
    """Codes after the card that ends at `low` and before the one that begins at `high`."""
    follows = _UNLABELLED.match(text, low, high) if low else None
    matches = [follows] if follows else []
    for match in _LABELLED.finditer(text, follows.end() if follows else low, high):
        near_left = low > 0 and match.start() - low <= _NEAR
        near_right = high < len(text) and high - match.end() <= _NEAR
        if near_left or near_right:
            matches.append(match)
    return {place: words for match in matches for place, words in _code_places(match)}


def _code_places(match: re.Match[str]) -> Iterator[tuple[tuple[int, int], str]]:
    for name, value in match.groupdict().items():
        if value:
            kind = "expiry date" if name == "expiry" else "security code"
            yield match.span(name), f"[{kind} removed]"


def _replaced(text: str, folded: card_text.Folded, words: dict[tuple[int, int], str]) -> str:
    parts: list[str] = []
    done = 0
    for (low, high), instead in sorted(words.items()):
        parts += text[done : folded.starts[low]], instead
        done = folded.ends[high - 1]
    return "".join([*parts, text[done:]])


def _without_digits(text: str) -> str:
    folded = card_text.fold(text)
    groups = (match.span() for match in card_layout.GROUP.finditer(folded.text))
    return _replaced(text, folded, dict.fromkeys(groups, "[number removed]"))
