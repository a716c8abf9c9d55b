"""The people of a case, by the real steps: an agent proposes and edits, two approve at once."""

from dataclasses import replace
from random import Random

from amends import clock, facts
from amends.flow import approval
from amends.models import Case, Deposit, Plan
from amends.rules.people import Staff
from amends.rules.workflow import Status
from tests.backoffice import scene
from tests.shop import AMEX, MASTERCARD, VISA, Sale, Shop
from tests.simulate.scene import Scene
from tests.simulate.turns import Turns

_tenants = iter(range(1, 10_000_000))


async def proposed(shop: Shop, random: Random) -> tuple[Sale, int]:
    """A re-bill of two deposits whose plan waits for a decision."""
    number = next(_tenants)
    paid = ((AMEX, random.randrange(60_000, 120_000)), (VISA, random.randrange(100, 90_000)))
    made = await scene.shop(
        shop.world,
        f"desk-{number}",
        "Harbor Fitness LLC",
        f"desk{number}@harborfitness.example",
        f"SO-DESK-{number}",
        paid,
    )
    card = shop.world.add_card(made.customer_id, MASTERCARD)
    case = await scene.in_triage(
        replace(made, new_card=card), await scene.staff("Sam Ito"), ref=f"RB-DESK-{number}"
    )
    await scene.propose(case, await scene.staff("Sam Ito"))
    return Sale(made.account, made.order, list(made.deposits), made.customer_id), case.id


def start(turns: Turns, story: Scene) -> None:
    """Does nothing to a case that is approved already."""
    turns.start("dana", _approver(story, "Dana Cole"))
    turns.start("ruth", _approver(story, "Ruth Adeyemi"))
    if story.random.random() < 0.5:
        turns.start("sam", _editor(story))


async def _fresh(name: str) -> Staff:
    return replace(await scene.staff(name), auth_time=clock.now())


async def _waiting(case_id: int) -> tuple[Case, Plan] | None:
    case = await Case.get(id=case_id)
    plan = await Plan.filter(case_id=case_id, voided_at=None).first()
    return (case, plan) if case.status is Status.PROPOSED and plan is not None else None


async def _approver(story: Scene, name: str) -> None:
    """Reads the page, thinks, clicks; a lost race or a stale page is an answer, not an error."""
    for _ in range(2):
        seen = await _waiting(story.case_id)
        if seen is None:
            return
        case, plan = seen
        try:
            await approval.approve(case, await _fresh(name), plan.version, plan.digest)
            story.seen["approved at the desk"] += 1
        except facts.Fact:
            story.seen["approval refused: decided or changed meanwhile"] += 1
            continue


async def _editor(story: Scene) -> None:
    """Takes the plan back and proposes it anew with less of the first deposit."""
    seen = await _waiting(story.case_id)
    if seen is None:
        return
    case, plan = seen
    deposit = await Deposit.filter(order_id=case.order_id).order_by("position").first()
    if deposit is None:
        return
    try:
        case = await approval.take_back(case, await _fresh("Sam Ito"), plan.version, "Too much.")
        await scene.propose(case, await _fresh("Sam Ito"), amounts={deposit.id: 50_000})
        story.seen["plan edited while it waited"] += 1
    except facts.Fact:
        story.seen["edit refused: decided meanwhile"] += 1
