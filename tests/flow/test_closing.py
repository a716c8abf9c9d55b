"""A case is closed as refunded only when Stripe, our rows and the approval say so."""

from dataclasses import replace

import pytest

from amends.flow import proof
from amends.gateways import stripe
from amends.models import Approval, Case, ExceptionItem, Leg, MailItem
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
