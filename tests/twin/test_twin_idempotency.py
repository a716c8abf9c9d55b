"""The idempotency table: what is kept, what is not, for how long."""

import anyio
import pytest
import stripe

from sandbox.stripe_twin.clock import DAY, HOUR
from sandbox.stripe_twin.faults import FaultKind


def key(name):
    return {"idempotency_key": name}


async def test_it_replays_the_first_answer_and_says_so(shop):
    charge = shop.charge()
    first = await shop.client.v1.refunds.create_async({"charge": charge, "amount": 100}, key("k"))
    again = await shop.client.v1.refunds.create_async({"charge": charge, "amount": 100}, key("k"))
    assert again.id == first.id
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.last_response.headers
    assert len((await shop.client.v1.refunds.list_async({"charge": charge})).data) == 1


async def test_it_refuses_a_key_with_other_parameters(shop):
    charge = shop.charge()
    await shop.client.v1.refunds.create_async({"charge": charge, "amount": 100}, key("k"))
    with pytest.raises(stripe.IdempotencyError) as caught:
        await shop.client.v1.refunds.create_async({"charge": charge, "amount": 200}, key("k"))
    assert caught.value.error.message == (
        "Keys for idempotent requests can only be used with the same parameters they were first "
        "used with. Try using a key other than 'k' if you meant to execute a different request."
    )


async def test_it_does_not_care_about_the_order_of_parameters(shop):
    charge = shop.charge()
    one = {"charge": charge, "amount": 100, "metadata": {"a": "1", "b": "2"}}
    other = {"metadata": {"b": "2", "a": "1"}, "amount": 100, "charge": charge}
    first = await shop.client.v1.refunds.create_async(one, key("k"))
    assert (await shop.client.v1.refunds.create_async(other, key("k"))).id == first.id


async def test_it_forgets_a_key_after_a_day_so_that_it_refunds_twice(shop):
    charge = shop.charge()
    await shop.client.v1.refunds.create_async({"charge": charge, "amount": 100}, key("k"))
    shop.world.advance(DAY - HOUR)
    await shop.client.v1.refunds.create_async({"charge": charge, "amount": 100}, key("k"))
    shop.world.advance(2 * HOUR)
    await shop.client.v1.refunds.create_async({"charge": charge, "amount": 100}, key("k"))
    assert len((await shop.client.v1.refunds.list_async({"charge": charge})).data) == 2


async def test_it_keeps_a_refusal_of_the_endpoint(shop):
    charge = shop.charge()
    for _ in range(2):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            await shop.client.v1.refunds.create_async({"charge": charge, "amount": 7000}, key("k"))
    assert caught.value.headers["idempotent-replayed"] == "true"


async def test_it_keeps_a_decline(shop):
    card = shop.new_card("pm_card_chargeCustomerFail")
    params = {
        "amount": 900, "currency": "usd", "customer": shop.customer, "payment_method": card,
        "confirm": True, "off_session": True,
    }  # fmt: skip
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            await shop.client.v1.payment_intents.create_async(params, key("k"))
    assert caught.value.headers["idempotent-replayed"] == "true"
    assert len(shop.world.store.table("payment_intent").rows) == 1


@pytest.mark.parametrize("wrong", [{"amount": "much"}, {"colour": "red"}, {"reason": "because"}])
async def test_it_does_not_keep_a_parameter_mistake(shop, wrong):
    charge = shop.charge()
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.refunds.create_async({"charge": charge, **wrong}, key("k"))
    assert (await shop.client.v1.refunds.create_async({"charge": charge}, key("k"))).id


async def test_it_does_not_keep_a_wrong_key_or_a_rate_limit(shop, client_with):
    charge = shop.charge()
    with pytest.raises(stripe.AuthenticationError):
        await client_with("sk_wrong").v1.refunds.create_async({"charge": charge}, key("k"))
    shop.world.faults.add("POST /v1/refunds", FaultKind.RATE_LIMIT_429)
    with pytest.raises(stripe.RateLimitError):
        await shop.client.v1.refunds.create_async({"charge": charge}, key("k"))
    assert (await shop.client.v1.refunds.create_async({"charge": charge}, key("k"))).id


async def test_it_answers_409_while_the_first_call_still_runs(shop, client_with):
    charge, client = shop.charge(), client_with(retries=0)
    shop.world.latency_s = 0.01
    seen = []

    async def refund():
        try:
            await client.v1.refunds.create_async({"charge": charge}, key("k"))
            seen.append("done")
        except stripe.APIError as error:
            seen.append((error.http_status, error.error.code, error.error.type))

    async with anyio.create_task_group() as group:
        group.start_soon(refund)
        group.start_soon(refund)
    assert seen == [(409, "idempotency_key_in_use", "idempotency_error"), "done"]
    assert len((await client.v1.refunds.list_async({"charge": charge})).data) == 1


async def test_it_refuses_a_key_longer_than_255_characters(shop):
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.refunds.create_async({"charge": shop.charge()}, key("k" * 256))
