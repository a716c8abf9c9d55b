"""PDF documents for customers: tagged, reproducible, set by typst from data only."""

import asyncio
import importlib.util
import json
import re
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Final

import typst

from amends import settings
from amends.gateways import document_view
from amends.gateways.document_data import Document
from amends.gateways.document_view import View

# Packages that only carry a font; used when installed, so that more scripts can be printed.
_FONT_PACKAGES: Final = ("noto_cjk_sans_jp_regular",)
_NOT_PRINTABLE: Final = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")
_MISSING_NOTE: Final = (
    "A sign in brackets, such as [U+682A], stands for a letter that could not be printed here. "
    "The same page in the portal shows it."
)
_TRIES: Final = 4  # every try reports what no font has; one is enough unless a font lacks "U+"


class NotRendered(Exception):
    """The PDF could not be made; the sentence is for staff."""


async def render(document: Document) -> bytes:
    """The PDF. The same facts make the same bytes on the same machine. Takes about 50 ms."""
    return await asyncio.to_thread(render_view, document_view.view(document))


def render_view(view: View) -> bytes:
    """The PDF of words already made. Blocks; for threads."""
    missing: frozenset[str] = frozenset()
    for _ in range(_TRIES):
        try:
            return _compiled(view, missing)
        except typst.TypstError as error:
            found = _unprintable(str(error.diagnostic)) - missing
            if not found:
                raise NotRendered(f"typst: {error.message}") from error
            missing |= found
    raise NotRendered("typst: some signs are in no font")


def _compiled(view: View, missing: frozenset[str]) -> bytes:
    folder = settings.project_root() / "templates" / "documents"
    return typst.compile(
        folder / f"{view.kind}.typ",
        root=folder,
        font_paths=_fonts(),
        sys_inputs={"data": _json(view, missing)},
        pdf_standards=["ua-1"],
        timestamp=view.issued_at,
    )


def _json(view: View, missing: frozenset[str]) -> str:
    """The words as JSON, with every sign that no font has written as its number."""
    at = view.issued_at
    day = (at.year, at.month, at.day, at.hour, at.minute, at.second)
    noted = replace(view, notes=(*view.notes, _MISSING_NOTE)) if missing else view
    text = json.dumps({**asdict(noted), "issued_at": day}, ensure_ascii=False)
    for signs in sorted(missing, key=len, reverse=True):
        text = text.replace(signs, "".join(f"[U+{ord(sign):04X}]" for sign in signs))
    return text


def _unprintable(diagnostic: str) -> frozenset[str]:
    """The signs typst names as missing; it escapes some of them."""
    return frozenset(
        _ESCAPED.sub(lambda code: chr(int(code[1], 16)), signs)
        for signs in _NOT_PRINTABLE.findall(diagnostic)
    )


@cache
def _fonts() -> typst.Fonts:
    """Read once: the typesetter's own first, then packages, then the machine's for what is left."""
    return typst.Fonts(font_paths=[folder for name in _FONT_PACKAGES for folder in _folder(name)])


def _folder(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
