"""The customer at the bank, the webhooks on their way, and the second card."""

import asyncio
import contextlib
from contextvars import Context

from amends import facts
from amends.flow import recharge, stripe_events
from amends.gateways import stripe
from amends.models import Case, Leg, Plan, WebhookEvent
from amends.rules.people import Customer
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.resources import payment_intents, payments
from sandbox.stripe_twin.webhooks import Delivery
from tests import shop as shops
from tests.simulate.scene import PEOPLE, Scene


async def event_worker(scene: Scene, looks: int) -> None:
    for _ in range(looks):
        await _hand_over(scene)
        for event_id in await WebhookEvent.filter(done_at=None, id__in=_known(scene)).values_list(
            "id", flat=True
        ):
            await stripe_events.look(str(event_id))


def _known(scene: Scene) -> list[str]:
    return [doc["id"] for doc in scene.shop.world.store.table("event").oldest_first()]


async def _hand_over(scene: Scene) -> None:
    """Some of the webhooks, in any order, some twice, some never."""
    scene.deliveries += shops.signed(scene.shop.world.take_deliveries())
    before = list(scene.deliveries)
    scene.random.shuffle(scene.deliveries)
    scene.seen["webhooks out of order"] += before[:3] != scene.deliveries[:3]
    taken, scene.deliveries = scene.deliveries[:3], scene.deliveries[3:]
    for body, signature in taken:
        if scene.random.random() < 0.2:
            scene.seen["webhook lost"] += 1
            continue
        twice = scene.random.random() < 0.2
        scene.seen["webhook twice"] += twice
        for _ in range(1 + twice):
            await _receive(scene, body, signature)


async def _receive(scene: Scene, body: bytes, signature: str) -> None:
    try:
        await stripe_events.receive(body, signature)
    except stripe.BadSignature:
        # Older than five minutes: Stripe would sign it anew; here it counts as lost.
        scene.seen["webhook lost"] += 1


async def inside(scene: Scene, delivery: Delivery) -> None:
    """The webhook is faster than the answer of the call that caused it."""
    if scene.random.random() < 0.5:
        scene.deliveries += shops.signed([delivery])
        return

    async def at_once() -> None:
        scene.seen["webhook inside the call"] += 1
        await _receive(scene, *shops.signed([delivery])[0])
        await stripe_events.look(delivery.event_id)

    # Another process does this: the caller has no turn in it and cannot be killed by it.
    await asyncio.create_task(at_once(), context=Context())


async def customer(scene: Scene, looks: int) -> None:
    """Asks for the bank's page, goes there once it is made, and manages or not."""
    assert scene.sold is not None
    by = Customer(scene.sold.account.id, scene.sold.account.billing_email, "Priya Raman", "Harbor")
    for _ in range(looks):
        case = await Case.get(id=scene.case_id)
        leg = await Leg.filter(case_id=case.id, kind=LegKind.RECHARGE).order_by("-plan_id").first()
        if leg is not None and leg.next_action_url:
            _at_the_bank(scene, leg.payment_intent_id)
            await recharge.returned_from_bank(case)
        elif case.status is Status.NEEDS_AUTHENTICATION:
            with contextlib.suppress(facts.Fact):
                await recharge.ask_authentication(case, by)
                scene.seen["customer asked for the bank's page"] += 1


def _at_the_bank(scene: Scene, intent_id: str) -> None:
    world = scene.shop.world
    intent = payment_intents.get(world, intent_id)
    if intent["status"] != "requires_action":
        return
    if scene.random.random() < 0.5:
        scene.seen["bank said yes"] += 1
        payments.authenticated(world, intent)
    else:
        scene.seen["bank said no"] += 1
        payments.authentication_failed(world, intent)


async def manager(scene: Scene, tries: int) -> None:
    """Approves another card when the first was declined."""
    assert scene.sold is not None
    for _ in range(tries):
        case = await Case.get(id=scene.case_id)
        if case.status is not Status.NEEDS_NEW_CARD or await _moving(case):
            continue
        if await Plan.filter(case_id=case.id, version=2).exists():
            return
        try:
            await shops.approve_new_card(
                scene.shop, case, scene.sold, PEOPLE["sam"], PEOPLE["dana"]
            )
            scene.seen["another card approved"] += 1
        except (facts.Fact, AssertionError):
            continue


async def _moving(case: Case) -> bool:
    return await Leg.filter(
        case_id=case.id,
        state__in=[LegState.SENDING, LegState.PENDING, LegState.UNKNOWN, LegState.NEEDS_ACTION],
    ).exists()
