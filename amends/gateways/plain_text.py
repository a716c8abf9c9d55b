"""What is taken out of text from outside before it is stored as a name, mailed or printed."""

import unicodedata

# Direction marks, overrides and isolates: they can make "exe.pdf" of "fdp.exe".
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control, surrogate, not assigned, line and paragraph separators.
_NEVER = frozenset({"Cc", "Cs", "Cn", "Zl", "Zp"})
# Joiners are letters' business in Persian and Indic names; every other format character is not.
_JOINERS = frozenset("\u200c\u200d")


def line(text: str) -> str:
    """One line: no controls, no direction marks, single blanks, composed letters."""
    spaced = "".join(" " if _breaks(sign) else sign for sign in text)
    kept = "".join(sign for sign in spaced if _is_kept(sign))
    return " ".join(unicodedata.normalize("NFC", kept).split())


def prose(text: str) -> str:
    """Several lines, each as `line` makes it; never more than one empty line in a row."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = [line(part) for part in unified.split("\n")]
    kept = [part for i, part in enumerate(lines) if part or (i and lines[i - 1])]
    return "\n".join(kept).strip("\n")


def _breaks(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) in {"Zl", "Zp"}


def _is_kept(sign: str) -> bool:
    category = unicodedata.category(sign)
    if category in _NEVER or sign in _BIDI:
        return False
    return category != "Cf" or sign in _JOINERS
