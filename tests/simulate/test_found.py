"""What a seed found, told again by itself."""

import pytest

from amends.flow import approval
from amends.models import WebhookEvent
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import Shop


@pytest.mark.usefixtures("fresh_db")
async def test_an_event_of_a_deposit_is_looked_at_when_its_plan_was_edited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seed 15: two plan versions refund one deposit, so that two legs name its intent."""
    shops.with_webhook_secret(monkeypatch)
    shop = Shop()
    shop.take()
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    sam = await scene.staff("Sam Ito")
    case, plan = await scene.proposed(await scene.harbor(shop.world), sam)
    case = await approval.take_back(case, sam, plan.version, "Too much.")
    await scene.propose(case, sam)
    await shops.deliver(shop)
    await shops.look_at_events()
    told = WebhookEvent.filter(type="payment_intent.succeeded")
    assert await told.count() == 2
    assert await told.filter(done_at=None).count() == 0
