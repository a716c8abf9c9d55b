"""Goodwill: somebody else decides a credit, capped; it is given once, recorded and mailed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from amends import facts, ledger
from amends.flow import approval, chargeback, goodwill_invoice, planning, sighting
from amends.flow.plan_legs import Wanted
from amends.models import Attempt, Case, ExceptionItem, LedgerEntry, Leg, MailItem, Plan
from amends.rules.people import STRIPE, Role, Staff
from amends.rules.plan import LegState, Outcome
from amends.rules.policy import Policy
from amends.rules.workflow import Reason, Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import Shop

pytestmark = pytest.mark.req("A7e")

Kind = FaultKind
BALANCE = "POST /v1/customers/*/balance_transactions"
NOTES = "POST /v1/credit_notes"


@dataclass
class Scene:
    """Harbor Fitness is dissatisfied; Sam prepares, Ben and Dana may decide."""

    shop: Shop
    harbor: scene.Customers
    sam: Staff
    ben: Staff
    dana: Staff

    async def case(self) -> Case:
        changes = scene.dispute(Reason.DISSATISFIED) | {"claimed_amount_minor": 180_00}
        return await scene.in_triage(self.harbor, self.sam, **changes)

    async def proposed(self, minor: int = 100_00, **wanted: str) -> tuple[Case, Plan]:
        case = await self.case()
        plan = await scene.propose(case, self.sam, Outcome.CREDIT, credit_minor=minor, **wanted)
        return await Case.get(id=case.id), plan

    async def approved(self, minor: int = 100_00, **wanted: str) -> Case:
        case, plan = await self.proposed(minor, **wanted)
        return await approval.approve(case, self.ben, plan.version, plan.digest)

    def given(self) -> list[int]:
        """What the twin's customer has, in our favour below zero."""
        return [row.amount_minor for row in self.shop.world.ledger() if row.kind == "credit"]


@pytest.fixture
async def at(db: None, shop: Shop) -> AsyncIterator[Scene]:
    harbor = await scene.harbor(shop.world)
    yield Scene(
        shop,
        harbor,
        await scene.staff("Sam Ito"),
        await scene.staff("Ben Okafor"),
        await scene.staff("Dana Cole"),
    )


async def test_it_gives_the_credit_books_it_mails_it_and_closes(at: Scene) -> None:
    case = await shops.work(await at.approved(100_00))
    assert case.status is Status.RESOLVED
    assert case.outcome_reason == "Resolved: credit issued"
    assert at.given() == [-100_00]
    leg = await Leg.get(case_id=case.id)
    assert leg.state is LegState.SUCCEEDED and str(leg.stripe_id).startswith("cbtxn_")
    rows = await LedgerEntry.filter(case_id=case.id, effect=ledger.Effect.CREDIT)
    assert sorted(row.amount_minor for row in rows) == [-100_00, 100_00]
    mail = await MailItem.get(case_id=case.id, kind="credit_added")
    assert mail.context["credit"] == {"minor": 100_00, "currency": "usd"}


@pytest.mark.parametrize("route", [BALANCE, NOTES])
@pytest.mark.parametrize("fault", [each for each in Kind if each is not Kind.SLOW])
async def test_it_gives_it_once_whatever_happens_to_the_call(
    at: Scene, fault: FaultKind, route: str
) -> None:
    case, plan = await at.case(), None
    wanted = Wanted(Outcome.CREDIT, credit_minor=70_00)
    if route == NOTES:
        wanted = Wanted(Outcome.CREDIT, credit_minor=70_00, invoice_number=await invoice(at))
    known = await planning.facts_for(case, await sighting.read_claim(case, at.sam))
    shown = await planning.draft_plan(case, at.sam, wanted, known)
    seen = Wanted(
        Outcome.CREDIT, credit_minor=70_00, invoice_number=wanted.invoice_number, seed=shown.seed
    )
    plan = await planning.propose(case, at.sam, seen, shown.digest, "Sensors stopped.")
    case = await Case.get(id=case.id)
    case = await approval.approve(case, at.ben, plan.version, plan.digest)
    at.shop.world.faults.add(route, fault)
    case = await shops.work(case)
    for _ in range(12):
        case = await shops.work_on(at.shop, case, minutes=6)
    assert case.status is Status.RESOLVED, case.status
    assert at.given() == [-70_00]
    assert await ExceptionItem.filter(resolved_at=None).count() == 0
    assert await LedgerEntry.filter(case_id=case.id).count() == 2
    assert await MailItem.filter(case_id=case.id, kind="credit_added").count() == 1


