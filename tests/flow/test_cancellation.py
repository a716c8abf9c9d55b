"""The side road of a cancelled order: audit, a second confirmation, refund, end of subscription."""

import uuid
from datetime import timedelta

import pytest

from amends import clock, facts
from amends.flow import cancellation
from amends.models import Audit, Case, ExceptionItem, Leg, MailItem, Order, Plan
from amends.rules.people import Role, Staff
from amends.rules.plan import Draft, LegKind, LegState, Outcome, PlannedLeg
from amends.rules.workflow import Kind, Reason, Status
from tests import shop as shops
from tests.flow.test_refund import refunds
from tests.shop import AMEX, VISA, Shop


@pytest.fixture
async def otto(db: None, shop: Shop) -> Staff:
    return await shops.person("Otto Brandt", Role.AUDITOR)


@pytest.fixture
async def ivy(db: None, shop: Shop) -> Staff:
    return await shops.person("Ivy Lindqvist", Role.CSM)


@pytest.fixture
async def cancelled(shop: Shop, sam: Staff, dana: Staff, ivy: Staff) -> Case:
    """A cancellation with a running subscription, approved by Dana today."""
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    ends = (shop.time.at + timedelta(days=40)).timestamp()
    subscription = shop.world.add_subscription(sold.customer_id, 9_900, current_period_end=ends)[
        "id"
    ]
    await Order.filter(id=sold.order.id).update(
        subscription_id=subscription, subscription_status="active"
    )
    case = await shops.new_case(sold)
    await Case.filter(id=case.id).update(kind=Kind.CANCELLATION, reason=Reason.CANCEL_ORDER)
    case = await Case.get(id=case.id)
    legs = (
        *(shops.refund_leg(each, each.amount_minor) for each in sold.deposits),
        PlannedLeg(
            str(uuid.uuid4()),
            LegKind.END_SUBSCRIPTION,
            0,
            "usd",
            customer_id=sold.customer_id,
            subscription_id=subscription,
        ),
    )
    draft = Draft(case.ref, 1, 1, Outcome.CANCELLATION, case.contact_email, legs)
    return (await shops.approve(case, draft, sam, dana)).case


async def all_checked(case: Case, otto: Staff) -> None:
    for item in cancellation.open_items(await Audit.get(case_id=case.id)):
        await cancellation.tick(case, otto, item)


async def days_pass(shop: Shop, case: Case, days: int) -> Case:
    for _ in range(days):
        case = await shops.work_on(shop, case, days=1)
    return case


@pytest.mark.req("B10")
async def test_it_audits_sixty_business_days_before_anything_is_refunded(
    shop: Shop, cancelled: Case
) -> None:
    case = await shops.work(cancelled)
    assert case.status is Status.AUDITING
    assert str((await Audit.get(case_id=case.id)).ends_on) == "2027-02-23"
    case = await days_pass(shop, case, 85)
    assert case.status is Status.AUDITING
    assert refunds(shop) == []


@pytest.mark.req("B10", "T66", "I31")
async def test_nothing_is_billed_during_the_audit(shop: Shop, cancelled: Case) -> None:
    before = len(shop.world.ledger())
    case = await days_pass(shop, await shops.work(cancelled), 60)
    assert len(shop.world.ledger()) == before
    assert (await Audit.get(case_id=case.id)).renewals_stopped_at is not None


@pytest.mark.req("B10", "T65")
async def test_a_manager_confirms_the_amount_again_at_the_end(
    shop: Shop, cancelled: Case, otto: Staff, sam: Staff, dana: Staff
) -> None:
    case = await shops.work(cancelled)
    await all_checked(case, otto)
    case = await days_pass(shop, case, 93)
    assert case.status is Status.PROPOSED
    assert refunds(shop) == []
    plan = await Plan.get(case_id=case.id, voided_at=None)
    assert plan.version == 2
    case = await shops.decide(case, plan, dana)
    case = await days_pass(shop, await shops.work(case), 2)
    assert case.status is Status.RESOLVED
    assert refunds(shop) == [("0005", -120_000), ("4242", -80_000)]
    ended = await Leg.get(plan_id=plan.id, kind=LegKind.END_SUBSCRIPTION)
    assert ended.state is LegState.SUCCEEDED
    customer = shop.world.store.get("customer", ended.customer_id)
    assert customer is not None and customer["balance"] == 0
    assert (await Order.get(id=case.order_id)).subscription_status == "canceled"


@pytest.mark.req("B10")
async def test_the_customer_hears_at_a_third_and_at_two_thirds(shop: Shop, cancelled: Case) -> None:
    case = await days_pass(shop, await shops.work(cancelled), 80)
    mails = await MailItem.filter(case_id=case.id, kind="audit_progress").order_by("created_at")
    assert [mail.context["day"] for mail in mails] == [20, 40]
    assert "Ivy Lindqvist" in str(mails[0].context["contact"])


@pytest.mark.req("B10")
async def test_an_open_checklist_holds_the_end(shop: Shop, cancelled: Case) -> None:
    case = await days_pass(shop, await shops.work(cancelled), 95)
    assert case.status is Status.AUDITING
    assert await ExceptionItem.filter(kind="audit_overdue", resolved_at=None).exists()


@pytest.mark.req("B10")
async def test_an_auditor_may_take_longer_with_a_reason(
    shop: Shop, cancelled: Case, otto: Staff
) -> None:
    case = await shops.work(cancelled)
    with pytest.raises(facts.InvalidInput):
        await cancellation.extend(case, otto, 5, " ")
    await cancellation.extend(case, otto, 5, "The unit is still on its way back.")
    assert str((await Audit.get(case_id=case.id)).ends_on) == "2027-03-02"
    assert await MailItem.filter(case_id=case.id, kind="audit_progress").count() == 1


async def test_an_agent_does_not_tick_the_audit(shop: Shop, cancelled: Case, sam: Staff) -> None:
    case = await shops.work(cancelled)
    with pytest.raises(facts.Refused):
        await cancellation.tick(case, sam, "goods")


async def test_somebody_is_told_when_nobody_can_be_the_contact(
    shop: Shop, cancelled: Case, ivy: Staff
) -> None:
    from amends.models import Person

    await Person.filter(id=ivy.person_id).update(active=False)
    await shops.work(cancelled)
    assert await ExceptionItem.filter(kind="no_csm").exists()
    assert clock.now() == shop.time.at
