"""Events and webhooks: signatures, order, duplicates, losses, retries, catch-up."""

import pytest
import stripe

from sandbox.stripe_twin.clock import DAY

SECRET = "whsec_" + "a" * 32
URL = "https://portal.test/stripe/webhook"


@pytest.fixture
def hooked(shop):
    shop.world.add_endpoint(URL, SECRET, ["refund.*", "charge.refunded"])
    return shop


def kinds(deliveries):
    return [delivery.event_type for delivery in deliveries]


async def test_it_signs_so_that_the_library_believes_it(hooked):
    refund = await hooked.refund(hooked.charge(), metadata={"case": "C-1"})
    deliveries = hooked.world.take_deliveries()
    assert kinds(deliveries) == ["refund.created", "charge.refunded", "refund.updated"]
    first = deliveries[0]
    assert first.url == URL
    signature = first.headers["stripe-signature"]
    assert stripe.WebhookSignature.verify_header(first.body, signature, SECRET, tolerance=300)
    event = hooked.client.construct_event(first.body, signature, SECRET)
    assert (event.data.object.id, event.data.object.metadata["case"]) == (refund.id, "C-1")
    assert event.api_version == stripe.api_version
    assert event.request.idempotency_key
    assert hooked.world.take_deliveries() == []


async def test_it_can_sign_badly(hooked):
    hooked.world.webhooks.bad_signature()
    await hooked.refund(hooked.charge())
    forged, honest = hooked.world.take_deliveries()[:2]
    with pytest.raises(stripe.SignatureVerificationError):
        hooked.client.construct_event(forged.body, forged.headers["stripe-signature"], SECRET)
    hooked.client.construct_event(honest.body, honest.headers["stripe-signature"], SECRET)


async def test_it_drops_duplicates_reverses_and_delays(hooked):
    hooks = hooked.world.webhooks
    hooks.drop(1)
    await hooked.refund(hooked.charge())
    assert kinds(hooked.world.take_deliveries()) == ["charge.refunded", "refund.updated"]
    hooks.duplicate(1)
    await hooked.refund(hooked.charge())
    twice = hooked.world.take_deliveries()
    assert twice[0].event_id == twice[1].event_id
    hooks.hold()
    await hooked.refund(hooked.charge())
    assert hooked.world.take_deliveries() == []
    hooks.reverse()
    hooks.flush()
    assert kinds(hooked.world.take_deliveries()) == [
        "refund.updated", "charge.refunded", "refund.created",
    ]  # fmt: skip
    hooks.delay(3 * DAY)
    await hooked.refund(hooked.charge())
    assert hooked.world.take_deliveries() == []
    hooked.world.advance(3 * DAY)
    assert len(hooked.world.take_deliveries()) == 3


async def test_it_tries_again_for_three_days_with_a_new_signature_each_time(hooked):
    # The twin's own clock: the real one, past it by now, would sign all of them in one second.
    hooked.world.webhooks.sign_at = lambda now: now
    await hooked.refund(hooked.charge())
    seen, stamps = 0, set()
    for _ in range(4 * 24):
        for delivery in hooked.world.take_deliveries():
            if delivery.event_type == "refund.created":
                seen += 1
                stamps.add(delivery.headers["stripe-signature"])
                hooked.world.webhooks.failed(delivery)
        hooked.world.advance(3600)
    assert seen == len(stamps) == 11
    lost = await hooked.client.v1.events.list_async({"delivery_success": False})
    assert "refund.created" in [event.type for event in lost.data]


async def test_it_counts_a_delivery_as_done(hooked):
    await hooked.refund(hooked.charge())
    for delivery in hooked.world.take_deliveries():
        hooked.world.webhooks.delivered(delivery)
    waiting = await hooked.client.v1.events.list_async({"delivery_success": False})
    assert waiting.data == []
    assert [outcome.ok for outcome in hooked.world.deliveries] == [True] * 3


async def test_it_delivers_inside_the_call_before_the_answer(hooked):
    heard = []

    async def callback(delivery):
        refunds = await hooked.client.v1.refunds.list_async()
        heard.append((delivery.event_type, len(refunds.data)))

    hooked.world.webhook_mode = "inside"
    hooked.world.webhook_callback = callback
    await hooked.refund(hooked.charge())
    assert heard[0] == ("refund.created", 1)
    assert len(heard) == 3


async def test_it_lists_events_for_catching_up(shop):
    await shop.refund(shop.charge())
    events = shop.client.v1.events
    found = await events.list_async({"types": ["refund.created", "charge.refunded"]})
    assert [event.type for event in found.data] == ["charge.refunded", "refund.created"]
    newer = await events.list_async({"ending_before": found.data[1].id})
    assert [event.type for event in newer.data] == [
        "charge.refund.updated", "refund.updated", "charge.refunded",
    ]  # fmt: skip
    assert (await events.retrieve_async(found.data[0].id)).data.object.object == "charge"
    shop.world.advance(31 * DAY)
    assert (await events.list_async({"types": ["refund.created"]})).data == []
    with pytest.raises(stripe.InvalidRequestError, match="up to 20 types"):
        await events.list_async({"types": [f"a.{n}" for n in range(21)]})


async def test_it_keeps_one_endpoint_per_address(shop):
    made = await shop.client.v1.webhook_endpoints.create_async(
        {"url": URL, "enabled_events": ["*"]}
    )
    assert made.secret.startswith("whsec_")
    shop.world.add_endpoint(URL, SECRET)
    found = await shop.client.v1.webhook_endpoints.list_async()
    assert [row.id for row in found.data] == [made.id]
    assert not hasattr(found.data[0], "secret")
    await shop.client.v1.webhook_endpoints.update_async(made.id, {"disabled": True})
    await shop.refund(shop.charge())
    assert shop.world.take_deliveries() == []
    await shop.client.v1.webhook_endpoints.delete_async(made.id)


async def test_it_emits_the_events_of_a_customer(shop):
    made = await shop.client.v1.customers.create_async({"email": "new@x.example"})
    await shop.client.v1.customers.update_async(made.id, {"email": "other@x.example"})
    changed = shop.world.events[-1]
    assert changed["type"] == "customer.updated"
    assert changed["data"]["previous_attributes"] == {"email": "new@x.example"}
    gone = await shop.client.v1.customers.delete_async(made.id)
    assert gone.deleted
    assert (await shop.client.v1.customers.retrieve_async(made.id)).deleted
