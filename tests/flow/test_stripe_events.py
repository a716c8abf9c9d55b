"""Webhooks are hints: verified, kept once, and the end does not depend on them."""

import itertools

import pytest

from amends.flow import stripe_events
from amends.gateways import stripe
from amends.models import ExceptionItem, LedgerEntry, MailItem, WebhookEvent
from amends.rules.people import Staff
from amends.rules.workflow import Status
from tests import shop as shops
from tests.flow.test_refund import charges, refunds
from tests.shop import AMEX, PENDING, VISA, Shop


@pytest.fixture(autouse=True)
def webhook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    shops.with_webhook_secret(monkeypatch)


async def test_a_webhook_confirms_a_pending_refund_at_once(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (PENDING, 80_000))
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    case = (await shops.approved(shop, sold, sam, dana)).case
    case = await shops.work(case)
    shop.world.settle_refund(refund_id(shop))
    await shops.deliver_and_look(shop)
    assert (await shops.work(case)).status is Status.RESOLVED


def refund_id(shop: Shop) -> str:
    return next(row.object_id for row in shop.world.ledger() if row.kind == "refund")


@pytest.mark.req("T55")
async def test_an_unsigned_webhook_is_refused(shop: Shop, db: None) -> None:
    with pytest.raises(stripe.BadSignature):
        await stripe_events.receive(b'{"id": "evt_1"}', "t=1,v1=00")
    assert await WebhookEvent.all().count() == 0


@pytest.mark.req("T56")
async def test_an_event_is_kept_once(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (VISA, 80_000))
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    sent = shops.signed(shop.world.take_deliveries())
    for body, signature in [*sent, *sent, *sent]:
        await stripe_events.receive(body, signature)
    assert await WebhookEvent.all().count() == len(sent)


@pytest.mark.parametrize("seed", range(8))
async def test_any_order_with_repeats_and_losses_ends_the_same(
    shop: Shop, sam: Staff, dana: Staff, seed: int
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (PENDING, 80_000))
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    case = (await shops.approved(shop, sold, sam, dana)).case
    case = await shops.work(case)
    shop.pass_(days=2)
    sent = shops.signed(shop.world.take_deliveries())
    order = next(itertools.islice(itertools.permutations(sent), seed * 37, None), sent)
    for body, signature in [*order[seed % 3 :], *order[: seed % 4]]:
        await stripe_events.receive(body, signature)
        await shops.look_at_events()
    case = await shops.work(case)
    assert case.status is Status.RESOLVED
    assert (len(refunds(shop)), len(charges(shop))) == (2, 3)
    assert await LedgerEntry.filter(case_id=case.id).count() == 6
    assert await MailItem.filter(case_id=case.id, kind="done").count() == 1


@pytest.mark.req("T36")
async def test_a_dashboard_refund_goes_to_the_exceptions_desk(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    shop.world.refund_in_dashboard(sold.deposits[0].charge_id, 500)
    await shops.deliver_and_look(shop)
    assert await ExceptionItem.filter(kind="foreign_refund", resolved_at=None).count() == 1


@pytest.mark.req("T36")
async def test_catch_up_finds_what_no_webhook_brought(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (PENDING, 80_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    shop.world.settle_refund(refund_id(shop))
    assert await stripe_events.catch_up() > 0
    await shops.look_at_events()
    assert (await shops.work(case)).status is Status.RESOLVED


@pytest.mark.req("V13.3.4", "T55", "F62")
async def test_no_event_is_lost_while_the_webhook_secret_is_exchanged(
    shop: Shop, sam: Staff, dana: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    sold = await shops.sale(shop, (VISA, 80_000))
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    sent = shops.signed(shop.world.take_deliveries())
    new = "whsec_n2Wk7TzQ5vRb9XcL1pHs"
    monkeypatch.setenv("AMENDS_STRIPE_WEBHOOK_SECRET", f"{new},{shops.SECRET}")
    for body, signature in sent:
        await stripe_events.receive(body, signature)
    assert await WebhookEvent.all().count() == len(sent) > 0

    monkeypatch.setenv("AMENDS_STRIPE_WEBHOOK_SECRET", new)
    with pytest.raises(stripe.BadSignature):
        await stripe_events.receive(*sent[0])