async def invoice(at: Scene) -> str:
    """The number of a paid invoice of Harbor's first deposit."""
    made = at.shop.world.add_invoice(
        at.harbor.customer_id,
        [("Body scanner", 1200_00)],
        paid_by=at.harbor.deposits[0].charge_id,
    )
    return str(made["number"])


async def test_a_credit_note_stands_on_the_invoice_that_was_named(at: Scene) -> None:
    case = await shops.work(await at.approved(80_00, invoice_number=await invoice(at)))
    assert case.status is Status.RESOLVED
    leg = await Leg.get(case_id=case.id)
    assert str(leg.stripe_id).startswith("cn_") and leg.invoice_id.startswith("in_")
    assert at.given() == [-80_00]
    mail = await MailItem.get(case_id=case.id, kind="credit_added")
    assert mail.context["is_note"] is True


async def test_only_a_paid_invoice_of_this_customer_can_be_named(at: Scene) -> None:
    case = await at.case()
    wanted = Wanted(Outcome.CREDIT, invoice_number="NOBODY-1")
    with pytest.raises(facts.InvalidInput, match="no paid invoice"):
        await goodwill_invoice.with_invoice(case, wanted)


async def test_a_lost_answer_after_25_hours_is_looked_up_not_sent_again(at: Scene) -> None:
    case = await at.approved()
    at.shop.world.faults.add(BALANCE, Kind.LOST_RESPONSE)
    await shops.work(case)
    at.shop.pass_(hours=25)
    case = await shops.work(case)
    assert case.status is Status.RESOLVED
    assert at.given() == [-100_00]
    assert await Attempt.all().count() == 1


async def test_a_refused_credit_goes_back_to_people(at: Scene) -> None:
    case = await at.approved()
    at.shop.world.store.get("customer", at.harbor.customer_id)["currency"] = "eur"
    case = await shops.work(case)
    assert case.status is Status.TRIAGE
    assert at.given() == []
    assert await ExceptionItem.filter(kind="credit_refused").exists()
    plan = await Plan.get(case_id=case.id)
    assert plan.voided_at is not None


async def test_a_dispute_before_the_credit_stops_it(at: Scene) -> None:
    case = await at.approved()
    at.shop.world.open_dispute(at.harbor.deposits[1].charge_id)
    case = await shops.work(case)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert at.given() == []


async def test_a_lock_while_the_answer_is_lost_keeps_the_truth(at: Scene) -> None:
    case = await at.approved()
    at.shop.world.faults.add(BALANCE, Kind.LOST_RESPONSE)
    await shops.work(case)
    await chargeback.lock(await Case.get(id=case.id), STRIPE, "The bank was asked.")
    case = await shops.work_on(at.shop, case, hours=2)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert (await Leg.get(case_id=case.id)).state is LegState.SUCCEEDED
    assert at.given() == [-100_00]


@pytest.mark.req("T24", "V2.3.2")
@pytest.mark.parametrize(("minor", "fits"), [(250_00, True), (250_01, False)])
async def test_one_case_gets_no_more_than_its_cap(at: Scene, minor: int, fits: bool) -> None:
    if fits:
        assert (await shops.work(await at.approved(minor))).status is Status.RESOLVED
        return
    with pytest.raises(facts.Refused, match=r"may still get a credit of \$250.00"):
        await at.proposed(minor)


