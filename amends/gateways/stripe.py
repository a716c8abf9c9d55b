"""Stripe, reading side: customers, charges, disputes, cards, invoices, events."""

import json
from typing import Any
from urllib.parse import quote

import stripe

from amends import facts as domain
from amends.gateways import stripe_read as to
from amends.gateways.stripe_client import (
    Clients,
    configure,
    for_transport,
    read,
    reading,
    use,
)
from amends.gateways.stripe_facts import (
    BadSignature,
    CardFacts,
    CardSetup,
    ChargeFacts,
    CustomerFacts,
    Declined,
    DisputeFacts,
    EventFacts,
    IntentFacts,
    InvoiceFacts,
    KeyMismatch,
    Misconfigured,
    NotExecuted,
    NotThere,
    RefundFacts,
    Refused,
    SetupSession,
    StripeError,
    SubscriptionFacts,
    Unavailable,
    Unknown,
    WarningFacts,
)

__all__ = [
    "BadSignature",
    "CardFacts",
    "CardSetup",
    "ChargeFacts",
    "Clients",
    "CustomerFacts",
    "Declined",
    "DisputeFacts",
    "EventFacts",
    "IntentFacts",
    "InvoiceFacts",
    "KeyMismatch",
    "Misconfigured",
    "NotExecuted",
    "NotThere",
    "RefundFacts",
    "Refused",
    "SetupSession",
    "StripeError",
    "SubscriptionFacts",
    "Unavailable",
    "Unknown",
    "WarningFacts",
    "billing_portal",
    "card_setup",
    "charge",
    "charges_of",
    "configure",
    "customer",
    "disputes_of",
    "event_from",
    "events_since",
    "find_customers",
    "for_transport",
    "intent",
    "intents_of",
    "invoices_of",
    "refund",
    "refunds_of",
    "saved_cards",
    "start_card_setup",
    "subscription",
    "use",
    "warnings_of",
]
# A year is long enough for a card entry that a customer left open; Stripe allows 24 hours at most.
_SETUP_LIVES_S = 3600
# A signature older than this was replayed, or its sender's clock is wrong.
_TOLERANCE_S = 300


async def _all(first: Any, limit: int = 100) -> list[Any]:
    """Every page of a list, up to `limit` objects."""
    found: list[Any] = []
    async for thing in (await read(first)).auto_paging_iter():
        found.append(thing)
        if len(found) >= limit:
            break
    return found


async def _one(path: str, **params: object) -> Any:
    """One object as plain JSON: the SDK's typed objects cost more than the call itself.

    Only where the worker reads for each leg that it sends.
    """
    return (await read(reading().raw_request_async("get", f"/v1/{path}", **params))).data


def _id(text: str) -> str:
    """As part of a path: an id from outside leads nowhere else."""
    return quote(text, safe="")


async def _list(path: str, limit: int = 100, **params: object) -> list[Any]:
    """Every page of a list as plain JSON, up to `limit` objects."""
    found: list[Any] = []
    page = await _one(path, limit=min(limit, 100), **params)
    found += page["data"]
    while page["has_more"] and len(found) < limit:
        page = await _one(path, limit=100, starting_after=found[-1]["id"], **params)
        found += page["data"]
    return found[:limit]


async def customer(customer_id: str) -> CustomerFacts:
    return to.customer(await read(reading().v1.customers.retrieve_async(customer_id)))


async def find_customers(email: str = "", customer_id: str = "") -> list[CustomerFacts]:
    """By id, else by exact address, else by search that ignores case (and may lag a minute)."""
    if customer_id:
        try:
            return [await customer(customer_id)]
        except NotThere:
            return []
    listed = await _all(reading().v1.customers.list_async({"email": email, "limit": 20}), 20)
    if not listed:
        listed = await _all(
            reading().v1.customers.search_async(
                {"query": f"email:'{_quoted(email)}'", "limit": 20}
            ),
            20,
        )
    return [to.customer(thing) for thing in listed]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


async def charge(charge_id: str) -> ChargeFacts:
    return to.charge(await _one(f"charges/{_id(charge_id)}"))


