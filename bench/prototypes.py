"""A few cases made by the real flow against the twin: the shapes that bench.fill copies."""

from dataclasses import dataclass

from amends.flow import triage, writing
from amends.models import Case
from amends.rules.people import Staff
from amends.rules.workflow import Reason, Status
from tests import shop as shops
from tests.backoffice import scene

_COUNT = iter(range(1, 1000))
_CARDS = (("378282246310005", 1200_00), ("4242424242424242", 800_00))


@dataclass(frozen=True)
class Prototypes:
    """Ids of cases that are still worked on, and of cases that are done."""

    open: tuple[int, ...]
    closed: tuple[int, ...]


async def make() -> Prototypes:
    """One case for each usual state; every row of each is what the product itself wrote."""
    world = scene.twin()
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    for name in scene.PEOPLE:
        await scene.staff(name)
    new = await scene.submitted(await _shop(world))
    taken = await scene.in_triage(await _shop(world), sam)
    asked = await _asked(await scene.in_triage(await _shop(world), sam), sam)
    waits, _ = await scene.proposed(await _shop(world), sam)
    approved = await scene.approved(await _shop(world), sam, dana)
    done = [await _resolved(await _shop(world), sam, dana) for _ in range(2)]
    return Prototypes(
        (new.id, taken.id, asked.id, waits.id, approved.id), tuple(case.id for case in done)
    )


async def _shop(world: scene.World) -> scene.Customers:
    number = next(_COUNT)
    return await scene.shop(
        world, f"pt-{number}", "Harbor Fitness LLC", f"pt{number}@bench.example", f"PT-{number}",
        _CARDS,
    )  # fmt: skip


async def _asked(case: Case, by: Staff) -> Case:
    return await triage.ask_customer(case, by, "Which of your two cards do you no longer use?")


async def _resolved(shop: scene.Customers, by: Staff, approver: Staff) -> Case:
    """Refunded, charged to the new card, proven and closed."""
    case = await scene.approved(shop, by, approver, reason=Reason.CARD_NOT_PREFERRED)
    await writing.write_message(await writing.case_of(shop.priya, case.ref), shop.priya, "Thanks.")
    case = await shops.work(await Case.get(id=case.id))
    assert case.status is Status.RESOLVED, case.status
    return case
