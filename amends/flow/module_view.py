"""A module that was not used: the account manager looks first, then a manager decides."""

from dataclasses import dataclass
from datetime import datetime

from tortoise.transactions import in_transaction

from amends import clock, facts
from amends.dossier import Dossier
from amends.flow import desk
from amends.models import Case, Person, TimelineEntry
from amends.rules import policy, workflow
from amends.rules.people import Role, Staff
from amends.rules.workflow import Reason

WEIGH = "weigh_module"
# Disputes whose first word is the account manager's.
REASONS = frozenset({Reason.MODULE_UNUSED, Reason.DISSATISFIED})


@dataclass(frozen=True)
class View:
    """What the account manager wrote, and when."""

    who: str
    words: str
    at: datetime


def of(read: Dossier) -> View | None:
    row = read.weighed
    return View(row.actor_name, row.reason, row.at) if row else None


async def hand_over(case: Case, by: Staff) -> Case:
    """To the account manager with the fewest open cases."""
    desk.must_work(by)
    if case.reason not in REASONS:
        raise facts.Refused("This case does not need the account manager.")
    if case.owner_id not in (None, by.person_id) and not by.roles & policy.LEADS:
        raise facts.Refused("Only who has the case, a lead or a manager hands it over.")
    person = await _least_busy()
    data: dict[str, object] = {"to": person.id, "name": person.name}
    entry = desk.entry("assign", by, data=data)
    return await desk.change(case, by, entry, owner_id=person.id, owned_since=clock.now())


async def _least_busy() -> Person:
    people = [
        each
        for each in await Person.filter(active=True).order_by("id")
        if Role.ACCOUNT_MANAGER in each.roles
    ]
    if not people:
        raise facts.Refused("Nobody is an account manager. Ask an administrator to add one.")
    loads = {
        each.id: await Case.filter(owner_id=each.id, status__in=list(workflow.OPEN)).count()
        for each in people
    }
    return min(people, key=lambda each: loads[each.id])


async def give(case: Case, by: Staff, body: str) -> Case:
    """The account manager's view; the case goes back to who handed it over, for the plan."""
    if Role.ACCOUNT_MANAGER not in by.roles:
        raise facts.Refused("An account manager writes this.")
    if case.reason not in REASONS or case.status not in workflow.PLANNABLE:
        raise facts.Refused("This case does not wait for the account manager.")
    text = desk.words(body, "view", "Write what you found and what you recommend")
    async with in_transaction():
        giver = await _handed_by(case, by)
        columns = {"owner_id": giver, "owned_since": clock.now()} if giver else {}
        return await desk.change(case, by, desk.entry(WEIGH, by, text), **columns)


async def _handed_by(case: Case, by: Staff) -> int | None:
    """Who gave the case to this account manager, if they may still take it back."""
    row = (
        await TimelineEntry.filter(
            case_id=case.id, action="assign", data__contains={"to": by.person_id}
        )
        .order_by("-seq")
        .first()
    )
    if row is None or not row.actor_id.rpartition(":")[2].isdigit():
        return None
    person = await Person.get_or_none(id=int(row.actor_id.rpartition(":")[2]), active=True)
    return person.id if person else None
