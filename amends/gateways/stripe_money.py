"""Stripe, moving side: the few calls that move money. Only the worker's key may make them."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from amends.gateways import stripe_read as to
from amends.gateways.stripe_client import moving, send
from amends.gateways.stripe_facts import IntentFacts, RefundFacts, SubscriptionFacts

Params = Mapping[str, Any]


async def _post(path: str, params: Params, key: str) -> Any:
    """The answer as plain JSON: see `gateways.stripe`."""
    call = moving().raw_request_async("post", f"/v1/{path}", idempotency_key=key, **params)
    return (await send(call)).data


async def create_refund(params: Params, key: str) -> RefundFacts:
    """Money back to the card of `params["charge"]`; there is no parameter for another place."""
    assert not {"destination", "payment_method", "origin"} & set(params)
    return to.refund(await _post("refunds", params, key))


async def create_intent(params: Params, key: str) -> IntentFacts:
    """A PaymentIntent, unconfirmed: it charges nothing yet."""
    assert "confirm" not in params
    return to.intent(await _post("payment_intents", params, key))


async def confirm_intent(intent_id: str, params: Params, key: str) -> IntentFacts:
    """Charge it. Raises Declined when the bank refuses or wants the customer."""
    path = f"payment_intents/{quote(intent_id, safe='')}/confirm"
    return to.intent(await _post(path, params, key))


async def cancel_intent(intent_id: str, key: str) -> IntentFacts:
    """Make sure that it can never charge."""
    return to.intent(
        await send(
            moving().v1.payment_intents.cancel_async(intent_id, {}, {"idempotency_key": key})
        )
    )


async def stop_renewal(subscription_id: str, key: str) -> SubscriptionFacts:
    """Let it run out: nothing is billed any more, and it can still be taken back."""
    return to.subscription(
        await send(
            moving().v1.subscriptions.update_async(
                subscription_id, {"cancel_at_period_end": True}, {"idempotency_key": key}
            )
        )
    )


async def end_subscription(subscription_id: str, key: str) -> SubscriptionFacts:
    """End it now. No proration: that would leave a silent credit beside the refund."""
    return to.subscription(
        await send(
            moving().v1.subscriptions.cancel_async(
                subscription_id,
                {"prorate": False, "invoice_now": False},
                {"idempotency_key": key},
            )
        )
    )
