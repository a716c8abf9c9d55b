"""Uploaded files: what is taken, by content and name together, and in which clean form."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from amends.gateways import (
    upload_letters,
    upload_names,
    upload_pdfs,
    upload_verdict,
)
from amends.gateways.upload_verdict import (
    MAX_CASE_BYTES,
    MAX_CASE_FILES,
    MAX_FILE_BYTES,
    Code,
    Rejected,
)
from amends.rules import card_numbers

__all__ = [
    "ACCEPT",
    "MAX_CASE_BYTES",
    "MAX_CASE_FILES",
    "MAX_FILE_BYTES",
    "Accepted",
    "Code",
    "Rejected",
    "check",
    "check_room",
]

# For the `accept` attribute of a file field. HEIC stays out: phones then send JPEG by themselves.
ACCEPT: Final = ".pdf,.png,.jpg,.jpeg,.txt,.eml,application/pdf,image/png,image/jpeg,text/plain"


class Kind(StrEnum):
    """What is taken; the value is the content type as it is stored and served."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    HEIC = "image/heic"
    TEXT = "text/plain"
    EMAIL = "message/rfc822"


_BY_EXTENSION: Final = {
    ".pdf": Kind.PDF,
    ".png": Kind.PNG,
    ".jpg": Kind.JPEG,
    ".jpeg": Kind.JPEG,
    ".heic": Kind.HEIC,
    ".heif": Kind.HEIC,
    ".txt": Kind.TEXT,
    ".eml": Kind.EMAIL,
}
_MAGIC: Final = (
    (b"%PDF-", Kind.PDF),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
)
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
# A sender that declares one of these means something we never take, whatever the bytes are.
_DECLARED_ACTIVE: Final = ("html", "svg", "script", "xml", "zip", "msdownload", "x-sh")
_PICTURES: Final = frozenset({Kind.PNG, Kind.JPEG, Kind.HEIC})
_FOREIGN_START: Final = 1024  # PDF readers find their mark anywhere in here
_ZIP_TAIL: Final = 22 + 65_535
# The industry's harmless test file for virus scanners, in two parts so that none stops on this.
_TEST_VIRUS: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

# A file is handed out only when it is clean. While the scanner is away it is kept, being checked.
CLEAN: Final = "clean"
CHECKING: Final = "checking"
INFECTED: Final = "infected"

# Says whether the bytes carry a virus. Raises facts.Unavailable when it cannot tell.
Scan = Callable[[bytes], bool]


@dataclass(frozen=True)
class Accepted:
    """A file that may be kept. `data` is what to store: pictures are redrawn, text is UTF-8."""

    name: str
    content_type: str
    data: bytes
    sha256: str
    size: int
    state: str = CLEAN


def carries_test_virus(data: bytes) -> bool:
    """The scan without a scanner: knows the test file only."""
    return _TEST_VIRUS in data


def check_room(name: str, size: int, files_held: int, bytes_held: int) -> None:
    """Raises Rejected when the case cannot hold one more file of this size."""
    if files_held >= MAX_CASE_FILES:
        raise upload_verdict.too_many()
    if bytes_held + size > MAX_CASE_BYTES:
        raise upload_verdict.case_full(upload_names.clean(name), size, MAX_CASE_BYTES - bytes_held)


def check(
    filename: str, declared_type: str, data: bytes, scan: Scan = carries_test_virus
) -> Accepted:
    """The file in the form to keep, or Rejected. Takes up to seconds: call it in a thread."""
    name = upload_names.clean(filename)
    _check_size(name, data)
    kind = _agreed_kind(name, declared_type, data)
    if scan(data):
        raise upload_verdict.rejected(Code.VIRUS, name)
    kept = _clean(kind, name, data, scan)
    if len(kept) > MAX_FILE_BYTES:
        raise upload_verdict.too_big(name, len(kept))
    if kind is Kind.HEIC:
        name, kind = upload_names.with_extension(name, ".jpg"), Kind.JPEG
    return Accepted(name, kind.value, kept, hashlib.sha256(kept).hexdigest(), len(kept))


def _check_size(name: str, data: bytes) -> None:
    if not data:
        raise upload_verdict.rejected(Code.EMPTY, name)
    if len(data) > MAX_FILE_BYTES:
        raise upload_verdict.too_big(name, len(data))


def _agreed_kind(name: str, declared_type: str, data: bytes) -> Kind:
    """The kind that name, declaration and content agree on."""
    kind = _BY_EXTENSION.get(upload_names.extension(name))
    declared = declared_type.lower()
    if kind is None or any(word in declared for word in _DECLARED_ACTIVE):
        raise upload_verdict.rejected(Code.WRONG_TYPE, name)
    if kind is Kind.HEIC and not _reads_heic():
        raise upload_verdict.rejected(Code.WRONG_TYPE, name)
    if _kind_of(data) not in {kind, None} or (_kind_of(data) is None and not _is_letter(kind)):
        raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)
    if kind in _PICTURES and _is_two_files(data):
        raise upload_verdict.rejected(Code.NOT_WHAT_IT_SAYS, name)
    return kind


def _is_letter(kind: Kind) -> bool:
    """Text has no mark at its start; its own check reads it whole."""
    return kind in {Kind.TEXT, Kind.EMAIL}


def _kind_of(data: bytes) -> Kind | None:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return Kind.HEIC
    return next((kind for mark, kind in _MAGIC if data.startswith(mark)), None)


def _is_two_files(data: bytes) -> bool:
    return b"%PDF-" in data[:_FOREIGN_START] or b"PK\x05\x06" in data[-_ZIP_TAIL:]


def _clean(kind: Kind, name: str, data: bytes, scan: Scan) -> bytes:
    match kind:
        case Kind.PDF:
            return _read_pdf(name, data)
        case Kind.PNG:
            return _redrawn(name, data, "PNG", "PNG")
        case Kind.JPEG:
            return _redrawn(name, data, "JPEG", "JPEG")
        case Kind.HEIC:
            return _redrawn(name, data, "HEIF", "JPEG")
        case Kind.TEXT:
            return upload_letters.text(name, data)
        case Kind.EMAIL:
            return upload_letters.letter(name, data, lambda n, d: _check_enclosed(n, d, scan))
        case _:
            assert_never(kind)


# Loaded with the first file that needs them: 17 MB that most processes never use.


def _read_pdf(name: str, data: bytes) -> bytes:
    from amends.gateways import upload_pdf_text

    upload_pdfs.check(name, data)
    upload_pdf_text.check(name, data)
    return data


def _redrawn(name: str, data: bytes, source: str, target: str) -> bytes:
    from amends.gateways import upload_pictures

    return upload_pictures.redrawn(name, data, source, target)


def _reads_heic() -> bool:
    from amends.gateways import upload_pictures

    return upload_pictures.heic_is_readable()


def _check_enclosed(filename: str, data: bytes, scan: Scan) -> None:
    """A file inside an email must be one we would take by itself, and not another email."""
    name = upload_names.clean(filename)
    if upload_names.extension(name) == ".eml":
        raise upload_verdict.rejected(Code.WRONG_TYPE, name)
    kept = check(filename, "", data, scan)
    # By itself a text is kept without its card numbers; inside an email it would keep them.
    if kept.content_type == Kind.TEXT and card_numbers.contains(upload_letters.decoded(name, data)):
        raise upload_verdict.rejected(Code.CARD_NUMBER, name)
