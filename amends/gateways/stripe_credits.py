"""Stripe: credits for a customer, on the balance or as a note on a paid invoice."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from amends.gateways import stripe_pages
from amends.gateways import stripe_read as to
from amends.gateways.stripe_client import moving, read, reading, send
from amends.gateways.stripe_facts import CreditFacts

Params = Mapping[str, Any]
_PAGE = 100


async def balance_credits(customer_id: str, since: datetime) -> list[CreditFacts]:
    """Changes of the customer's balance since then; a list, so nothing is missing."""
    return await stripe_pages.credits_of(customer_id, since)


async def notes_on(invoice_id: str) -> list[CreditFacts]:
    call = reading().v1.credit_notes.list_async({"invoice": invoice_id, "limit": _PAGE})
    found = await read(call)
    return [to.credit_note(thing) async for thing in found.auto_paging_iter()]


async def add_to_balance(customer_id: str, params: Params, key: str) -> CreditFacts:
    """In the customer's favour only: Stripe counts that below zero."""
    assert params["amount"] < 0
    call = moving().v1.customers.balance_transactions.create_async(
        customer_id, cast(Any, dict(params)), {"idempotency_key": key}
    )
    return to.credit(await send(call))


async def add_note(params: Params, key: str) -> CreditFacts:
    """All of it as credit: a note that refunds would be a refund behind the plan's back."""
    assert params["credit_amount"] == params["amount"] and "refund_amount" not in params
    call = moving().v1.credit_notes.create_async(cast(Any, dict(params)), {"idempotency_key": key})
    return to.credit_note(await send(call))
