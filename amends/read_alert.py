"""Who opens far more cases and customers than the work asks for is seen by somebody else."""

from typing import Final

import structlog

from amends import clock, exceptions_desk
from amends.rules.people import Staff

# An agent at full speed opens about a hundred cases an hour.
MOST_AN_HOUR: Final = 500
_HOUR_S: Final = 3600
log = structlog.get_logger(__name__)


# The pages that open a case or a customer, by the names of their routes.
OPENS: Final = frozenset({"case.show", "customers.show"})


def counter(by: Staff) -> list[object]:
    """What `access.hit` counts under: this person's hour."""
    at = int(clock.now().timestamp())
    return [f"reads:{by.person_id}", at - at % _HOUR_S]


async def counted(by: Staff, opened: int) -> None:
    """One more page of a customer was opened. Nothing is refused; somebody else is told."""
    if opened != MOST_AN_HOUR + 1:
        return
    log.warning("many_reads", person=by.person_id, opened=opened)
    detail = f"{by.name} opened more than {MOST_AN_HOUR} cases and customers within an hour."
    await exceptions_desk.tell("many_reads", f"person:{by.person_id}", detail)