async def charges_of(customer_id: str, limit: int = 50) -> list[ChargeFacts]:
    call = reading().v1.charges.list_async({"customer": customer_id, "limit": min(limit, 100)})
    return [to.charge(thing) for thing in await _all(call, limit)]


async def disputes_of(charge_id: str) -> list[DisputeFacts]:
    return [to.dispute(thing) for thing in await _list("disputes", charge=charge_id)]


async def warnings_of(charge_id: str) -> list[WarningFacts]:
    found = await _list("radar/early_fraud_warnings", charge=charge_id)
    return [to.warning(thing) for thing in found]


async def refunds_of(charge_id: str) -> list[RefundFacts]:
    """All refunds of a charge, read-after-write consistent (a list, not a search)."""
    return [to.refund(thing) for thing in await _list("refunds", charge=charge_id)]


async def refund(refund_id: str) -> RefundFacts:
    return to.refund(await _one(f"refunds/{_id(refund_id)}"))


async def intent(intent_id: str) -> IntentFacts:
    path = f"payment_intents/{_id(intent_id)}"
    return to.intent(await _one(path, expand=["payment_method"]))


async def intents_of(customer_id: str) -> list[IntentFacts]:
    found = await _list("payment_intents", 300, customer=customer_id)
    return [to.intent(thing) for thing in found]


async def saved_cards(customer_id: str) -> list[CardFacts]:
    call = reading().v1.payment_methods.list_async(
        {"customer": customer_id, "type": "card", "limit": 20}
    )
    return [to.method_card(thing) for thing in await _all(call, 20)]


async def invoices_of(customer_id: str) -> list[InvoiceFacts]:
    call = reading().v1.invoices.list_async({"customer": customer_id, "limit": 50})
    return [to.invoice(thing) for thing in await _all(call, 50)]


async def start_card_setup(
    customer_id: str, case_ref: str, currency: str, success_url: str, cancel_url: str, key: str
) -> SetupSession:
    """A hosted page that saves a card without charging it."""
    made = await read(
        reading().v1.checkout.sessions.create_async(
            {
                "mode": "setup",
                "currency": currency,
                "customer": customer_id,
                "success_url": success_url,
                "cancel_url": cancel_url,
                "client_reference_id": case_ref,
                "setup_intent_data": {"metadata": {"case": case_ref}},
            },
            {"idempotency_key": key},
        )
    )
    if not made.url:
        raise domain.Unavailable("Stripe gave no page for entering the card. Try again.")
    return SetupSession(made.id, made.url)


async def card_setup(session_id: str) -> CardSetup:
    """What became of it; never trust the redirect alone."""
    made = await read(
        reading().v1.checkout.sessions.retrieve_async(
            session_id, {"expand": ["setup_intent.payment_method"]}
        )
    )
    method = to.get(made, "setup_intent", "payment_method")
    done = made.status == "complete" and to.text(made, "setup_intent", "status") == "succeeded"
    card = to.method_card(method) if done and method is not None else None
    return CardSetup(made.id, done, to.id_of(to.get(made, "customer")), card)


async def subscription(subscription_id: str) -> SubscriptionFacts:
    return to.subscription(await read(reading().v1.subscriptions.retrieve_async(subscription_id)))


async def billing_portal(customer_id: str, return_url: str) -> str:
    """The address of the hosted page on which a customer changes the card for invoices."""
    call = reading().v1.billing_portal.sessions.create_async(
        {"customer": customer_id, "return_url": return_url}
    )
    return str((await read(call)).url)


def event_from(body: bytes, signature: str, secret: str) -> EventFacts:
    """A webhook's event, when the signature over the raw body is Stripe's."""
    try:
        # As bytes that are no text, or text that is no JSON, nothing of Stripe's is signed.
        payload = body.decode()
        stripe.WebhookSignature.verify_header(payload, signature, secret, _TOLERANCE_S)
        return to.event(json.loads(payload))
    except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError) as error:
        raise BadSignature(str(error)) from error


async def events_since(created: int, types: list[str]) -> list[EventFacts]:
    """Events of up to 30 days back, oldest first; `types` holds at most 20."""
    call = reading().v1.events.list_async(
        {"types": types, "created": {"gte": created}, "limit": 100}
    )
    return [to.event(thing) for thing in reversed(await _all(call, 1000))]
