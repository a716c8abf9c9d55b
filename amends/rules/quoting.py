"""What of a mail its sender wrote, and what is the quoted rest below it; kept whole, folded."""

import re
from collections.abc import Sequence
from typing import Final

# Stands alone on a line between the two parts of a stored message. Pages fold what follows it.
MARKER: Final = "----- Quoted text -----"

_MOST_LOOKED_AT: Final = 300  # characters of a line: no such line is longer
_DIVIDER: Final = re.compile(
    r"[-_=*]{2,} ?(?:original message|forwarded message|original appointment|reply message"
    r"|ursprüngliche nachricht|weitergeleitete nachricht|message d'origine|message original"
    r"|message transféré|mensaje original|mensaje reenviado|messaggio originale"
    r"|oorspronkelijk bericht|mensagem original) ?[-_=*]{2,}",
    re.IGNORECASE,
)
# On Tue, Nov 24, 2026 at 10:02 AM Northwind <billing@northwind.example> wrote:
_ATTRIBUTION: Final = re.compile(
    r"(?:on|am|le|el|il|op|em|den|på)\b.*\b"
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev)\b.{0,80}:",
    re.IGNORECASE,
)
_ADDED_FIELDS: Final = 5
_FIELD_FROM: Final = re.compile(r"\W{0,2}(?:from|von|de|da|van)\s?:", re.IGNORECASE)
_FIELD_SENT: Final = re.compile(
    r"\W{0,2}(?:sent|date|gesendet|datum|envoyé|enviado(?: el)?|fecha|inviato|data|verzonden)\s?:",
    re.IGNORECASE,
)
_FIELD_SUBJECT: Final = re.compile(
    r"\W{0,2}(?:subject|betreff|objet|asunto|oggetto|onderwerp|assunto)\s?:", re.IGNORECASE
)


def split(text: str) -> tuple[str, str]:
    """The sender's own words, and the quoted text below them without its quote marks.

    Answers written between quoted lines stay where they are. A mail that is all quotation, as a
    forwarded one, is the sender's own.
    """
    lines = text.split("\n")
    cut = min(_below_a_heading(lines), _trailing_quotation(lines))
    own = "\n".join(lines[:cut]).strip()
    if not own:
        return text.strip(), ""
    return own, "\n".join(map(_unmarked, lines[cut:])).strip()


def _below_a_heading(lines: Sequence[str]) -> int:
    """Where a mail program put the whole earlier message below a heading; the end if nowhere."""
    for at, line in enumerate(lines):
        shown = line[:_MOST_LOOKED_AT].strip()
        if _DIVIDER.fullmatch(shown) or _is_header_block(lines, at, shown):
            return at
        if width := _attribution(lines, at):
            return len(lines) if _is_answered_below(lines[at + width :]) else at
    return len(lines)


def _is_header_block(lines: Sequence[str], at: int, shown: str) -> bool:
    """From, Sent and Subject in a row, as Outlook writes them."""
    if not _FIELD_FROM.match(shown):
        return False
    block = [line[:_MOST_LOOKED_AT].strip() for line in lines[at + 1 : at + 1 + _ADDED_FIELDS]]
    return any(map(_FIELD_SENT.match, block)) and any(map(_FIELD_SUBJECT.match, block))


def _attribution(lines: Sequence[str], at: int) -> int:
    """How many lines the "… wrote:" that begins here takes; mail programs wrap it. 0 for none."""
    shown = ""
    for width, line in enumerate(lines[at : at + 3], 1):
        shown = f"{shown} {line[:_MOST_LOOKED_AT].strip()}".strip()
        if _ATTRIBUTION.fullmatch(shown):
            return width
    return 0


def _is_answered_below(lines: Sequence[str]) -> bool:
    """Whether somebody wrote between or below quoted lines. Without quote marks nobody can tell."""
    marked = [bool(_is_quoted(line)) for line in lines if line.strip()]
    return True in marked and False in marked


def _trailing_quotation(lines: Sequence[str]) -> int:
    """Where the last lines begin that all carry quote marks, with the line that announces them."""
    cut = len(lines)
    for at in range(len(lines) - 1, -1, -1):
        if _is_quoted(lines[at]):
            cut = at
        elif lines[at].strip():
            break
    if cut == len(lines):
        return cut
    above = cut - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    return above if above >= 0 and lines[above].rstrip().endswith(":") else cut


def _is_quoted(line: str) -> bool:
    return line.lstrip()[:1] == ">"


def _unmarked(line: str) -> str:
    return re.sub(r"^(?:\s?>)+ ?", "", line)


def joined(own: str, quoted: str) -> str:
    """One text to store. A line that reads like the marker cannot hide anything below it."""
    safe = "\n".join(f"> {line}" if line.strip() == MARKER else line for line in own.split("\n"))
    return f"{safe}\n\n{MARKER}\n{quoted}" if quoted else safe


def parted(body: str) -> tuple[str, str]:
    """What `joined` made of two: the words, and the part to fold (empty without one)."""
    own, _, quoted = body.partition(f"\n{MARKER}\n")
    return own.strip(), quoted.strip()
