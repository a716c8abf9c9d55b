"""A refund failed late, or a part of a plan did: a manager picks the remedy, never the software."""

import uuid
from dataclasses import dataclass

import pytest

from amends import clock, facts, reconcile
from amends.flow import approval, planning, remedy, sighting
from amends.flow.plan_legs import Wanted
from amends.flow.remedy import Ask, Paid
from amends.models import (
    Approval,
    Attachment,
    Case,
    Document,
    ExceptionItem,
    LedgerEntry,
    Leg,
    MailItem,
    Message,
    Plan,
)
from amends.rules.people import Role, Staff
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.remedies import Way
from amends.rules.workflow import Reason, Status
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import AMEX, FAILS, PENDING, VISA, Shop

PAID = Paid(
    "Bank transfer",
    "Transfer 2026-12-01, reference AM-2401, see the bank's note.",
    "Your bank sent the refund back, so we paid you by bank transfer today.",
)

pytestmark = pytest.mark.req("I7", "I8", "I20")


@dataclass
class At:
    """Harbor Fitness with a case whose refund failed; Sam prepares, Dana and Ruth may decide."""

    shop: Shop
    harbor: scene.Customers
    case: Case
    sam: Staff
    dana: Staff
    ruth: Staff

    async def decide(self, plan: Plan, by: Staff | None = None) -> Case:
        by = by or await scene.staff("Dana Cole")
        case = await Case.get(id=self.case.id)
        await approval.approve(case, by, plan.version, plan.digest)
        return await shops.work(await Case.get(id=case.id))

    def moved(self, kind: str) -> list[tuple[str | None, int]]:
        rows = [row for row in self.shop.world.ledger() if row.kind == kind]
        return [(row.card_last4, row.amount_minor) for row in rows]


async def fails_late(shop: Shop, **changes: object) -> At:
    """Deposits on a card whose refund fails on the third day, and on one where it holds."""
    harbor = await scene.shop(
        shop.world, "hf-0213", "Harbor Fitness LLC", scene.EMAIL, "SO-10482",
        ((FAILS, 1200_00), (VISA, 800_00)),
    )  # fmt: skip
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await shops.work(await scene.approved(harbor, sam, dana, **changes))
    assert case.status is Status.RESOLVED
    for _ in range(5):
        case = await shops.work_on(shop, case, days=1, minutes=1)
    assert case.status is Status.REFUND_FAILED_LATE
    people = [await scene.staff(name) for name in ("Sam Ito", "Dana Cole", "Ruth Adeyemi")]
    return At(shop, harbor, case, *people)


@pytest.fixture
async def at(db: None, shop: Shop) -> At:
    return await fails_late(shop)


async def ways(case: Case) -> dict[Way, str]:
    return {option.way: option.why_not for option in (await remedy.options(case)).ways}


async def test_it_offers_all_four_ways_after_a_late_failure(at: At) -> None:
    found = await remedy.options(at.case)

    assert [(leg.card_last4, leg.amount_minor) for leg in found.failed] == [("5126", 1200_00)]
    assert set(await ways(at.case)) == set(Way)
    assert {option.why_not for option in found.ways} == {""}


async def test_nothing_is_done_by_itself(at: At) -> None:
    before = len(at.shop.world.ledger())
    for _ in range(6):
        await shops.work_on(at.shop, at.case, days=7)
    assert len(at.shop.world.ledger()) == before
    assert (await Case.get(id=at.case.id)).status is Status.REFUND_FAILED_LATE


async def test_the_proof_that_is_not_true_any_more_is_withdrawn_and_made_anew(at: At) -> None:
    kinds = Document.filter(case_id=at.case.id, kind="proof_of_refund")
    assert await kinds.filter(superseded_at=None).count() == 0
    shown = await remedy.shown(at.case, at.sam, Ask(Way.SEND_AGAIN))
    plan = await remedy.propose_send_again(at.case, at.sam, shown.seed, shown.digest, "Try again")
    await at.decide(plan)
    proof = await kinds.get(superseded_at=None)
    assert len(proof.facts["refunds"]) == 2  # type: ignore[arg-type]


