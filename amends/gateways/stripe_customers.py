"""Stripe: the one thing of a customer that is ours to write, where receipts and invoices go."""

from amends.gateways.stripe_client import moving, send


async def set_email(customer_id: str, email: str, key: str) -> None:
    """The address at Stripe; the same address again changes nothing."""
    call = moving().v1.customers.update_async(
        customer_id, {"email": email}, {"idempotency_key": key}
    )
    await send(call)
