"""Bytes of a mail as text, whatever charset they claim."""

import codecs
import re
from typing import Final

# Codecs of characters only: Python also has some that unpack, and some that take forever.
_CHARACTERS: Final = re.compile(
    r"(utf|ascii|iso8859|iso2022|cp|koi8|big5|gb|hz|euc|shift_jis|mac|tis|johab|kz|ptcp|hp_roman)"
)
# Programs that label these mean the larger Windows set.
_WIDER: Final = {"iso8859-1": "cp1252", "iso8859-9": "cp1254", "gb2312": "gb18030"}


def text(data: bytes, charset: str) -> str:
    """Never fails: the charset it claims, then UTF-8, then what Western programs write."""
    for codec in dict.fromkeys((_known(charset), "utf-8")):
        try:
            return data.decode(codec)
        except (UnicodeError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def _known(charset: str) -> str:
    try:
        name = codecs.lookup(charset.strip(" \"'")[:40]).name
    except (LookupError, ValueError):
        return "utf-8"
    return _WIDER.get(name, name) if _CHARACTERS.match(name) else "utf-8"
