"""A card that was not recognised: frozen at once, Security's alone, never charged anew."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from amends import clock, facts
from amends.flow import approval, fraud, intake, triage
from amends.flow.intake_answers import AmountClaimed, ReasonGiven, StoryTold
from amends.models import Account, Case, ExceptionItem, MailItem, Plan
from amends.rules.people import STRIPE, Staff
from amends.rules.plan import Outcome
from amends.rules.workflow import Kind, Reason, Status
from tests import shop as shops
from tests.backoffice import scene
from tests.flow.test_refund import refunds
from tests.shop import Shop

pytestmark = pytest.mark.req("A7d")


@dataclass
class Scene:
    shop: Shop
    harbor: scene.Customers
    sam: Staff
    dana: Staff
    noor: Staff

    async def filed(self, bank: bool = False) -> Case:
        """Priya files it, as the portal does."""
        priya = self.harbor.priya
        case = await intake.start_draft(priya, Kind.DISPUTE)
        order = await intake.own_order(priya, self.harbor.order.id)
        answers = [
            order,
            ReasonGiven(Reason.NOT_RECOGNISED),
            AmountClaimed("0005", "", bank),
            StoryTold("Nobody here knows this charge."),
        ]
        for answer in answers:
            case = await intake.save_answer(case, priya, answer)
        return await intake.submit(case, priya)

    async def ready(self) -> Case:
        """Filed, with the identity verified by Security."""
        case = await self.filed()
        await scene.verified(case, self.noor)
        return await Case.get(id=case.id)


@pytest.fixture
async def at(db: None, shop: Shop) -> Scene:
    harbor = await scene.harbor(shop.world)
    people = [await scene.staff(name) for name in ("Sam Ito", "Dana Cole", "Noor Haddad")]
    return Scene(shop, harbor, *people)


async def account(at: Scene) -> Account:
    return await Account.get(id=at.harbor.account.id)


async def test_it_flags_the_account_the_moment_it_is_filed(at: Scene) -> None:
    other = await scene.in_triage(at.harbor, at.sam)
    case = await at.filed()
    assert case.status is Status.LOCKED_FRAUD
    assert (await Case.get(id=other.id)).status is Status.LOCKED_FRAUD
    assert (await account(at)).flagged_at is not None
    assert await ExceptionItem.filter(kind="fraud_flag", resolved_at=None).count() == 1


async def test_it_stops_an_approved_refund_of_another_case(at: Scene) -> None:
    other = await scene.approved(at.harbor, at.sam, at.dana)
    await at.filed()
    await shops.work(other)
    assert (await Case.get(id=other.id)).status is Status.LOCKED_FRAUD
    assert refunds(at.shop) == []


async def test_it_flags_when_staff_corrects_the_reason(at: Scene) -> None:
    case = await scene.in_triage(at.harbor, at.sam, **scene.dispute(Reason.DUPLICATE))
    case = await triage.set_reason(case, at.sam, Reason.NOT_RECOGNISED)
    assert case.status is Status.LOCKED_FRAUD
    assert (await account(at)).flagged_at is not None


async def test_the_bank_comes_first_and_the_account_is_flagged_all_the_same(at: Scene) -> None:
    case = await at.filed(bank=True)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert (await account(at)).flagged_at is not None


async def test_the_customer_never_reads_the_word(at: Scene) -> None:
    case = await at.filed()
    for mail in await MailItem.filter(case_id=case.id):
        assert "fraud" not in str(mail.context).lower()


async def test_security_pays_it_back_as_fraud_while_the_account_stays_frozen(at: Scene) -> None:
    at.shop.world.warn_fraud(at.harbor.deposits[0].charge_id)
    case = await at.ready()
    plan = await scene.propose(case, at.noor, Outcome.REFUND)
    case = await Case.get(id=case.id)
    assert case.status is Status.PROPOSED
    case = await approval.approve(case, at.dana, plan.version, plan.digest)
    case = await shops.work(case)
    assert case.status is Status.RESOLVED
    made = at.shop.world.store.table("refund").oldest_first()
    assert [refund["reason"] for refund in made] == ["fraudulent", "fraudulent"]
    assert refunds(at.shop) == [("0005", -120_000), ("5556", -80_000)]
    assert (await account(at)).flagged_at is not None


async def test_a_warning_that_comes_after_the_decision_does_not_stop_it(at: Scene) -> None:
    case = await at.ready()
    plan = await scene.propose(case, at.noor, Outcome.REFUND)
    case = await approval.approve(await Case.get(id=case.id), at.dana, plan.version, plan.digest)
    await fraud.flag(case, STRIPE, "Early fraud warning.")
    assert (await shops.work(case)).status is Status.RESOLVED


async def test_a_dispute_still_stops_securitys_refund(at: Scene) -> None:
    case = await at.ready()
    plan = await scene.propose(case, at.noor, Outcome.REFUND)
    case = await approval.approve(await Case.get(id=case.id), at.dana, plan.version, plan.digest)
    at.shop.world.open_dispute(at.harbor.deposits[0].charge_id)
    assert (await shops.work(case)).status is Status.LOCKED_CHARGEBACK
    assert refunds(at.shop) == []


@pytest.mark.req("T22", "I15")
@pytest.mark.parametrize("outcome", [Outcome.REBILL, Outcome.RECHARGE, Outcome.CREDIT])
async def test_it_never_ends_in_a_new_charge(at: Scene, outcome: Outcome) -> None:
    case = await at.ready()
    with pytest.raises(facts.Refused):
        await scene.propose(case, at.noor, outcome)


async def test_an_agent_prepares_nothing_here(at: Scene) -> None:
    case = await at.ready()
    with pytest.raises(facts.Refused, match="Security"):
        await scene.propose(case, at.sam, Outcome.REFUND)
    assert await Plan.all().count() == 0


async def test_a_frozen_case_about_something_else_is_not_refunded(at: Scene) -> None:
    other = await scene.in_triage(at.harbor, at.sam, **scene.dispute(Reason.DISSATISFIED))
    await at.filed()
    other = await Case.get(id=other.id)
    with pytest.raises(facts.Refused):
        await scene.propose(other, at.noor, Outcome.REFUND)


async def test_security_takes_over_a_case_that_turns_out_to_be_fraud(at: Scene) -> None:
    other = await scene.in_triage(at.harbor, at.sam)
    await fraud.flag(other, STRIPE, "Early fraud warning.")
    other = await Case.get(id=other.id)
    with pytest.raises(facts.Refused):
        await fraud.take_over(other, at.sam, "The holder called it in")
    other = await fraud.take_over(other, at.noor, "The holder wrote from another address")
    assert other.reason is Reason.NOT_RECOGNISED
    assert await scene.propose(other, at.noor, Outcome.REFUND)


async def test_lifting_gives_every_frozen_case_back(at: Scene) -> None:
    other = await scene.in_triage(at.harbor, at.sam)
    case = await at.filed()
    with pytest.raises(facts.Refused):
        await fraud.lift(case, at.sam, "It is fine")
    with pytest.raises(facts.InvalidInput):
        await fraud.lift(case, at.noor, " ")
    stale = replace(at.noor, auth_time=clock.now() - timedelta(seconds=301))
    with pytest.raises(facts.Refused, match="fresh sign-in"):
        await fraud.lift(case, stale, "Priya found the invoice")
    await fraud.lift(case, at.noor, "Priya found the invoice")
    states = {each.status for each in await Case.filter(id__in=[case.id, other.id])}
    assert states == {Status.TRIAGE}
    assert (await account(at)).flagged_at is None
    with pytest.raises(facts.AlreadyDecided):
        await fraud.lift(await Case.get(id=case.id), at.noor, "Again")
