"""Comparing what was written with what is on file and what Stripe shows. Pure words and dates."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum

# A statement shows a card payment up to three days after it was made.
POSTING_DAYS = 3
_MARKS = re.compile(r"[^\w\s]|_")


class Match(StrEnum):
    """How two facts stand to each other. Unknown is said aloud, never taken for a match."""

    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


def plain(text: str) -> str:
    """Without case, punctuation and doubled blanks: "Harbor Fitness, LLC" is the one without."""
    return " ".join(_MARKS.sub(" ", text.casefold()).split())


def organisations(one: str, other: str) -> Match:
    return _both(plain(one), plain(other))


def addresses(one: str, other: str) -> Match:
    return _both(one.strip().casefold(), other.strip().casefold())


def identifiers(one: str, other: str) -> Match:
    return _both(one.strip(), other.strip())


def last4(claimed: str, seen: Iterable[str]) -> Match:
    """`seen` holds the digits of every card charged, device numbers of wallets included."""
    known = {digits for digits in seen if digits}
    if not claimed or not known:
        return Match.UNKNOWN
    return Match.MATCH if claimed in known else Match.MISMATCH


def amount(claimed_minor: int | None, charged: Iterable[int]) -> Match:
    """The whole, or one of the charges, is a match; a part of it says nothing yet."""
    amounts = list(charged)
    if claimed_minor is None or not amounts:
        return Match.UNKNOWN
    if claimed_minor == sum(amounts) or claimed_minor in amounts:
        return Match.MATCH
    return Match.UNKNOWN if claimed_minor < sum(amounts) else Match.MISMATCH


def charge_date(claimed: date | None, charged_on: Iterable[date]) -> Match:
    """The day of a charge, or one of the days after it on which a statement may show it."""
    days = list(charged_on)
    if claimed is None or not days:
        return Match.UNKNOWN
    late = timedelta(days=POSTING_DAYS)
    near = any(day <= claimed <= day + late for day in days)
    return Match.MATCH if near else Match.MISMATCH


def _both(one: str, other: str) -> Match:
    if not one or not other:
        return Match.UNKNOWN
    return Match.MATCH if one == other else Match.MISMATCH
