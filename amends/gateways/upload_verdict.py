"""What can be wrong with an uploaded file, one plain sentence each, and the limits."""

from enum import StrEnum
from typing import Final

from amends import facts

MEGABYTE: Final = 1024 * 1024
MAX_FILE_BYTES: Final = 10 * MEGABYTE
# Reading text for card numbers takes about a second per million characters at worst.
MAX_TEXT: Final = 1_000_000
MAX_CASE_BYTES: Final = 25 * MEGABYTE
MAX_CASE_FILES: Final = 20
# All requests of one customer together, within a day.
MAX_DAY_BYTES: Final = 100 * MEGABYTE


class Code(StrEnum):
    TOO_BIG = "too_big"
    TOO_MANY = "too_many"
    CASE_FULL = "case_full"
    WRONG_TYPE = "wrong_type"
    NOT_WHAT_IT_SAYS = "not_what_it_says"
    EMPTY = "empty"
    PASSWORD = "password"  # noqa: S105 - the name of a reason
    ACTIVE = "active"
    BAD_ENCLOSURE = "bad_enclosure"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_LONG = "too_long"
    TOO_MUCH_TODAY = "too_much_today"
    CARD_NUMBER = "card_number"
    VIRUS = "virus"
    FAILED = "failed"


class Rejected(facts.Fact):
    """The file is not taken; `message` says why and what to do."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


_WORDS: Final = {
    Code.WRONG_TYPE: "is not a kind of file we can take. "
    "Choose a PDF, PNG, JPEG, text (.txt) or email (.eml) file.",
    Code.NOT_WHAT_IT_SAYS: "holds something else than its name says. "
    "Open it, save it as a PDF, PNG or JPEG, and choose that file.",
    Code.EMPTY: "is empty. Check the file and choose it again.",
    Code.PASSWORD: "is protected by a password. "
    "Print or save it as a PDF without one, and choose that file.",
    Code.ACTIVE: "has scripts or other files inside. "
    "Print or save it as a new PDF, and choose that file.",
    Code.BAD_ENCLOSURE: "is an email with a file inside that we cannot take. "
    "Save the email as a PDF, and choose that file.",
    Code.CARD_NUMBER: "shows a full card number, so we did not keep it. "
    "Cover all but its last four digits, and choose the file again.",
    Code.TOO_LONG: "is too long to be looked through for card numbers. "
    "Save the pages that matter as a PDF, and choose that file.",
    Code.VIRUS: "looks like it carries a virus, so we did not keep it. Choose another file.",
    Code.FAILED: "could not be read; it may be damaged. "
    "Open it to check, save it again, and choose that file.",
}


def rejected(code: Code, name: str) -> Rejected:
    """The refusal of the file called `name`, for every reason that needs no figure."""
    return Rejected(code, f"“{name}” {_WORDS[code]}")


def too_big(name: str, size: int) -> Rejected:
    return Rejected(
        Code.TOO_BIG,
        f"“{name}” is {megabytes(size)} MB. Choose a file of {_whole(MAX_FILE_BYTES)} MB or less.",
    )


def too_much_text(name: str) -> Rejected:
    return Rejected(
        Code.TOO_BIG,
        f"“{name}” has more than {MAX_TEXT:,} characters of text. "
        "Save the part that matters as a PDF, and choose that file.",
    )


def too_many() -> Rejected:
    return Rejected(
        Code.TOO_MANY,
        f"A request can hold {MAX_CASE_FILES} files. Remove one before you add another.",
    )


def case_full(name: str, size: int, left: int) -> Rejected:
    room = f"{max(left, 0) * 10 // MEGABYTE / 10:.1f}"
    return Rejected(
        Code.CASE_FULL,
        f"“{name}” is {megabytes(size)} MB, and this request has room for {room} MB more "
        f"of {_whole(MAX_CASE_BYTES)} MB. Remove a file or choose a smaller one.",
    )


def too_much_today() -> Rejected:
    return Rejected(
        Code.TOO_MUCH_TODAY,
        f"You sent more than {_whole(MAX_DAY_BYTES)} MB of files since yesterday. "
        "Add the rest tomorrow, or write to us.",
    )


def too_many_pixels(name: str, limit: int) -> Rejected:
    return Rejected(
        Code.TOO_MANY_PIXELS,
        f"“{name}” is a picture of more than {limit // 1_000_000} million pixels. "
        "Save it smaller, and choose that file.",
    )


def megabytes(size: int) -> str:
    """Rounded up, so that what is too big never reads as the figure it exceeds."""
    return f"{-(-size * 10 // MEGABYTE) / 10:.1f}"


def _whole(size: int) -> int:
    return size // MEGABYTE
