"""HTML mail as plain text: nothing is fetched, run or styled, and time grows with length only.

Our own because the library parser of Python 3.11 needs seven seconds for 24 kB of `<a <a <a`, and
because packages that do this are under the GPL or bring a C library with them.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_SILENT: Final = frozenset({"script", "style", "title", "template", "noscript", "svg", "math"})
_BLOCKS: Final = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt"}
    | {"fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head"}
    | {"header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tbody"}
    | {"tr", "ul"}
)
_CELLS: Final = frozenset({"td", "th"})
_TAG: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9:-]{0,30})")
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_LONGEST_TAG: Final = 4000  # what is read of the attributes
_DEEPEST_QUOTE: Final = 5
_LONGEST_LINK: Final = 300
_ADDRESS: Final = re.compile(
    r"""(?<![\w-])href\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)
_ALTERNATIVE: Final = re.compile(
    r"""(?<![\w-])alt\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE
)


@dataclass
class _Page:
    """The text so far. Lines inside a quotation get its marks when they end."""

    lines: list[str] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    quoted: int = 0
    verbatim: int = 0
    link: str = ""
    words_of_link: list[str] = field(default_factory=list)

    def write(self, words: str) -> None:
        self.line.append(words)
        if self.link:
            self.words_of_link.append(words)

    def end_line(self) -> None:
        text = "".join(self.line)
        shown = text.rstrip() if self.verbatim else _SPACE.sub(" ", text).strip()
        self.lines.append("> " * min(self.quoted, _DEEPEST_QUOTE) + shown)
        self.line.clear()

    def end_block(self) -> None:
        if "".join(self.line).strip():
            self.end_line()
        self.line.clear()

    def end_link(self) -> None:
        """The words of a link, and where it leads when they do not say so."""
        shown = "".join(self.words_of_link)
        if self.link and self.link.partition("//")[2].strip("/") not in shown:
            self.line.append(f" ({self.link})")
        self.link = ""
        self.words_of_link.clear()


def plain(markup: str) -> str:
    """What a reader would see, line by line; quotations carry `> `."""
    page = _Page()
    for token in _tokens(markup):
        if token.startswith("<") and (named := _TAG.match(token)):
            _tag(page, token, named[1].lower())
        else:
            _words(page, token)
    page.end_link()
    page.end_block()
    return "\n".join(page.lines).strip("\n")


def _tokens(markup: str) -> Iterator[str]:
    """Tags and the text between them. Comments, declarations and silent elements are left out."""
    lower, place = markup.lower(), 0
    while place < len(markup):
        start = markup.find("<", place)
        if start < 0:
            yield markup[place:]
            return
        if start > place:
            yield markup[place:start]
        named = _TAG.match(markup, start)
        if named is None and markup[start + 1 : start + 2] not in ("!", "?"):
            yield "&lt;"
            place = start + 1
            continue
        place = _end_of_tag(lower, start, named)
        if named is not None:
            yield markup[start : min(place, start + _LONGEST_TAG)]


def _end_of_tag(lower: str, start: int, named: re.Match[str] | None) -> int:
    """Where the text goes on: behind the tag, the comment, or the whole silent element."""
    close = "-->" if lower.startswith("<!--", start) else ">"
    end = lower.find(close, start)
    if end < 0:
        return len(lower)
    if named is None or named[1].lower() not in _SILENT or lower[start + 1] == "/":
        return end + len(close)
    if lower[end - 1] == "/":
        return end + 1
    gone = lower.find(f"</{named[1].lower()}", end)
    return gone if gone >= 0 else len(lower)


def _words(page: _Page, text: str) -> None:
    words = html.unescape(text)
    if not page.verbatim:
        page.write(_SPACE.sub(" ", words))
        return
    first, *rest = words.replace("\r\n", "\n").split("\n")
    page.write(first)
    for line in rest:
        page.end_line()
        page.write(line)


def _tag(page: _Page, token: str, name: str) -> None:
    closes = token.startswith("</")
    if name == "br":
        page.end_line()
    elif name == "a":
        page.end_link()
        page.link = "" if closes else _link(token)
    elif name == "img":
        page.write(_image(token))
    elif name in _CELLS:
        page.write(" ")
    elif name in _BLOCKS:
        page.end_block()
        _block(page, name, -1 if closes else 1)


def _block(page: _Page, name: str, step: int) -> None:
    if name == "blockquote":
        page.quoted = max(page.quoted + step, 0)
    elif name == "pre":
        page.verbatim = max(page.verbatim + step, 0)
    elif name == "li" and step > 0:
        page.write("- ")
    elif name in ("p", "table", "ul", "ol") and page.lines and page.lines[-1].strip("> "):
        page.end_line()


def _link(token: str) -> str:
    found = _ADDRESS.search(token)
    address = html.unescape(next(filter(None, found.groups()), "")).strip() if found else ""
    if not address.lower().startswith(("http://", "https://")):
        return ""
    return _SPACE.sub("%20", address)[:_LONGEST_LINK]


def _image(token: str) -> str:
    found = _ALTERNATIVE.search(token)
    words = html.unescape(next(filter(None, found.groups()), "")).strip() if found else ""
    return f"[{words}]" if words else ""
