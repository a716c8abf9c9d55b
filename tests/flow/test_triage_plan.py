"""The plan: from Stripe's facts only, exactly as shown, one case per charge."""

import asyncio

import pytest

from amends import clock, facts
from amends.flow import approval, planning, sighting, triage
from amends.flow.identity import Fact, Verdict, ask_for_papers, verify_identity
from amends.gateways import stripe
from amends.models import Account, Case, ChargeClaim, Deposit, Leg, Plan
from amends.rules import plan as plans
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Kind, Reason, Status
from tests.backoffice import scene

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.req("B12", "B11")
async def test_it_proposes_one_leg_per_deposit_and_charges_the_sum_last() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)

    plan = await scene.propose(case, sam)

    legs = await Leg.filter(plan_id=plan.id).order_by("position")
    assert [(leg.kind, leg.amount_minor, leg.card_last4) for leg in legs] == [
        (LegKind.REFUND, 1200_00, "0005"),
        (LegKind.REFUND, 800_00, "5556"),
        (LegKind.RECHARGE, 2000_00, "5454"),
    ]
    assert [leg.charge_id for leg in legs[:2]] == [d.charge_id for d in shop.deposits]
    assert (await Case.get(id=case.id)).status is Status.PROPOSED


async def test_it_stores_exactly_what_was_shown() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    form, shown = await scene.shown(case, sam)

    plan = await planning.propose(case, sam, form, shown.digest, "Matches")

    assert plan.canonical == shown.draft.canonical()
    assert plan.digest == shown.digest == plans.digest_of(plan.canonical)
    assert plans.read(plan.canonical).recipient == scene.EMAIL
    ids = [str(leg.id) for leg in await Leg.filter(plan_id=plan.id).order_by("position")]
    assert ids == [leg.leg_id for leg in shown.draft.legs]


@pytest.mark.req("T15", "I1")
async def test_it_refunds_only_what_stripe_can_still_refund() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    shop.world.refund_in_dashboard(shop.deposits[0].charge_id, 200_00)

    _, shown = await scene.shown(case, sam)
    assert [leg.amount_minor for leg in shown.draft.legs] == [1000_00, 800_00, 1800_00]

    with pytest.raises(facts.InvalidInput, match=r"Enter \$1,000.00 or less"):
        await scene.shown(case, sam, amounts={shop.deposits[0].id: 1000_01})


@pytest.mark.req("A6", "T15")
async def test_it_never_takes_an_amount_from_the_claim() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam, claimed_amount_minor=9_999_00)

    _, shown = await scene.shown(case, sam)

    assert shown.draft.legs[-1].amount_minor == 2000_00


async def test_it_leaves_out_a_deposit_and_charges_less() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    amounts = {shop.deposits[0].id: 0, shop.deposits[1].id: 300_00}

    _, shown = await scene.shown(case, sam, amounts=amounts)

    assert [leg.amount_minor for leg in shown.draft.legs] == [300_00, 300_00]
    with pytest.raises(facts.InvalidInput, match=r"Enter \$300.00"):
        await scene.shown(case, sam, amounts=amounts, recharge_minor=301_00)


async def test_it_refuses_a_plan_that_is_not_the_one_seen() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    form, shown = await scene.shown(case, sam)
    shop.world.refund_in_dashboard(shop.deposits[1].charge_id, 1_00)

    with pytest.raises(facts.Stale):
        await planning.propose(case, sam, form, shown.digest, "Matches")
    assert await Plan.filter(case_id=case.id).count() == 0


@pytest.mark.req("A1")
async def test_it_refuses_without_a_verified_identity() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await triage.claim(await scene.submitted(shop), sam)

    with pytest.raises(facts.Refused, match="Identity is not verified yet: billing email, org"):
        await scene.propose(case, sam)

    await scene.verified(case, sam)
    await verify_identity(case, sam, Fact.TENANT_ID, Verdict.MISMATCH, reason="Other tenant")
    with pytest.raises(facts.Refused, match="not verified yet: tenant ID"):
        await scene.propose(case, sam)


