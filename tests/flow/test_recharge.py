"""Step 5: only when every refund is confirmed, the new card, once; the bank may want a word."""

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from amends.flow import recharge
from amends.models import Case, ExceptionItem, Leg, MailItem, Order
from amends.rules.people import Customer, Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.flow.test_refund import charges, refunds
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, VISA, Shop


@pytest.fixture(autouse=True)
def webhook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    shops.with_webhook_secret(monkeypatch)


async def the_recharge(case_id: int) -> Leg:
    return await Leg.get(case_id=case_id, kind=LegKind.RECHARGE)


def priya(sold: shops.Sale) -> Customer:
    return Customer(sold.account.id, sold.account.billing_email, "Priya Raman", "Harbor Fitness")


async def at_the_bank(shop: Shop, url: str, button: str) -> str:
    """Open the bank's page as the customer does and press a button; returns where it leads."""
    transport = httpx2.ASGITransport(create_app(shop.world))
    async with httpx2.AsyncClient(transport=transport, base_url="http://twin.test") as browser:
        page = await browser.get(url)
        assert page.status_code == 200
        answer = await browser.post(url, data={"result": button})
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])


@pytest.mark.req("B8")
async def test_a_bank_that_wants_the_customer_leads_them_there_and_back(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=ALWAYS_SCA)
    case = await shops.work(made.case)
    assert case.status is Status.NEEDS_AUTHENTICATION
    assert await MailItem.filter(case_id=case.id, kind="bank_confirmation_needed").count() == 1
    await recharge.ask_authentication(case, priya(sold))
    case = await shops.work(case)
    leg = await the_recharge(case.id)
    assert case.status is Status.NEEDS_AUTHENTICATION
    assert leg.next_action_url.startswith("http://twin.test/pages/")
    back = await at_the_bank(shop, leg.next_action_url, "complete")
    assert urlsplit(back).path == f"/requests/{case.ref}/bank-return"
    assert parse_qs(urlsplit(back).query)["payment_intent"] == [leg.payment_intent_id]
    await recharge.returned_from_bank(await Case.get(id=case.id))
    case = await shops.work_on(shop, case, seconds=1)
    assert case.status is Status.RESOLVED
    assert charges(shop)[1:] == [("3184", 120_000)]


async def test_a_customer_who_fails_at_the_bank_may_try_again(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=ALWAYS_SCA)
    case = await shops.work(made.case)
    for button in ("fail", "complete"):
        await recharge.ask_authentication(case, priya(sold))
        case = await shops.work(case)
        leg = await the_recharge(case.id)
        await at_the_bank(shop, leg.next_action_url, button)
        await recharge.returned_from_bank(await Case.get(id=case.id))
        case = await shops.work_on(shop, case, seconds=1)
    assert case.status is Status.RESOLVED
    assert len(charges(shop)) == 2


@pytest.mark.req("B8", "T21")
async def test_a_declined_card_asks_for_another_and_refunds_nothing_twice(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=DECLINES)
    case = await shops.work(made.case)
    assert case.status is Status.NEEDS_NEW_CARD
    leg = await the_recharge(case.id)
    assert leg.state is LegState.FAILED
    assert (await Order.get(id=sold.order.id)).unpaid_hold
    assert await MailItem.filter(case_id=case.id, kind="new_card_declined").count() == 1
    again = await shops.approve_new_card(shop, case, sold, sam, dana)
    case = await shops.work(again.case)
    assert case.status is Status.RESOLVED
    assert len(refunds(shop)) == 2
    assert [row for row in charges(shop)[2:] if row[1] > 0] == [("4444", 200_000)]
    assert not (await Order.get(id=sold.order.id)).unpaid_hold


async def test_a_dispute_between_refund_and_recharge_charges_nothing(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (shops.PENDING, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    case = await shops.work(made.case)
    shop.world.settle_refund(str((await Leg.get(case_id=case.id, position=2)).stripe_id))
    shop.world.open_dispute(sold.deposits[0].charge_id)
    case = await shops.work_on(shop, case, hours=2)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert len(charges(shop)) == 2


async def test_a_locked_case_is_not_charged_by_a_page_left_open_at_the_bank(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    made = await shops.approved(shop, sold, sam, dana, new_card=ALWAYS_SCA)
    case = await shops.work(made.case)
    await recharge.ask_authentication(case, priya(sold))
    case = await shops.work(case)
    shop.world.open_dispute(sold.deposits[0].charge_id)
    await shops.deliver_and_look(shop)
    case = await shops.work_on(shop, case, hours=2)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert (await the_recharge(case.id)).state in (LegState.CANCELED, LegState.FAILED)
    assert len(charges(shop)) == 1


async def test_a_lost_answer_to_the_confirmation_charges_once(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.faults.add("POST /v1/payment_intents/*/confirm", FaultKind.LOST_RESPONSE)
    case = await shops.work(made.case)
    assert await ExceptionItem.filter(kind="unknown_outcome", resolved_at=None).exists()
    case = await shops.work_on(shop, case, minutes=2)
    assert case.status is Status.RESOLVED
    assert len(charges(shop)) == 2
    assert not await ExceptionItem.filter(resolved_at=None).exists()
