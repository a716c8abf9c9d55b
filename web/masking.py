"""What must never stand in a log, found by its name or by how it looks, and replaced."""

import re
from collections.abc import Mapping
from typing import Any, Final

from amends.rules import card_numbers

HIDDEN: Final = "…"
LONGEST: Final = 20_000
# Fields whose value is secret or a person's own words, whatever it looks like.
_NAMES: Final = re.compile(
    r"(?:^|_)(?:code|codes|password|secret|token|authorization|cookie|cookies|credentials|api_key"
    r"|secret_key|story|body|params|form)$",
    re.IGNORECASE,
)
_LOOKS: Final = (
    # Stripe's keys, signing secrets and client secrets.
    (re.compile(r"\b([sr]k_(?:live|test)_|whsec_)[A-Za-z0-9_]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b((?:pi|seti|cs)_[A-Za-z0-9]+_secret_)[A-Za-z0-9_]+"), rf"\1{HIDDEN}"),
    # Passwords in addresses of servers.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@/]+@", re.IGNORECASE), rf"\1:{HIDDEN}@"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), HIDDEN),
    (re.compile(r"(__Host-[A-Za-z0-9-]+=)[^;\s\"']+"), rf"\1{HIDDEN}"),
    # 256 random bits as our session tokens, states and nonces are written.
    (re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"), HIDDEN),
    # A sign-in code, also as the mail shows it.
    (re.compile(r"(?<![\w.-])\d{4} ?\d{4}(?![\w.-])"), HIDDEN),
    # Whose address it was stays guessable for nobody but us: the domain tells which customer.
    (re.compile(r"\b[A-Za-z0-9._%+'-]+@([A-Za-z0-9.-]+\.[A-Za-z]{2,})"), rf"{HIDDEN}@\1"),
)


def text(words: str) -> str:
    """The words without card numbers, keys, codes, tokens and addresses."""
    shown = words if len(words) <= LONGEST else words[:LONGEST] + HIDDEN
    for look, instead in _LOOKS:
        shown = look.sub(instead, shown)
    return card_numbers.mask(shown)


def event(_: Any, __: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The step for structlog: every value of a log line, however deep it lies."""
    return {name: _field(name, value) for name, value in entry.items()}


def _field(name: str, value: Any) -> Any:
    if _NAMES.search(name) and not isinstance(value, bool | int):
        return HIDDEN
    return value if name in ("timestamp", "level", "reference") else _value(value)


def _value(value: Any) -> Any:
    match value:
        case str():
            return text(value)
        case bool() | int() | float() | None:
            return value
        case Mapping():
            return {text(str(name)): _field(str(name), each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_value(each) for each in value]
        case _:
            return text(str(value))
