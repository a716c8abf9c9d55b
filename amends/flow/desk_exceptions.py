"""The exceptions desk: look, say what was found, or wake the case. Nothing here moves money."""

from tortoise.transactions import in_transaction

from amends import clock, facts, jobs, moves
from amends.flow import desk
from amends.models import Case, ExceptionItem
from amends.rules.people import Role, Staff


def _must_handle(by: Staff) -> None:
    if not by.roles & (desk.WORKERS | {Role.ADMIN}):
        raise facts.Refused("Your role may look at exceptions, but not close them.")


async def _open(item_id: int) -> ExceptionItem:
    item = await ExceptionItem.get_or_none(id=item_id)
    if item is None:
        raise facts.NotFound("There is no such exception.")
    if item.resolved_at is not None:
        raise facts.AlreadyDecided(
            f"{item.resolved_by} closed this already.", item.resolved_by, item.resolved_at
        )
    return item


async def looked(item_id: int, by: Staff, note: str) -> ExceptionItem:
    """A person looked and says what they found; the note stays with the exception and the case."""
    _must_handle(by)
    item = await _open(item_id)
    text = desk.words(note, "note", "Say what you found")
    async with in_transaction():
        changed = await ExceptionItem.filter(id=item.id, resolved_at=None).update(
            resolved_at=clock.now(), resolved_by=by.name, resolution=text
        )
        if not changed:
            raise facts.AlreadyDecided("Somebody else closed this a moment ago.")
        if item.case_id is not None:
            data: dict[str, object] = {"exception": item.kind, "key": item.key}
            case = await Case.get(id=item.case_id)
            await moves.note(case, desk.entry("looked_at_exception", by, text, data))
    return item


async def retry(item_id: int, by: Staff) -> ExceptionItem:
    """Wake the case: the worker looks at Stripe and goes on where it is safe to."""
    _must_handle(by)
    item = await _open(item_id)
    if item.case_id is None:
        raise facts.Refused("This exception belongs to no case, so there is nothing to wake.")
    await jobs.defer(jobs.advance(item.case_id))
    return item
