"""Each fault as the Stripe library sees it, and what it leaves behind."""

import httpx
import pytest
import stripe

from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.faults import FaultKind

REFUND = "POST /v1/refunds"

# Fault -> (error class, error code or None, refunds left behind), without retries.
WITHOUT_RETRIES = {
    FaultKind.LOST_REQUEST: (stripe.APIConnectionError, None, 0),
    FaultKind.LOST_RESPONSE: (stripe.APIConnectionError, None, 1),
    FaultKind.TIMEOUT_BEFORE: (stripe.APIConnectionError, None, 0),
    FaultKind.TIMEOUT_AFTER: (stripe.APIConnectionError, None, 1),
    FaultKind.ERROR_500_BEFORE: (stripe.APIError, None, 0),
    FaultKind.ERROR_500_AFTER: (stripe.APIError, None, 1),
    FaultKind.RATE_LIMIT_429: (stripe.RateLimitError, "rate_limit", 0),
    FaultKind.LOCK_TIMEOUT_429: (stripe.RateLimitError, "lock_timeout", 0),
    FaultKind.KEY_IN_USE_409: (stripe.APIError, "idempotency_key_in_use", 0),
}


def refunds_of(shop, charge):
    return len(shop.world.store.table("refund").where("charge", charge))


@pytest.mark.parametrize("kind", WITHOUT_RETRIES)
async def test_it_shows_a_fault_to_a_client_that_does_not_retry(shop, client_with, kind):
    error, code, left = WITHOUT_RETRIES[kind]
    charge = shop.charge()
    shop.world.faults.add(REFUND, kind)
    with pytest.raises(error) as caught:
        await client_with(retries=0).v1.refunds.create_async({"charge": charge})
    assert (caught.value.error.code if caught.value.error else None) == code
    assert refunds_of(shop, charge) == left


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.LOST_REQUEST, FaultKind.LOST_RESPONSE, FaultKind.TIMEOUT_BEFORE,
        FaultKind.TIMEOUT_AFTER, FaultKind.KEY_IN_USE_409,
    ],
)  # fmt: skip
async def test_it_lets_a_retry_under_the_same_key_get_through(shop, kind):
    charge = shop.charge()
    shop.world.faults.add(REFUND, kind)
    assert (await shop.refund(charge)).status == "succeeded"
    assert refunds_of(shop, charge) == 1


@pytest.mark.parametrize(
    ("kind", "left"), [(FaultKind.ERROR_500_BEFORE, 0), (FaultKind.ERROR_500_AFTER, 1)]
)
async def test_it_keeps_a_500_so_that_retries_see_it_again(shop, kind, left):
    charge = shop.charge()
    shop.world.faults.add(REFUND, kind)
    with pytest.raises(stripe.APIError) as caught:
        await shop.refund(charge)
    assert caught.value.http_status == 500
    assert caught.value.headers["idempotent-replayed"] == "true"
    assert refunds_of(shop, charge) == left


async def test_it_waits_for_the_named_call_and_fires_as_often_as_asked(shop, client_with):
    client = client_with(retries=0)
    shop.world.faults.add("POST /v1/refunds", FaultKind.RATE_LIMIT_429, times=2, after=1)
    outcomes = []
    for _ in range(4):
        try:
            await client.v1.refunds.create_async({"charge": shop.charge()})
            outcomes.append("ok")
        except stripe.RateLimitError:
            outcomes.append("limited")
    assert outcomes == ["ok", "limited", "limited", "ok"]
    assert [kind for kind, _ in shop.world.faults.fired] == [FaultKind.RATE_LIMIT_429] * 2


async def test_it_matches_any_id_with_a_star_and_forgets_on_clear(shop, client_with):
    client = client_with(retries=0)
    shop.world.faults.add("GET /v1/charges/*", FaultKind.LOST_REQUEST, times=9)
    charge = shop.charge()
    with pytest.raises(stripe.APIConnectionError):
        await client.v1.charges.retrieve_async(charge)
    shop.world.faults.clear()
    assert (await client.v1.charges.retrieve_async(charge)).id == charge


async def test_it_keeps_stripes_own_limits_when_asked(shop, client_with):
    client = client_with(retries=0)
    shop.world.limits.per_endpoint = 2
    charges = [shop.charge() for _ in range(3)]
    for charge in charges[:2]:
        await client.v1.refunds.create_async({"charge": charge})
    with pytest.raises(stripe.RateLimitError) as caught:
        await client.v1.refunds.create_async({"charge": charges[2]})
    assert caught.value.headers["stripe-rate-limited-reason"] == "endpoint-rate"
    assert (await client.v1.charges.retrieve_async(charges[2])).amount_refunded == 0
    shop.world.advance(1)
    await client.v1.refunds.create_async({"charge": charges[2]})
    assert shop.world.limits.refused == 1


async def test_it_answers_slowly(shop):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    shop.world.sleep = sleep
    shop.world.faults.slow_s = 40.0
    shop.world.faults.add(REFUND, FaultKind.SLOW)
    assert (await shop.refund(shop.charge())).status == "succeeded"
    assert waits == [40.0]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.LOST_RESPONSE, httpx.RemoteProtocolError),
        (FaultKind.TIMEOUT_AFTER, httpx.ReadTimeout),
    ],
)
async def test_it_raises_real_httpx_errors_over_an_asgi_transport(shop, kind, error):
    transport = httpx.ASGITransport(app=create_app(shop.world))
    charge = shop.charge()
    shop.world.faults.add(REFUND, kind)
    async with httpx.AsyncClient(transport=transport, base_url="http://twin.test") as client:
        with pytest.raises(error):
            await client.post(
                "/v1/refunds",
                content=f"charge={charge}",
                headers={"authorization": "Bearer sk_test_1"},
            )
    assert refunds_of(shop, charge) == 1
