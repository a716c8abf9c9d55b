"""A case is closed as refunded only when Stripe, our rows and the approval say so."""

from dataclasses import replace

import pytest

from amends import clock
from amends.flow import proof
from amends.gateways import stripe
from amends.models import Approval, Case, Document, ExceptionItem, Leg, MailItem
from amends.rules.people import Staff
from amends.rules.plan import LegKind
from amends.rules.workflow import Status
from tests import shop as shops
from tests.shop import VISA, Shop


async def _refunded(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """A plain refund over the limit, up to the moment before its close."""
    sold = await shops.sale(shop, (VISA, 80_000))
    case = (await shops.approved(shop, sold, sam, dana, new_card=None)).case
    while case.status is not Status.REFUNDED:
        case = await shops.work(case, steps=1)
    return case


@pytest.mark.req("A8", "A9", "A10", "A11")
async def test_it_closes_with_the_refunds_id_the_mail_and_the_approval(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    case = await shops.work(await _refunded(shop, sam, dana))
    assert (case.status, case.outcome_reason) == (Status.RESOLVED, "Resolved: refund issued")
    leg = await Leg.get(case_id=case.id, kind=LegKind.REFUND)
    assert leg.stripe_id and leg.stripe_id.startswith("re_")
    mail = await MailItem.get(case_id=case.id, kind="done")
    assert leg.stripe_id in str(mail.context) and "window" in str(mail.context)
    approval = await Approval.get(case_id=case.id)
    assert (approval.decision, approval.role) == ("approved", "manager")


async def _trace_number(shop: Shop, case: Case, number: str) -> Case:
    leg = await Leg.get(case_id=case.id, kind=LegKind.REFUND)
    shop.world.set_reference(str(leg.stripe_id), number)
    await Case.filter(id=case.id).update(next_check_at=clock.now())
    await Leg.filter(id=leg.id).update(next_look_at=clock.now())
    return await shops.work(case)


@pytest.mark.req("A9", "I25")
async def test_a_trace_number_after_the_close_makes_the_proof_anew(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """One proof stands; the one before is kept and marked, and the mail carries the new one."""
    case = await shops.work(await _refunded(shop, sam, dana))
    first = await Document.get(case_id=case.id, kind="proof_of_refund")
    number = "74599998185000001234567"
    assert number not in str(first.facts)

    for _ in range(2):
        case = await _trace_number(shop, case, number)

    old = await Document.get(id=first.id)
    assert old.facts == first.facts and old.superseded_at is not None
    new = await Document.get(case_id=case.id, kind="proof_of_refund", superseded_at=None)
    assert number in str(new.facts)
    assert await Document.filter(case_id=case.id, kind="proof_of_refund").count() == 2
    mail = await MailItem.get(case_id=case.id, kind="bank_reference")
    assert mail.document_ids == [str(new.id)]
    assert case.status is Status.RESOLVED


@pytest.mark.req("A11")
async def test_it_stays_open_while_the_charge_does_not_read_refunded(
    shop: Shop, sam: Staff, dana: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await _refunded(shop, sam, dana)
    real = stripe.charge

    async def unrefunded(charge_id: str) -> stripe.ChargeFacts:
        return replace(await real(charge_id), refunded=False, refunded_minor=0)

    monkeypatch.setattr(stripe, "charge", unrefunded)
    case = await shops.work(case)
    assert case.status is Status.REFUNDED
    assert await ExceptionItem.filter(kind="halt_not_refunded", case_id=case.id).exists()
    assert not await MailItem.filter(case_id=case.id, kind="done").exists()
    monkeypatch.setattr(stripe, "charge", real)
    case = await shops.work_on(shop, case, days=1)
    assert case.status is Status.RESOLVED and case.outcome_reason == proof.RESOLVED


@pytest.mark.req("A11")
async def test_it_stays_open_when_stripe_takes_a_confirmed_refund_back(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    case = await _refunded(shop, sam, dana)
    leg = await Leg.get(case_id=case.id, kind=LegKind.REFUND)
    assert leg.stripe_id is not None
    shop.world.fail_refund(leg.stripe_id)
    case = await shops.work(case)
    assert case.status is Status.REFUND_FAILED_LATE
