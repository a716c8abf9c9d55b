"""What a seed found, told again by itself."""

from dataclasses import replace

import pytest

from amends.flow import advance, approval
from amends.models import WebhookEvent
from amends.rules.people import Role
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import AMEX, Shop


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


@pytest.mark.usefixtures("fresh_db")
async def test_a_plan_that_halts_while_stripe_is_away_is_looked_at_again() -> None:
    """Seeds 91 and 1739: stopping a charge asks Stripe, and that question may be lost too."""
    shop = Shop()
    shop.take()
    sam, dana = await shops.person("Sam Ito", Role.AGENT), await shops.person("Dana", Role.MANAGER)
    case = (await shops.approved(shop, await shops.sale(shop, (AMEX, 120_000)), sam, dana)).case
    shop.world.faults.add("POST /v1/payment_intents/*/confirm", FaultKind.LOST_REQUEST)
    while case.status is not Status.RECHARGING or not shop.world.faults.fired:
        await advance.advance(case.id)
        await case.refresh_from_db()
    shop.pass_(days=15)
    handle = shop.world.handle

    async def somebody_is_faster(call):  # type: ignore[no-untyped-def]
        if call.path.endswith("/cancel"):
            shop.world.faults.add("GET /v1/payment_intents/*", FaultKind.LOST_RESPONSE)
            await handle(call)
            call = replace(call, headers={**call.headers, "idempotency-key": "theirs"})
        return await handle(call)

    shop.world.handle = somebody_is_faster  # type: ignore[method-assign]
    assert await advance.advance(case.id)  # the confirmation never came
    assert await advance.advance(case.id)  # so the charge is stopped
    assert len(shop.world.faults.fired) == 2
    assert (await shops.work_on(shop, case, minutes=10)).status is Status.NEEDS_NEW_CARD
