"""Lost money joins its case again: by a manager, once, and without moving anything."""

import uuid

import pytest

from amends import facts, reconcile
from amends.flow import approval, plan_legs, planning, remedy, sighting, takeover
from amends.flow.remedy import Ask
from amends.gateways import stripe_money
from amends.models import Case, ExceptionItem, LedgerEntry, Leg, Plan, TimelineEntry
from amends.rules.people import Staff
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.remedies import Way
from amends.rules.workflow import Status
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import Shop

pytestmark = pytest.mark.req("I2", "I5", "I34")


class Found:
    """Harbor Fitness with a refund at Stripe whose plan was lost, told by a reconciliation."""

    def __init__(self, shop: Shop, harbor: scene.Customers, case: Case) -> None:
        self.shop, self.harbor, self.case = shop, harbor, case
        self.leg_id = str(uuid.uuid4())

    def metadata(self, leg_id: str) -> dict[str, str]:
        return {"case": self.case.ref, "leg": leg_id, "digest": "d" * 64, "attempt": "1"}

    async def refunded(self, amount: int) -> None:
        charge = self.harbor.deposits[0].charge_id
        params = {"charge": charge, "amount": amount, "metadata": self.metadata(self.leg_id)}
        await stripe_money.create_refund(params, self.leg_id)

    async def charged(self, amount: int) -> None:
        leg_id = str(uuid.uuid4())
        made = await stripe_money.create_intent(
            {
                "amount": amount, "currency": "usd", "customer": self.harbor.customer_id,
                "payment_method": self.harbor.new_card["id"], "metadata": self.metadata(leg_id),
                "allowed_payment_method_types": ["card"],
            },
            leg_id,
        )  # fmt: skip
        await stripe_money.confirm_intent(made.id, {"off_session": True}, f"{leg_id}:confirm")


async def take_over(case: Case, by: Staff, reason: str) -> None:
    """Written down at the desk, then read and booked by the worker."""
    await takeover.take_over(case, by, reason)
    assert not await LedgerEntry.filter(case_id=case.id).exists()
    await shops.work(await Case.get(id=case.id))


@pytest.fixture
async def at(db: None, shop: Shop) -> Found:
    harbor = await scene.harbor(shop.world)
    case = await scene.in_triage(harbor, await scene.staff("Sam Ito"))
    return Found(shop, harbor, case)


async def test_only_a_manager_takes_over_and_says_how_it_is_known(at: Found) -> None:
    await at.refunded(1200_00)
    await reconcile.run()
    for name in ("Sam Ito", "Lee Moreau", "Noor Haddad"):
        with pytest.raises(facts.Refused, match="Only a manager"):
            await takeover.take_over(at.case, await scene.staff(name), "It is ours")
    dana = await scene.staff("Dana Cole")
    with pytest.raises(facts.InvalidInput):
        await takeover.take_over(at.case, dana, " ")
    assert not await Plan.exists()


async def test_no_plan_before_it_and_the_next_plan_counts_it(at: Found) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    await at.refunded(1200_00)
    await reconcile.run()
    with pytest.raises(facts.Refused, match="not in our books"):
        await scene.propose(at.case, sam, amounts={at.harbor.deposits[0].id: 0})
    before = at.shop.world.ledger()

    await take_over(at.case, dana, "The bank statement shows it.")

    assert at.shop.world.ledger() == before
    leg = await Leg.get(id=at.leg_id)
    assert (leg.state, leg.amount_minor) == (LegState.SUCCEEDED, 1200_00)
    assert await LedgerEntry.filter(leg_id=leg.id).count() == 2
    assert not await ExceptionItem.filter(kind="lost_case", resolved_at=None).exists()
    assert await TimelineEntry.filter(case_id=at.case.id, action="take_over").exists()
    case = await Case.get(id=at.case.id)
    plan = await scene.propose(case, sam)
    legs = await Leg.filter(plan_id=plan.id).order_by("position")
    assert [(each.kind, each.amount_minor) for each in legs] == [
        (LegKind.REFUND, 800_00),
        (LegKind.RECHARGE, 2000_00),
    ]
    with pytest.raises(facts.Refused, match="no lost money"):
        await takeover.take_over(await Case.get(id=case.id), dana, "Once more")
    assert (await reconcile.run()).agrees


