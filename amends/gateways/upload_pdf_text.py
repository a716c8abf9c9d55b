"""The words of a PDF, as far as they can be read, so that card numbers in it are found."""

import io
import logging
import time
from collections.abc import Iterator
from typing import Any, Final

import pypdf
from pypdf.generic import DictionaryObject

from amends.gateways import upload_verdict
from amends.gateways.upload_verdict import MAX_TEXT, Code
from amends.rules import card_numbers

# A page takes 10 to 50 milliseconds; a statement of a whole year stays far below.
MAX_SECONDS: Final = 8.0
MAX_PAGES: Final = 400
_MAX_DRAWING: Final = 2_000_000  # bytes of one page's drawing, unpacked; text needs far less
_OVERLAP: Final = 40  # a number may begin at the end of one part and end in the next
logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it logs words of the file


class TooLong(Exception):
    """More than can be looked through in the time of an upload."""


def check(name: str, data: bytes) -> None:
    """Raises Rejected when the PDF shows a card number or is too long to be looked through.

    What pypdf cannot read is taken: such a file shows nothing to a search either, and a picture
    of a card is not found by anybody but a person.
    """
    try:
        shown = _shows_card(data)
    except TooLong as error:
        raise upload_verdict.rejected(Code.TOO_LONG, name) from error
    if shown:
        raise upload_verdict.rejected(Code.CARD_NUMBER, name)


def _shows_card(data: bytes) -> bool:
    deadline = time.monotonic() + MAX_SECONDS
    before, length = "", 0
    for part in _parts(data):
        if card_numbers.contains(before + part):
            return True
        before, length = part[-_OVERLAP:] + "\n", length + len(part)
        if length > MAX_TEXT or time.monotonic() > deadline:
            raise TooLong
    return False


def _parts(data: bytes) -> Iterator[str]:
    try:
        reader = pypdf.PdfReader(io.BytesIO(data))
        yield "\n".join(str(value) for value in (reader.metadata or {}).values())
        if len(reader.pages) > MAX_PAGES:
            raise TooLong
        for page in reader.pages:
            yield _page(page)
        yield "\n".join(str(field.value or "") for field in (reader.get_fields() or {}).values())
    except TooLong:
        raise
    except Exception:  # noqa: BLE001 - a damaged file fails in any way at all
        return


def _page(page: Any) -> str:
    """The text in reading order, and that of its notes."""
    drawing = page.get_contents()
    if drawing is not None and len(drawing.get_data()) > _MAX_DRAWING:
        raise TooLong
    notes = [_note(each) for each in page.get("/Annots") or ()]
    return "\n".join([page.extract_text() or "", *notes])


def _note(annotation: Any) -> str:
    found = annotation.get_object()
    if not isinstance(found, DictionaryObject):
        return ""
    return "\n".join(str(found.get(key, "")) for key in ("/Contents", "/V", "/T"))
