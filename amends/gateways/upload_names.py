"""File names from outside, made safe to show and to suggest on download; never used as a path."""

import re
from typing import Final

from amends.gateways import plain_text
from amends.rules import card_numbers

LONGEST: Final = 120  # the width of the column, and enough for any real name
_LONGEST_EXTENSION: Final = 8
# What Windows refuses in names; it would be dropped differently by every browser.
_REFUSED_ELSEWHERE: Final = re.compile(r'[<>:"|?*]')


def extension(name: str) -> str:
    """What stands after the last dot, lower case, with the dot; empty without one."""
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem and len(ending) <= _LONGEST_EXTENSION else ""


def clean(raw: str) -> str:
    """One line of at most 120 characters without path, control or direction characters."""
    # Before signs are replaced too: they tell which digits belong together.
    masked = card_numbers.mask(raw.replace("\x00", ""))
    bare = re.split(r"[/\\]", masked)[-1]
    name = _REFUSED_ELSEWHERE.sub("_", _without_joiners(plain_text.line(bare))).strip(" .")
    return _shortened(card_numbers.mask(name) or "file")


def with_extension(name: str, ending: str) -> str:
    """The same name with this extension, as when a photo was converted."""
    present = extension(name)
    return _shortened(f"{name.removesuffix(name[len(name) - len(present) :])}{ending}")


def _without_joiners(name: str) -> str:
    return name.replace("\u200c", "").replace("\u200d", "")


def _shortened(name: str) -> str:
    if len(name) <= LONGEST:
        return name
    ending = extension(name)
    return f"{name[: LONGEST - len(ending) - 1].rstrip(' .')}…{ending}"