async def test_it_sends_the_refund_again_as_a_new_leg_and_charges_nothing(at: At) -> None:
    shown = await remedy.shown(at.case, at.sam, Ask(Way.SEND_AGAIN))
    assert not shown.blocking
    assert [(leg.kind, leg.amount_minor) for leg in shown.draft.legs] == [(LegKind.REFUND, 1200_00)]
    plan = await remedy.propose_send_again(at.case, at.sam, shown.seed, shown.digest, "Try again")
    charged = at.moved("charge")

    case = await at.decide(plan)

    assert case.status is Status.RESOLVED and at.moved("charge") == charged
    assert at.moved("refund")[-1] == ("5126", -1200_00)
    legs = await Leg.filter(case_id=case.id, kind=LegKind.REFUND, card_last4="5126")
    assert len({leg.id for leg in legs}) == 2
    assert not await ExceptionItem.filter(kind="refund_failed_late", resolved_at=None).exists()
    assert (await reconcile.run()).agrees


async def test_what_fails_again_can_be_made_good_again(at: At) -> None:
    shown = await remedy.shown(at.case, at.sam, Ask(Way.SEND_AGAIN))
    plan = await remedy.propose_send_again(at.case, at.sam, shown.seed, shown.digest, "Try again")
    case = await at.decide(plan)
    for _ in range(4):
        case = await shops.work_on(at.shop, case, days=1, minutes=1)
    assert case.status is Status.REFUND_FAILED_LATE
    found = await remedy.options(case)
    assert [leg.plan_id for leg in found.failed] == [plan.id]


async def test_it_refunds_the_new_charge_instead(at: At) -> None:
    shown = await remedy.shown(at.case, at.sam, Ask(Way.REFUND_NEW_CHARGE))
    plan = await remedy.propose_refund_of_new_charge(
        at.case, at.sam, shown.seed, shown.digest, "The old card is closed for good."
    )

    case = await at.decide(plan)

    assert case.status is Status.RESOLVED
    assert at.moved("refund")[-1] == ("5454", -1200_00)
    leg = await Leg.get(plan_id=plan.id)
    charged = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    assert leg.charge_id == charged.result_charge_id
    assert (await reconcile.run()).agrees
    assert (await remedy.options(case)).failed == ()


async def test_it_records_what_was_paid_otherwise_with_evidence_and_two_people(at: At) -> None:
    note = await Attachment.create(
        case_id=at.case.id, name="note.pdf", content_type="application/pdf", size=4, sha256="a",
        store_key="k", uploaded_by="staff:1", at=clock.now(),
    )  # fmt: skip
    paid = Paid(PAID.how, PAID.evidence, PAID.told, str(note.id))
    shown = await remedy.shown(at.case, at.sam, Ask(Way.PAY_OTHERWISE, paid=paid))
    plan = await remedy.propose_paid_otherwise(at.case, at.sam, paid, shown.digest, "Card closed")
    before = len(at.shop.world.ledger())

    case = await at.decide(plan)

    assert case.status is Status.RESOLVED
    assert case.outcome_reason == "Resolved: paid in another way"
    assert len(at.shop.world.ledger()) == before
    entries = await LedgerEntry.filter(case_id=case.id, effect="paid_otherwise")
    assert sorted(entry.amount_minor for entry in entries) == [-1200_00, 1200_00]
    charge = f"charge:{at.harbor.deposits[0].charge_id}"
    assert sum(each.amount_minor for each in await LedgerEntry.filter(book=charge)) == 1200_00
    kept = (await Plan.get(id=plan.id)).canonical
    assert "Bank transfer" in kept and str(note.id) in kept and '"schema":2' in kept
    assert (await Approval.get(plan_id=plan.id)).digest == plan.digest
    assert (await Message.filter(case_id=case.id).order_by("-id").first()).body == PAID.told  # type: ignore[union-attr]
    assert await MailItem.filter(case_id=case.id, kind="message_from_us").count() == 1
    assert (await reconcile.run()).agrees
    assert (await remedy.options(case)).failed == ()


