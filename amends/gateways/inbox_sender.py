"""Who wrote a mail, and what our own mail gateway says of that; in doubt nobody, and nothing."""

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

_LONGEST_HEADER: Final = 4000
# Mailboxes as they exist. Whatever could be read in two ways is nobody's.
_MAILBOX: Final = re.compile(r"[^\s<>@,;:\"()\[\]\\]{1,64}@[^\s<>@,;:\"()\[\]\\]{1,253}")
_IN_ANGLES: Final = re.compile(r"([^<>@,;:]*)<([^<>]*)>")
_RESULT: Final = re.compile(r"\s*([a-z0-9-]+)\s*(?:/\s*[0-9]+\s*)?=\s*([a-z]+)(?![a-z])(.*)", re.S)
_HEADER_FROM: Final = re.compile(r"(?:^|\s)header\.from\s*=\s*(\S+)")
_HIDDEN: Final = "\x00"  # stands where a quoted string stood


class Dmarc(StrEnum):
    """Whether the domain in From sent the mail. NONE: nobody whom we trust has looked."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    NONE = "none"


def address(headers: Sequence[str]) -> str:
    """The one mailbox that the one From header names, lower case; empty in any doubt.

    Display names are not looked at: they say what the sender likes.
    """
    if len(headers) != 1:
        return ""
    bare = _bare(headers[0])
    if bare is None:
        return ""
    text = bare.strip()
    angled = _IN_ANGLES.fullmatch(text)
    mailbox = (angled[2] if angled else text).strip()
    if not _MAILBOX.fullmatch(mailbox) or _HIDDEN in mailbox:
        return ""
    return _normal(mailbox)


def _normal(mailbox: str) -> str:
    local, _, domain = mailbox.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    found = unicodedata.normalize("NFC", f"{local}@{ascii_domain}").lower()
    return "" if any(unicodedata.category(sign)[0] == "C" for sign in found) else found


def dmarc(headers: Sequence[str], gateway: str, sender: str) -> Dmarc:
    """What our gateway found, from the topmost Authentication-Results only.

    A gateway puts its own verdict above whatever came with the mail. When the topmost is not
    signed with our gateway's name, no verdict of the mail counts. The verdict has to name the
    domain it is about: a header that two readers read differently must not lend it to another.
    """
    if not (headers and gateway and sender):
        return Dmarc.NONE
    bare = _bare(headers[0])
    if bare is None:
        return Dmarc.NONE
    name, *results = bare.lower().split(";")
    if not _is_named(name, gateway.lower()):
        return Dmarc.NONE
    found = [match for match in map(_RESULT.match, results) if match and match[1] == "dmarc"]
    if len(found) != 1:
        return Dmarc.NONE
    return _verdict(found[0], sender.rpartition("@")[2])


def _is_named(words: str, gateway: str) -> bool:
    """The name, and after it a version at most."""
    name, *version = words.split() or [""]
    return name == gateway and (not version or (len(version) == 1 and version[0].isdigit()))


def _verdict(result: re.Match[str], domain: str) -> Dmarc:
    seen = _HEADER_FROM.search(result[3])
    if not seen or seen[1].rstrip(".") != domain:
        return Dmarc.NONE
    match result[2]:
        case "pass":
            return Dmarc.PASS
        case "fail":
            return Dmarc.FAIL
        case _:
            return Dmarc.NONE


def _bare(header: str) -> str | None:
    """The header without comments, its quoted strings hidden; None when it is malformed.

    Whatever a sender can put into a verdict (an address, a reason) stands in one of the two.
    """
    if len(header) > _LONGEST_HEADER or _HIDDEN in header:
        return None
    kept: list[str] = []
    depth, quoted, signs = 0, False, iter(header)
    for sign in signs:
        if sign == "\\" and (quoted or depth):
            next(signs, None)
        elif quoted:
            quoted = sign != '"'
        elif sign == "(":
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif sign == '"' and not depth:
            quoted = True
            kept.append(_HIDDEN)
        elif not depth:
            kept.append(sign)
    return None if quoted or depth else "".join(kept)