async def test_a_second_credit_of_a_case_counts_the_first(at: Scene) -> None:
    case = await shops.work(await at.approved(200_00))
    await Case.filter(id=case.id).update(status=Status.TRIAGE, version=case.version)
    case = await Case.get(id=case.id)
    with pytest.raises(facts.Refused, match=r"may still get a credit of \$50.00"):
        await scene.propose(case, at.sam, Outcome.CREDIT, credit_minor=50_01)
    assert await scene.propose(case, at.sam, Outcome.CREDIT, credit_minor=50_00)


@pytest.mark.req("T24")
@pytest.mark.parametrize(("last", "fits"), [(250_00, True), (250_01, False)])
async def test_a_person_has_a_hand_in_no_more_than_the_cap_of_a_month(
    at: Scene, last: int, fits: bool
) -> None:
    """Ben decided 750.00 of his 1,000.00; what Lee prepares counts for Ben all the same."""
    for minor in (250_00, 250_00, 250_00):
        await at.approved(minor)
    lee = await scene.staff("Lee Moreau")
    rules = (await planning.policies.current()).goodwill_caps
    assert rules["usd"] == 250_00
    changes = scene.dispute(Reason.DISSATISFIED)
    case = await scene.in_triage(at.harbor, lee, **changes)
    minor = min(last, 250_00)
    plan = await scene.propose(case, lee, Outcome.CREDIT, credit_minor=minor)
    if not fits:
        extra = await scene.in_triage(at.harbor, lee, **changes)
        small = await scene.propose(extra, lee, Outcome.CREDIT, credit_minor=1)
        extra = await Case.get(id=extra.id)
        await approval.approve(extra, at.ben, small.version, small.digest)
    case = await Case.get(id=case.id)
    if fits:
        case = await approval.approve(case, at.ben, plan.version, plan.digest)
        assert case.status is Status.APPROVED
        return
    with pytest.raises(facts.Refused, match=r"\$1,000.00 is the most for one person"):
        await approval.approve(case, at.ben, plan.version, plan.digest)
    assert (await approval.approve(case, at.dana, plan.version, plan.digest)).status


async def test_the_month_goes_by(at: Scene) -> None:
    for _ in range(4):
        await shops.work(await at.approved(250_00))
    with pytest.raises(facts.Refused, match="most for one person"):
        await at.proposed(1_00)
    at.shop.pass_(days=30, minutes=1)
    at.sam, at.ben = await scene.staff("Sam Ito"), await scene.staff("Ben Okafor")
    assert await at.approved(1_00)


@pytest.mark.parametrize("name", ["Sam Ito", "Lee Moreau", "Nia Brooks"])
async def test_only_an_account_manager_or_a_manager_decides(at: Scene, name: str) -> None:
    case, plan = await at.proposed()
    with pytest.raises(facts.Refused):
        await approval.approve(case, await scene.staff(name), plan.version, plan.digest)


async def test_who_prepares_a_credit_does_not_decide_it(at: Scene) -> None:
    changes = scene.dispute(Reason.DISSATISFIED)
    case = await scene.in_triage(at.harbor, at.ben, **changes)
    plan = await scene.propose(case, at.ben, Outcome.CREDIT, credit_minor=10_00)
    case = await Case.get(id=case.id)
    with pytest.raises(facts.Refused):
        await approval.approve(case, at.ben, plan.version, plan.digest)
    assert await approval.approve(case, at.dana, plan.version, plan.digest)


async def test_a_currency_without_a_cap_gets_no_credit(at: Scene) -> None:
    assert Policy().goodwill_cap("kwd").minor == 0


@pytest.mark.req("T24")
async def test_no_credit_without_an_approval(at: Scene) -> None:
    case, _ = await at.proposed()
    await shops.work(case)
    assert at.given() == []
    assert Role.ACCOUNT_MANAGER in at.ben.roles