async def test_carrying_it_out_twice_books_once(at: At) -> None:
    from amends.flow import execution, settlement

    shown = await remedy.shown(at.case, at.sam, Ask(Way.PAY_OTHERWISE, paid=PAID))
    plan = await remedy.propose_paid_otherwise(at.case, at.sam, PAID, shown.digest, "Card closed")
    dana = await scene.staff("Dana Cole")
    case = await approval.approve(await Case.get(id=at.case.id), dana, plan.version, plan.digest)
    run = await execution.load(case)
    await settlement.carry_out(run)
    with pytest.raises(facts.AlreadyDecided):
        await settlement.carry_out(run)
    assert await LedgerEntry.filter(effect="paid_otherwise").count() == 2
    assert await Message.filter(case_id=case.id).count() == 1


WITHOUT_EVIDENCE = [
    (Paid("", PAID.evidence, PAID.told), "how it was paid"),
    (Paid(PAID.how, " ", PAID.told), "what proves it"),
    (Paid(PAID.how, PAID.evidence, " "), "what the customer will read"),
    (Paid(PAID.how, PAID.evidence, PAID.told, str(uuid.uuid4())), "Pick a file"),
    (Paid(PAID.how, PAID.evidence, PAID.told, "../etc"), "Pick a file"),
]


async def test_paying_otherwise_needs_its_evidence(at: At) -> None:
    for paid, words in WITHOUT_EVIDENCE:
        with pytest.raises(facts.Fact, match=words):
            shown = await remedy.shown(at.case, at.sam, Ask(Way.PAY_OTHERWISE, paid=paid))
            await remedy.propose_paid_otherwise(at.case, at.sam, paid, shown.digest, "Card closed")
    assert await Plan.filter(case_id=at.case.id).count() == 1


async def test_it_keeps_the_case_as_it_is_with_a_reason(at: At) -> None:
    told = "You told us that the money reached you after all. Nothing more moves."
    shown = await remedy.shown(at.case, at.sam, Ask(Way.KEEP, told=told))
    plan = await remedy.propose_keep(at.case, at.sam, told, shown.digest, "Priya wrote so.")
    before = len(at.shop.world.ledger())

    case = await at.decide(plan)

    assert case.status is Status.RESOLVED and len(at.shop.world.ledger()) == before
    assert case.outcome_reason == "Resolved: kept as it is"


# Who decides


@pytest.mark.parametrize("way", list(Way))
async def test_only_a_manager_approves_a_remedy_and_never_its_preparer(at: At, way: Way) -> None:
    ask = Ask(way, paid=PAID if way is Way.PAY_OTHERWISE else None, told=PAID.told)
    dana = await scene.staff("Dana Cole")
    shown = await remedy.shown(at.case, dana, ask)
    plan = await remedy._propose(
        at.case, dana, Ask(way, shown.seed, ask.paid, ask.told), shown.digest, "The card is closed"
    )
    case = await Case.get(id=at.case.id)
    for name in ("Dana Cole", "Lee Moreau", "Nia Brooks", "Ben Okafor", "Noor Haddad"):
        with pytest.raises(facts.Refused):
            await approval.approve(case, await scene.staff(name), plan.version, plan.digest)
    assert (await at.decide(plan, await scene.staff("Ruth Adeyemi"))).status is Status.RESOLVED


async def test_an_ordinary_plan_after_a_failed_refund_needs_a_manager_too(
    db: None, shop: Shop
) -> None:
    """A small refund that any colleague could decide, had none of this case failed."""
    harbor = await scene.shop(
        shop.world, "hf-1", "Harbor Fitness LLC", scene.EMAIL, "SO-1", ((FAILS, 90_00),)
    )
    sam, nia = await scene.staff("Sam Ito"), await scene.staff("Nia Brooks")
    case, plan = await scene.proposed(harbor, sam, **scene.dispute(Reason.DISSATISFIED))
    case = await shops.work(await approval.approve(case, nia, plan.version, plan.digest))
    for _ in range(5):
        case = await shops.work_on(shop, case, days=1, minutes=1)
    assert case.status is Status.REFUND_FAILED_LATE
    plan = await scene.propose(case, await scene.staff("Sam Ito"), Outcome.REFUND)
    case = await Case.get(id=case.id)
    with pytest.raises(facts.Refused, match="Needs a manager: a refund failed"):
        nia = await scene.staff("Nia Brooks")
        await approval.approve(case, nia, plan.version, plan.digest)


