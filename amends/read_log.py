"""Who of the staff looked at what of a customer, or took a copy of it; kept for a year."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tortoise import connections

from amends import access, clock, read_alert
from amends.models import ReadEntry
from amends.rules.people import Staff

KEPT = timedelta(days=400)
_LONGEST = 80


class Read(StrEnum):
    """How closely: a page, a copy that leaves, or a look for something."""

    PAGE = "read"
    EXPORT = "export"
    SEARCH = "search"


@dataclass(frozen=True)
class Look:
    """One look. `subject` names a case, a dispute, an account or a file; never words typed."""

    what: Read
    subject: str
    page: str
    address: str
    reference: str


async def note(by: Staff, look: Look) -> None:
    """Before the page leaves: what cannot be written down is not shown."""
    if look.page in read_alert.OPENS:
        await _note_and_count(by, look)
        return
    asked = [by.person_id, clock.now(), *values(look)]
    await connections.get("default").execute_query(_NOTE, asked)


def values(look: Look) -> list[str]:
    """What stands between who looked and when."""
    return [
        look.what.value,
        look.subject[:_LONGEST],
        look.page[:60],
        look.address[:64],
        look.reference[:16],
    ]


def along(first: int, found: str = "") -> str:
    """The note, also inside of the statement that reads what is shown: viewer $1, present $2, and
    the `values` from $`first` on. It is written for each row of `found`, a FROM, or once."""
    # By hand: the desk may add entries and read their numbers, nothing else.
    told = ", ".join(f"${first + place}" for place in range(5))
    return (
        "INSERT INTO read_log (person_id, at, what, subject, page, address, reference) "
        f"SELECT $1::bigint, $2::timestamptz, {told} {found}"
    )


def opening(first: int, found: str = "") -> str:
    """The same of a page in read_alert.OPENS, with the count as `hit`: two parts of a WITH. They
    take the `opening_values` from $`first` on."""
    counts = f"SELECT ${first + 5}, ${first + 6}::bigint, 1 {found}"
    return f"noted AS ({along(first, found)}), hit AS ({access.hit(counts)})"


# By themselves, for pages whose own statement does not write them down.
_NOTE = along(3)
_NOTE_AND_COUNT = f"WITH {opening(3)} SELECT hits FROM hit"  # noqa: S608


def opening_values(by: Staff, look: Look) -> list[object]:
    return [*values(look), *read_alert.counter(by)]


async def forget_old() -> int:
    """Housekeeping: what happened longer ago than the policy keeps it."""
    return await ReadEntry.filter(at__lt=clock.now() - KEPT).delete()


async def _note_and_count(by: Staff, look: Look) -> None:
    asked = [by.person_id, clock.now(), *opening_values(by, look)]
    rows = await connections.get("default").execute_query_dict(_NOTE_AND_COUNT, asked)
    await read_alert.counted(by, int(rows[0]["hits"]))
