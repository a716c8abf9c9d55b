"""One PDF for the bank: the cover with its list, then every exhibit. Blocks; for threads."""

import asyncio
import io
from collections.abc import Sequence
from typing import Final

import pypdf
from PIL import Image
from pypdf.errors import PyPdfError

from amends.gateways.document_data import Exhibit
from amends.gateways.documents import NotRendered
from amends.gateways.stripe_disputes import MOST_BYTES

_LONGEST_SIDE: Final = 1700  # about an A4 page at 145 dots an inch: readable, and small
_QUALITY: Final = 80


async def assemble(cover: bytes, exhibits: Sequence[tuple[Exhibit, bytes]]) -> bytes:
    """Raises NotRendered when an exhibit cannot be read or all of it is too large."""
    return await asyncio.to_thread(_assemble, cover, exhibits)


def _assemble(cover: bytes, exhibits: Sequence[tuple[Exhibit, bytes]]) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(cover))
    for number, (exhibit, data) in enumerate(exhibits, 1):
        try:
            _append(writer, number, exhibit, data)
        except (PyPdfError, OSError, ValueError) as error:
            raise NotRendered(f"{exhibit.title} cannot be read: {error}") from error
    out = io.BytesIO()
    writer.write(out)
    if out.tell() > MOST_BYTES:
        raise NotRendered("The pack is over 5 MB. Choose fewer files.")
    return out.getvalue()


def _append(writer: pypdf.PdfWriter, number: int, exhibit: Exhibit, data: bytes) -> None:
    pdf = data if exhibit.content_type == "application/pdf" else _page_of(data)
    first = len(writer.pages)
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        writer.add_page(page)
    writer.add_outline_item(title=f"{number}. {exhibit.title}", page_number=first)


def _page_of(data: bytes) -> bytes:
    """A picture as a page of its own."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    out = io.BytesIO()
    picture.save(out, "PDF", quality=_QUALITY, resolution=145.0)
    return out.getvalue()
