"""Rows written by a newer version: left alone and told, never guessed, never a loop of crashes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from amends import clock, exceptions_desk
from amends.models import Case, ExceptionItem, Leg

KIND = "newer_version"
# Workers of the newer version look at it meanwhile; this one comes back to see.
LATER = timedelta(minutes=1)
_WORDS = "This worker cannot read these rows; a newer version may have written them"


async def leave_case(case_id: int, error: ValueError) -> None:
    """A status, a kind or a plan's schema is unknown here: nothing is done with the case."""
    await exceptions_desk.tell(KIND, f"case:{case_id}", _told(error), case_id=case_id)
    now = clock.now()
    # Only if it is still due: a newer worker may have set another time by now.
    await Case.filter(id=case_id, next_check_at__lte=now).update(next_check_at=now + LATER)


async def leave_event(event_id: str, error: ValueError) -> None:
    await exceptions_desk.tell(KIND, f"event:{event_id}", _told(error))


@asynccontextmanager
async def left_alone(key: str) -> AsyncIterator[None]:
    """One object of many: what cannot be read about it is told, the others are still looked at."""
    try:
        yield
    except ValueError as error:
        await exceptions_desk.tell(KIND, key, _told(error))


def _told(error: ValueError) -> str:
    return f"{_WORDS}: {error}"[:500]


async def settle(before: datetime) -> None:
    """What was told before then and can be read now is not unknown any more."""
    for item in await ExceptionItem.filter(kind=KIND, resolved_at=None, opened_at__lt=before):
        if item.case_id is None or await is_readable(item.case_id):
            await exceptions_desk.settle(KIND, item.key, "It can be read now.")


async def is_readable(case_id: int) -> bool:
    try:
        await Case.get(id=case_id)
        await Leg.filter(case_id=case_id)
    except ValueError:
        return False
    return True