@pytest.mark.req("T18")
@pytest.mark.parametrize("mishap", ["open_dispute", "open_inquiry", "warn_fraud"])
async def test_it_refuses_a_charge_with_a_dispute_inquiry_or_warning(mishap: str) -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    getattr(shop.world, mishap)(shop.deposits[1].charge_id)

    with pytest.raises(facts.Refused, match=shop.deposits[1].charge_id):
        await scene.propose(case, sam)


async def test_it_refuses_a_flagged_account_and_a_hold() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    account = Account.filter(id=shop.account.id)

    await account.update(flagged_at=clock.now())
    with pytest.raises(facts.Refused, match="flagged by Security"):
        await scene.propose(case, sam)
    later = clock.now().replace(year=2030)
    await account.update(flagged_at=None, rebill_hold_until=later)
    with pytest.raises(facts.Refused, match="No re-bill for this account"):
        await scene.propose(case, sam)


@pytest.mark.req("B13")
async def test_it_refuses_papers_that_were_asked_for_and_not_accepted() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    await ask_for_papers(case, sam, "License, please")

    with pytest.raises(facts.Refused, match="asked for papers"):
        await scene.propose(case, sam)


@pytest.mark.req("B5", "V2.2.3")
async def test_it_refuses_a_new_card_that_is_missing_or_somebody_elses() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    other = shop.world.add_customer("else@example.com", "Else")
    strange = shop.world.add_card(other["id"], "4242424242424242")
    case = await scene.in_triage(shop, sam, **scene.card_columns(strange))
    with pytest.raises(facts.Refused, match="not saved on this Stripe customer"):
        await scene.propose(case, sam)

    await Case.filter(id=case.id).update(card_payment_method_id=None)
    with pytest.raises(facts.Refused, match="The new card is not saved yet"):
        await scene.propose(await Case.get(id=case.id), sam)


async def test_it_warns_when_the_new_card_is_the_old_one() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    same = shop.world.add_card(shop.customer_id, "378282246310005")
    case = await scene.in_triage(shop, sam, **scene.card_columns(same))

    _, shown = await scene.shown(case, sam)

    assert "The new card is the card already charged: American Express 0005" in [
        check.sentence for check in shown.checks
    ]
    assert not shown.blocking


@pytest.mark.req("A7d", "T22")
async def test_it_never_rebills_a_card_that_was_not_recognised() -> None:
    shop, noor = await scene.harbor(), await scene.staff("Noor Haddad")
    case = await scene.in_triage(shop, noor, reason=Reason.NOT_RECOGNISED)

    with pytest.raises(facts.Refused, match="cannot be solved that way"):
        await scene.propose(case, noor)
    plan = await scene.propose(case, noor, Outcome.REFUND)
    assert {leg.stripe_reason for leg in await Leg.filter(plan_id=plan.id)} == {"fraudulent"}


async def test_it_lets_an_agent_prepare_nothing_for_security() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    noor = await scene.staff("Noor Haddad")
    case = await scene.in_triage(shop, noor, **scene.dispute(Reason.NOT_RECOGNISED))

    with pytest.raises(facts.Refused, match="Only Security or a manager"):
        await scene.propose(case, sam, Outcome.REFUND)


@pytest.mark.req("T19", "I16")
async def test_it_lets_one_case_at_a_time_move_a_charge() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    first, _ = await scene.proposed(shop, sam)
    second = await scene.in_triage(shop, sam)

    with pytest.raises(facts.Refused, match=f"{first.ref} already moves the money"):
        await scene.propose(second, sam)
    assert (await Case.get(id=second.id)).status is Status.TRIAGE
    assert await ChargeClaim.filter(case_id=second.id).count() == 0


async def test_it_voids_the_earlier_plan_and_lets_go_of_its_charges() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole")
    case, plan = await scene.proposed(shop, sam)
    back = await approval.send_back(case, dana, plan.version, plan.digest, "Only the Visa?")
    second = await scene.propose(back, sam, amounts={shop.deposits[0].id: 0})

    assert second.version == 2
    assert (await Plan.get(id=plan.id)).voided_at is not None
    held = await ChargeClaim.filter(case_id=case.id, released_at=None)
    assert [claim.charge_id for claim in held] == [shop.deposits[1].charge_id]


