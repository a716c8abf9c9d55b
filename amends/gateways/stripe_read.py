"""Stripe's objects turned into facts. A field that Stripe omits reads as empty."""

from datetime import UTC, datetime
from typing import Any

from amends.gateways.stripe_facts import (
    CardFacts,
    ChargeFacts,
    CreditFacts,
    CustomerFacts,
    DisputeFacts,
    EventFacts,
    IntentFacts,
    InvoiceFacts,
    RefundFacts,
    SubscriptionFacts,
    TransactionFacts,
    WarningFacts,
)


def get(thing: Any, *names: str) -> Any:
    """`thing.a.b.c`, or None where anything on the way is missing."""
    for name in names:
        if thing is None:
            return None
        thing = thing.get(name) if isinstance(thing, dict) else getattr(thing, name, None)
    return thing


def text(thing: Any, *names: str) -> str:
    value = get(thing, *names)
    return "" if value is None else str(value)


def id_of(thing: Any) -> str:
    """The id of a reference that may be expanded."""
    if thing is None:
        return ""
    return thing if isinstance(thing, str) else str(thing["id"])


def metadata(thing: Any) -> dict[str, str]:
    found = get(thing, "metadata")
    if found is None:
        return {}
    plain = found if isinstance(found, dict) else found.to_dict()
    return {str(key): str(value) for key, value in plain.items()}


def when(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def customer(thing: Any) -> CustomerFacts:
    default = id_of(get(thing, "invoice_settings", "default_payment_method"))
    return CustomerFacts(
        thing["id"],
        text(thing, "email"),
        text(thing, "name"),
        metadata(thing),
        default,
    )


def method_card(thing: Any) -> CardFacts:
    """The card of a PaymentMethod."""
    return _card(thing["id"], get(thing, "card"))


def _card(method_id: str, card: Any) -> CardFacts:
    month, year = get(card, "exp_month"), get(card, "exp_year")
    return CardFacts(
        method_id,
        text(card, "brand"),
        text(card, "last4"),
        f"{month:02d}/{year}" if month and year else "",
        text(card, "fingerprint"),
        text(card, "funding"),
        text(card, "wallet", "dynamic_last4"),
    )


def charge(thing: Any) -> ChargeFacts:
    card = _card(text(thing, "payment_method"), get(thing, "payment_method_details", "card"))
    return ChargeFacts(
        thing["id"],
        id_of(get(thing, "payment_intent")),
        id_of(get(thing, "customer")),
        thing["amount"],
        thing["amount_captured"],
        thing["amount_refunded"],
        thing["currency"],
        when(thing["created"]),
        text(thing, "description"),
        card,
        thing["status"],
        bool(get(thing, "refunded")),
        bool(get(thing, "disputed")),
        text(thing, "receipt_email"),
        metadata(thing),
        text(thing, "outcome", "risk_level"),
    )


def dispute(thing: Any) -> DisputeFacts:
    due = get(thing, "evidence_details", "due_by")
    return DisputeFacts(
        thing["id"],
        id_of(thing["charge"]),
        thing["status"],
        text(thing, "reason"),
        thing["amount"],
        thing["currency"],
        when(due) if due else None,
        bool(get(thing, "is_charge_refundable")),
        when(thing["created"]),
        int(get(thing, "evidence_details", "submission_count") or 0),
        bool(get(thing, "evidence_details", "past_due")),
    )


def refund(thing: Any) -> RefundFacts:
    card = get(thing, "destination_details", "card")
    return RefundFacts(
        thing["id"],
        id_of(get(thing, "charge")),
        thing["amount"],
        thing["currency"],
        text(thing, "status"),
        when(thing["created"]),
        text(thing, "pending_reason"),
        text(thing, "failure_reason"),
        text(card, "reference"),
        text(card, "reference_status"),
        text(card, "reference_type"),
        text(card, "type"),
        metadata(thing),
        id_of(get(thing, "customer")),
    )


def intent(thing: Any) -> IntentFacts:
    error = get(thing, "last_payment_error")
    method = get(thing, "payment_method")
    return IntentFacts(
        thing["id"],
        thing["status"],
        thing["amount"],
        thing["currency"],
        id_of(get(thing, "customer")),
        id_of(method),
        id_of(get(thing, "latest_charge")),
        text(error, "code"),
        text(error, "decline_code"),
        text(error, "message"),
        text(thing, "next_action", "redirect_to_url", "url"),
        method_card(method) if method is not None and not isinstance(method, str) else None,
        when(thing["created"]),
        metadata(thing),
    )


def warning(thing: Any) -> WarningFacts:
    return WarningFacts(thing["id"], id_of(thing["charge"]), bool(get(thing, "actionable")))


def invoice(thing: Any) -> InvoiceFacts:
    return InvoiceFacts(
        thing["id"],
        text(thing, "number"),
        text(thing, "status"),
        thing["total"],
        thing["currency"],
        when(thing["created"]),
        text(thing, "invoice_pdf"),
        text(thing, "hosted_invoice_url"),
    )


def subscription(thing: Any) -> SubscriptionFacts:
    """The period stands on the item since 2025; the subscription itself has none."""
    items = get(thing["items"], "data")
    ends = get(items[0], "current_period_end") if items else None
    starts = get(items[0], "current_period_start") if items else None
    ended = get(thing, "ended_at")
    return SubscriptionFacts(
        thing["id"],
        thing["status"],
        id_of(get(thing, "customer")),
        bool(get(thing, "cancel_at_period_end")),
        when(ends) if ends else None,
        when(starts) if starts else None,
        when(ended) if ended else None,
    )


def transaction(thing: Any) -> TransactionFacts:
    return TransactionFacts(
        thing["id"],
        thing["type"],
        text(thing, "reporting_category"),
        id_of(get(thing, "source")),
        thing["amount"],
        thing["fee"],
        thing["currency"],
        when(thing["created"]),
    )


def credit(thing: Any) -> CreditFacts:
    """Stripe counts from our side: below zero is what the customer has with us."""
    return CreditFacts(
        thing["id"],
        id_of(get(thing, "customer")),
        thing["type"],
        -thing["amount"],
        thing["currency"],
        when(thing["created"]),
        metadata(thing),
    )


def credit_note(thing: Any) -> CreditFacts:
    """A note on a paid invoice: what it credits is above zero."""
    return CreditFacts(
        thing["id"],
        id_of(get(thing, "customer")),
        "credit_note",
        thing["amount"],
        thing["currency"],
        when(thing["created"]),
        metadata(thing),
    )


def event(thing: Any) -> EventFacts:
    """Only ids are taken from an event: the object itself is read again."""
    body = thing["data"]["object"]
    names = ("charge", "payment_intent", "customer", "refund")
    related = {name: id_of(get(body, name)) for name in names if get(body, name)}
    related |= {f"metadata.{key}": value for key, value in metadata(body).items()}
    return EventFacts(
        thing["id"],
        thing["type"],
        text(body, "id"),
        when(thing["created"]),
        bool(thing["livemode"]),
        related,
    )