async def test_what_was_charged_before_is_not_charged_again(at: Found) -> None:
    await at.refunded(1200_00)
    await at.charged(1200_00)
    await reconcile.run()
    await take_over(at.case, await scene.staff("Dana Cole"), "Both are ours.")

    case = await Case.get(id=at.case.id)
    known = await planning.facts_for(case, await sighting.shown(case))
    assert plan_legs.confirmed(known) == ()
    assert (await reconcile.run()).agrees


async def test_the_money_of_another_customer_is_never_taken_over(at: Found) -> None:
    other = await scene.shop(
        at.shop.world, "t-9", "Gym 9", "b9@gym.example", "SO-9", (("4242424242424242", 500_00),)
    )
    charge = other.deposits[0].charge_id
    params = {"charge": charge, "amount": 100, "metadata": at.metadata(at.leg_id)}
    await stripe_money.create_refund(params, at.leg_id)
    await reconcile.run()
    assert (await ExceptionItem.get(kind="lost_case")).case_id is None
    with pytest.raises(facts.Refused, match="no lost money"):
        await takeover.take_over(at.case, await scene.staff("Dana Cole"), "It is ours")


async def test_even_a_closed_exception_does_not_let_it_be_charged_twice(at: Found) -> None:
    """The worker itself looks for lost charges of the case before it makes one."""
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    await at.charged(2000_00)
    await reconcile.run()
    await ExceptionItem.filter(kind="lost_case").update(
        resolved_at=at.shop.time.at, resolved_by="Sam Ito", resolution="Looked."
    )
    plan = await scene.propose(at.case, sam, Outcome.REBILL)
    case = await Case.get(id=at.case.id)
    case = await approval.approve(case, dana, plan.version, plan.digest)
    case = await shops.work(case)
    for _ in range(3):
        case = await shops.work_on(at.shop, case, days=1, hours=1)
    assert case.status is Status.NEEDS_NEW_CARD
    charges = [row for row in at.shop.world.ledger() if row.kind == "charge"]
    assert [row.amount_minor for row in charges][2:] == [2000_00]
    assert await ExceptionItem.filter(kind="halt_lost_case", case_id=case.id).exists()

    # Taken over late, it counts: another charge would be the second.
    await takeover.take_over(await Case.get(id=case.id), dana, "It is ours after all.")
    case = await shops.work(await Case.get(id=case.id))
    known = await planning.facts_for(case, await sighting.shown(case))
    assert plan_legs.confirmed(known) == ()
    ask = Ask(Way.KEEP, told="The new card was charged before.")
    shown = await remedy.shown(case, sam, ask)
    kept = await remedy.propose_keep(case, sam, ask.told, shown.digest, "Charged already")
    case = await approval.approve(
        await Case.get(id=case.id), await scene.staff("Dana Cole"), kept.version, kept.digest
    )
    assert (await shops.work(case)).status is Status.RESOLVED
    assert (await reconcile.run()).agrees


async def test_a_plan_that_was_approved_before_the_take_over_cannot_charge_beside_it(
    at: Found,
) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    plan = await scene.propose(at.case, sam, Outcome.REBILL)
    case = await Case.get(id=at.case.id)
    await approval.approve(case, dana, plan.version, plan.digest)
    await at.charged(2000_00)
    await reconcile.run()
    await takeover.take_over(await Case.get(id=case.id), dana, "It is ours.")

    case = await shops.work(await Case.get(id=case.id))

    charges = [row for row in at.shop.world.ledger() if row.kind == "charge"]
    assert [row.amount_minor for row in charges][2:] == [2000_00]
    assert case.status is Status.NEEDS_NEW_CARD
    assert await ExceptionItem.filter(kind="halt_twice", case_id=case.id).exists()