async def test_it_plans_only_the_new_card_when_the_refunds_are_confirmed() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case, plan = await scene.proposed(shop, sam)
    await _confirm_refunds(plan)
    await Case.filter(id=case.id).update(status=Status.NEEDS_NEW_CARD)
    case = await Case.get(id=case.id)

    second = await scene.propose(case, sam, Outcome.RECHARGE)

    draft = plans.read(second.canonical)
    assert [(leg.kind, leg.amount_minor) for leg in draft.legs] == [(LegKind.RECHARGE, 2000_00)]
    refunds = await Leg.filter(plan_id=plan.id, kind=LegKind.REFUND).order_by("position")
    assert draft.rests_on == tuple(str(leg.id) for leg in refunds)


@pytest.mark.req("B12")
async def test_it_resumes_after_one_refund_failed() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case, plan = await scene.proposed(shop, sam)
    first, second, third = await Leg.filter(plan_id=plan.id).order_by("position")
    shop.world.refund_in_dashboard(first.charge_id)
    await _confirm(first)
    await Leg.filter(id__in=[second.id, third.id]).update(state=LegState.FAILED)
    await Case.filter(id=case.id).update(status=Status.PARTLY_REFUNDED)

    again = await scene.propose(await Case.get(id=case.id), sam)

    draft = plans.read(again.canonical)
    assert [(leg.kind, leg.amount_minor) for leg in draft.legs] == [
        (LegKind.REFUND, 800_00),
        (LegKind.RECHARGE, 2000_00),
    ]
    assert draft.rests_on == (str(first.id),)


async def test_it_waits_while_money_of_an_earlier_plan_is_on_its_way() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case, plan = await scene.proposed(shop, sam)
    await Leg.filter(plan_id=plan.id, position=1).update(state=LegState.PENDING)
    await Case.filter(id=case.id).update(status=Status.PARTLY_REFUNDED)

    with pytest.raises(facts.Refused, match="still on its way"):
        await scene.propose(await Case.get(id=case.id), sam)


@pytest.mark.req("B10")
async def test_it_plans_the_end_of_the_subscription_with_a_cancellation() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(
        shop, sam, **(scene.dispute(Reason.CANCEL_ORDER) | {"kind": Kind.CANCELLATION})
    )

    plan = await scene.propose(case, sam, Outcome.CANCELLATION)

    legs = await Leg.filter(plan_id=plan.id).order_by("position")
    assert [leg.kind for leg in legs] == [
        LegKind.REFUND,
        LegKind.REFUND,
        LegKind.END_SUBSCRIPTION,
    ]


async def test_it_wants_a_reason_and_an_open_case() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    form, shown = await scene.shown(case, sam)

    with pytest.raises(facts.InvalidInput, match="Say why"):
        await planning.propose(case, sam, form, shown.digest, "  ")
    fresh = await scene.submitted(shop)
    with pytest.raises(facts.Refused, match="submitted"):
        await planning.propose(fresh, sam, form, shown.digest, "Why")


async def test_it_says_that_stripe_lost_a_charge() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    await Deposit.filter(id=shop.deposits[0].id).update(charge_id="ch_gone")

    _, shown = await scene.shown(case, sam)
    assert "Stripe does not know ch_gone" in [check.sentence for check in shown.blocking]


async def _confirm(leg: Leg) -> None:
    at = clock.now()
    await Leg.filter(id=leg.id).update(
        state=LegState.SUCCEEDED, stripe_id=f"re_{leg.id.hex[:12]}", confirmed_at=at, sent_at=at
    )


async def _confirm_refunds(plan: Plan) -> None:
    for leg in await Leg.filter(plan_id=plan.id, kind=LegKind.REFUND):
        await _confirm(leg)


async def test_it_asks_stripe_for_everything_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading two charges with all that stands on them takes about one round trip, not eight."""
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    under_way, most = 0, 0
    real = stripe.disputes_of

    async def slow(charge_id: str) -> list[stripe.DisputeFacts]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return await real(charge_id)

    monkeypatch.setattr(stripe, "disputes_of", slow)
    await sighting.read_claim(case, sam)
    assert most == 2
