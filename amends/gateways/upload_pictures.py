"""Pictures: opened with a limit, turned upright, drawn anew; nothing but pixels is kept."""

import importlib
import importlib.util
import io
import threading
import warnings
from functools import cache
from typing import Final

from PIL import Image, ImageOps

from amends.gateways import upload_verdict
from amends.gateways.upload_verdict import Code

# Phones take 48 to 50 million pixels; a scanned A4 page at 600 dpi has 35.
MAX_PIXELS: Final = 50_000_000
# Long edge kept: more than a page at 300 dpi (3,508), so small print stays readable.
LONG_EDGE: Final = 4000
_JPEG_QUALITY: Final = 88
# A decoded picture takes up to 200 MB; two at a time keep a small machine alive.
_decoding = threading.BoundedSemaphore(2)
_BROKEN = (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, MemoryError, EOFError)


@cache
def heic_is_readable() -> bool:
    """Whether the optional HEIC reader (package pi-heif) is installed; registers it once."""
    if importlib.util.find_spec("pi_heif") is None:
        return False
    importlib.import_module("pi_heif").register_heif_opener()
    return True


def redrawn(name: str, data: bytes, source: str, target: str) -> bytes:
    """The picture as a new file of format `target`; raises Rejected when it cannot be opened."""
    with _decoding, warnings.catch_warnings():
        # Pillow warns of half the size it refuses; the limit here is ours and checked below.
        warnings.simplefilter("ignore")
        try:
            return _redrawn(name, data, source, target)
        except _BROKEN as error:
            raise upload_verdict.rejected(Code.FAILED, name) from error
        except Image.DecompressionBombError as error:
            raise upload_verdict.too_many_pixels(name, MAX_PIXELS) from error


def _redrawn(name: str, data: bytes, source: str, target: str) -> bytes:
    with Image.open(io.BytesIO(data), formats=(source,)) as picture:
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise upload_verdict.too_many_pixels(name, MAX_PIXELS)
        # A JPEG can be decoded at a half or a quarter of its size, which saves the memory.
        picture.draft("RGB", (LONG_EDGE, LONG_EDGE))
        picture.thumbnail((LONG_EDGE, LONG_EDGE))
        return _written(_pixels_only(ImageOps.exif_transpose(picture), target), target)


def _pixels_only(picture: Image.Image, target: str) -> Image.Image:
    """A new picture without comments, colour profile, place or any other note."""
    see_through = target == "PNG" and picture.has_transparency_data
    mode = "RGBA" if see_through else "L" if picture.mode in {"1", "L"} else "RGB"
    plain = picture.convert(mode)
    fresh = Image.new(mode, plain.size)
    fresh.paste(plain)
    return fresh


def _written(picture: Image.Image, target: str) -> bytes:
    out = io.BytesIO()
    if target == "JPEG":
        picture.save(out, "JPEG", quality=_JPEG_QUALITY)
    else:
        picture.save(out, target)
    return out.getvalue()
