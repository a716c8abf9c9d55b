"""Text as the card number finder reads it: folded to plain ASCII, look-alikes blanked out."""

import html
import re
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_FOLDABLE: Final = re.compile(
    r"[^\x00-\x7f]"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
    r"|[\r\n][\r\n \t>|]*"  # A line break with the quote marks of an answered mail.
    r"|%(?:20|2[dD]|09|0[aAdD]|C2%A0)"
    r"|&(?:\#[0-9]{2,7}|\#[xX][0-9a-fA-F]{2,6}|[A-Za-z]{2,8});"
)
_FILLERS: Final = "\u115f\u1160"  # Letters by category, invisible in print.
# Neither of the two stands between the digits of one number; "%" also stands for letters of
# other scripts, which must not read as part of an identifier.
_SIGN: Final = "$"
_LETTER: Final = "%"

PLACEHOLDER: Final = "[card number removed, ends {last4}]"
_NOT_CARDS: Final = re.compile(
    r"\[card number removed, ends [0-9]{4}\]"
    r"|(?<![0-9A-Za-z])[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Za-z])"
)
_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_HEX_LETTERS_INSIDE: Final = re.compile(r"[0-9][a-fA-F]+[0-9]")
_NOT_HEX: Final = re.compile(r"[^0-9a-fA-F]")
_IBAN_START: Final = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ -]?[A-Za-z0-9])")
# Country and length, from the registry of ISO 13616.
_IBANS: Final = (
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29"
    "ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20"
    "LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29"
    "PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"
    "YE30"
)
_IBAN_LENGTHS: Final = {
    _IBANS[place : place + 2]: int(_IBANS[place + 2 : place + 4])
    for place in range(0, len(_IBANS), 4)
}
_USPS: Final = re.compile(r"(?<![0-9])9[1-5][0-9]{2}(?: [0-9]{4}){4}(?: [0-9]{2})?(?![0-9])")


@dataclass(frozen=True, slots=True)
class Folded:
    """One ASCII character per visible one; `starts` and `ends` lead back to the original."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def fold(text: str) -> Folded:
    """Digits of any script as ASCII digits, the invisible dropped, a quoted line break as one."""
    parts: list[str] = []
    starts, ends = array("L"), array("L")
    done = 0
    for match in _FOLDABLE.finditer(text):
        start, end = match.span()
        plain = _plain(match[0])
        parts += text[done:start], plain
        starts.extend([*range(done, start), *[start] * len(plain)])
        ends.extend([*range(done + 1, start + 1), *[end] * len(plain)])
        done = end
    parts.append(text[done:])
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return Folded("".join(parts), starts, ends)


def _plain(found: str) -> str:
    if found[0] in "\r\n":
        return "\n"
    if found[0] == "%":
        return " "
    if found[0] == "&":
        return "".join(map(_ascii, html.unescape(found)))
    return _ascii(found)


@lru_cache(maxsize=4096)
def _ascii(character: str) -> str:
    return "".join(map(_class_of, unicodedata.normalize("NFKC", character)))


def _class_of(character: str) -> str:
    """The digit, or one ASCII character that stands for the kind; nothing for the invisible."""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character.isascii() and character.isprintable():
        return character
    if character in _FILLERS:
        return ""
    return _class_of_category(character, unicodedata.category(character))


def _class_of_category(character: str, category: str) -> str:
    match category:
        case "Zl" | "Zp" | "Zs":
            return " "
        case "Mn" | "Me" | "Cf" | "Cc":
            return " " if character.isspace() else ""
        case "Sc":
            return _SIGN
        case "Pd":
            return "-"
        case _ if category[0] in "LM":
            return _LETTER
        case _:
            return "-" if character == "\N{MINUS SIGN}" else "."


def blanked(text: str) -> str:
    """Folded text of the same length, with letters over what looks like a card and is none:
    our own placeholder, UUIDs, hashes, bank accounts and parcel numbers."""
    text = _NOT_CARDS.sub(_blank, text)
    text = _without_ibans(text)
    text = _USPS.sub(lambda match: _blank(match) if _is_parcel(match[0]) else match[0], text)
    if _HEX_LETTERS_INSIDE.search(text) is None:
        return text
    return _WORD.sub(lambda match: _blank(match) if _is_hash(match[0]) else match[0], text)


def _blank(match: re.Match[str]) -> str:
    return "x" * len(match[0])


def _is_hash(word: str) -> bool:
    # Identifiers with more letters need no care: 13 digits in a row do not occur in them.
    return _HEX_LETTERS_INSIDE.search(word) is not None and _NOT_HEX.search(word) is None


def _without_ibans(text: str) -> str:
    for start in [match.start() for match in _IBAN_START.finditer(text)]:
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        match = _iban_pattern(length).match(text, start) if length else None
        if match and _is_iban(match[0]):
            text = text[:start] + _blank(match) + text[match.end() :]
    return text


@lru_cache(maxsize=64)
def _iban_pattern(length: int) -> re.Pattern[str]:
    return re.compile(rf"(?:[A-Za-z0-9][ -]?){{{length - 1}}}[A-Za-z0-9](?![A-Za-z0-9])")


def _is_iban(found: str) -> bool:
    """ISO 13616: country and check digits moved behind, letters as numbers, 1 modulo 97."""
    account = found.replace(" ", "").replace("-", "")
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1


def _is_parcel(found: str) -> bool:
    """The GS1 check digit of the numbers that the United States post prints in fours."""
    digits = [int(digit) for digit in reversed(found.replace(" ", ""))]
    return (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0
