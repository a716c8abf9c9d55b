"""Reading an answer as people do: its words, and the fields of its forms."""

import html
import re
from html.parser import HTMLParser
from typing import Any

import httpx2


def words(answer: httpx2.Response) -> str:
    """The page without its tags, blanks made one."""
    text = re.sub(r"<(script|style|head)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


class _Fields(HTMLParser):
    """The fields of one form, those outside that name it with `form=` included."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.inside = form_id, False
        self.found: dict[str, list[str]] = {}
        self.area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        mine = (self.inside and "form" not in given) or given.get("form") == self.form_id
        name = given.get("name")
        if not mine or not name:
            return
        if tag == "textarea":
            self.area = name
            self.found.setdefault(name, []).append("")
        elif tag == "input":
            self._input(name, given)

    def _input(self, name: str, given: dict[str, str | None]) -> None:
        if given.get("type") in ("radio", "checkbox") and "checked" not in given:
            return
        self.found.setdefault(name, []).append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        if tag == "textarea":
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.found[self.area][-1] += data


def form(answer: httpx2.Response, form_id: str = "decide", **changes: Any) -> dict[str, Any]:
    """What a browser would send for this form, with some fields filled in."""
    parser = _Fields(form_id)
    parser.feed(answer.text)
    return {name: values if len(values) > 1 else values[0] for name, values in
            parser.found.items()} | changes  # fmt: skip