async def test_a_remedy_that_is_not_the_one_seen_is_not_stored(at: At) -> None:
    shown = await remedy.shown(at.case, at.sam, Ask(Way.KEEP, told="One thing."))
    with pytest.raises(facts.Stale):
        await remedy.propose_keep(at.case, at.sam, "Another thing.", shown.digest, "Why")


async def test_a_dispute_on_the_new_charge_stops_every_remedy(at: At) -> None:
    leg = await Leg.get(case_id=at.case.id, kind=LegKind.RECHARGE)
    at.shop.world.open_dispute(leg.result_charge_id)
    shown = await remedy.shown(at.case, at.sam, Ask(Way.SEND_AGAIN))
    assert "dispute" in {check.key for check in shown.blocking}


async def test_a_new_rebill_after_the_charge_would_charge_twice_and_is_blocked(at: At) -> None:
    known = await planning.facts_for(at.case, await sighting.read_claim(at.case, at.sam))
    again = {at.harbor.deposits[0].id: 1200_00, at.harbor.deposits[1].id: 0}
    shown = await planning.draft_plan(at.case, at.sam, Wanted(Outcome.REBILL, again), known)
    assert "twice" in {check.key for check in shown.blocking}


# A part of a plan failed


async def partly(shop: Shop) -> At:
    harbor = await scene.shop(
        shop.world, "hf-0213", "Harbor Fitness LLC", scene.EMAIL, "SO-10482",
        ((PENDING, 1200_00), (AMEX, 800_00)),
    )  # fmt: skip
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await shops.work(await scene.approved(harbor, sam, dana))
    leg = await Leg.get(case_id=case.id, position=1)
    shop.world.fail_refund(str(leg.stripe_id))
    case = await shops.work_on(shop, case, hours=2)
    assert case.status is Status.PARTLY_REFUNDED
    people = [await scene.staff(name) for name in ("Sam Ito", "Dana Cole", "Ruth Adeyemi")]
    return At(shop, harbor, case, *people)


async def test_a_partly_refunded_rebill_sends_the_rest_and_then_charges_the_whole(
    db: None, shop: Shop
) -> None:
    at = await partly(shop)
    found = await ways(at.case)
    assert "not charged" in found[Way.REFUND_NEW_CHARGE]
    assert "not out of money" in found[Way.PAY_OTHERWISE]
    shown = await remedy.shown(at.case, at.sam, Ask(Way.SEND_AGAIN))
    assert [(leg.kind, leg.amount_minor) for leg in shown.draft.legs] == [
        (LegKind.REFUND, 1200_00),
        (LegKind.RECHARGE, 2000_00),
    ]
    plan = await remedy.propose_send_again(at.case, at.sam, shown.seed, shown.digest, "Again")

    case = await at.decide(plan)
    case = await shops.work_on(shop, case, days=1, hours=2)

    assert case.status is Status.RESOLVED
    assert [amount for _, amount in at.moved("charge")][2:] == [2000_00]
    assert (await reconcile.run()).agrees


async def test_a_partly_refunded_rebill_may_charge_only_what_went_back(
    db: None, shop: Shop
) -> None:
    at = await partly(shop)
    assert Outcome.RECHARGE in planning.outcomes(at.case)
    plan = await scene.propose(at.case, at.sam, Outcome.RECHARGE)

    case = await at.decide(plan)

    assert case.status is Status.RESOLVED
    assert [amount for _, amount in at.moved("charge")][2:] == [800_00]


async def test_where_no_refund_failed_there_is_nothing_to_make_good(db: None, shop: Shop) -> None:
    harbor, sam = await scene.harbor(shop.world), await scene.staff("Sam Ito")
    case = await scene.in_triage(harbor, sam)
    assert set((await ways(case)).values()) == {"No refund of this case has failed."}
    with pytest.raises(facts.Refused, match="has failed"):
        await remedy.shown(case, sam, Ask(Way.KEEP, told="Nothing."))


async def test_an_auditor_prepares_nothing(at: At) -> None:
    otto = await scene.staff("Otto Brandt", Role.AUDITOR)
    with pytest.raises(facts.Refused):
        await remedy.shown(at.case, otto, Ask(Way.SEND_AGAIN))
    assert (await Leg.filter(case_id=at.case.id, state=LegState.PLANNED).count()) == 0
