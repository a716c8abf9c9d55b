"""Who may work on a case, and changes of a case that are no change of status."""

from typing import Any

from tortoise.expressions import F
from tortoise.transactions import in_transaction

from amends import clock, facts, timeline
from amends.flow import freshness
from amends.models import Case
from amends.rules import card_numbers, policy
from amends.rules.people import Staff

WORKERS = policy.DECIDERS | policy.INVESTIGATORS | policy.CREDITORS
# What the database and the page hold; longer texts are refused with a sentence at the field.
MAX_WORDS = 4000


def must_work(by: Staff) -> None:
    """Auditors, administrators and customer success managers look, but do not act."""
    if not by.roles & WORKERS:
        raise facts.Refused("Your role may look at cases, but not work on them.")


def must_prepare(case: Case, by: Staff) -> None:
    """Who may prepare this case: a card that was not recognised belongs to Security."""
    must_work(by)
    verdict = policy.may_prepare(by, case.reason)
    if isinstance(verdict, policy.Refused):
        raise facts.Refused(verdict.reason)


def words(text: str, field: str, missing: str) -> str:
    """Free text as it may be kept: present, not endless, and without a card number."""
    plain = text.strip()
    if not plain:
        raise facts.InvalidInput({field: missing})
    if len(plain) > MAX_WORDS:
        raise facts.InvalidInput({field: f"Shorten this to {MAX_WORDS} characters or fewer"})
    return card_numbers.mask(plain)


async def change(case: Case, by: Staff, entry: timeline.Entry, **columns: Any) -> Case:
    """Set columns of the case as the caller saw it, with one line of history.

    Raises Stale when the case moved on meanwhile. A status is never among the columns.
    """
    async with in_transaction():
        changed = await Case.filter(id=case.id, version=case.version).update(
            version=F("version") + 1, **columns
        )
        if not changed:
            raise await freshness.stale(case.id)
        await timeline.append(case.id, entry)
    return await Case.get(id=case.id)


def entry(
    action: str, by: Staff, reason: str = "", data: dict[str, object] | None = None
) -> timeline.Entry:
    return timeline.Entry(action, by, clock.now(), reason, data=data or {})
