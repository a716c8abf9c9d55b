"""How an invoice is made, finalised and paid."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, money, shapes
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.resources import (
    customer_balance,
    customers,
    payment_intents,
    payment_methods,
    payments,
)

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


@dataclass(frozen=True)
class Line:
    """What one line says."""

    description: str
    amount_minor: int
    start: int
    end: int
    quantity: int = 1
    item: str | None = None
    price: str | None = None
    product: str | None = None
    proration: bool = False


@dataclass(frozen=True)
class Draft:
    """An invoice before it is written."""

    customer: Doc
    currency: str
    lines: tuple[Line, ...]
    reason: str = "manual"
    subscription: Doc | None = None
    metadata: dict[str, str] | None = None


def write(world: "World", draft: Draft) -> Doc:
    """A finalised, unpaid invoice; the customer's credit is taken off it."""
    customer = draft.customer
    doc = sketch(world, draft, world.ids.new("in_"))
    invoice_id, now = doc["id"], world.clock.second()
    number = f"{customer.get('invoice_prefix')}-{customer['next_invoice_sequence']:04d}"
    customer["next_invoice_sequence"] += 1
    world.store.touch(customer)
    doc |= {
        "effective_at": now, "number": number, "status": "open",
        "hosted_invoice_url": f"{world.public_url}/pages/invoices/{invoice_id}",
        "invoice_pdf": f"{world.public_url}/pages/invoices/{invoice_id}/pdf",
    }  # fmt: skip
    doc["status_transitions"]["finalized_at"] = now
    world.store.add(doc)
    used = doc["ending_balance"] - doc["starting_balance"]
    if used:
        customer_balance.change(
            world, customer, used, doc["currency"], "applied_to_invoice", invoice=invoice_id
        )
    events.emit(world, "invoice.created", doc)
    events.emit(world, "invoice.finalized", doc)
    return doc


def sketch(world: "World", draft: Draft, invoice_id: str) -> Doc:
    """The invoice as it would be, stored nowhere."""
    customer, now = draft.customer, world.clock.second()
    total = sum(line.amount_minor for line in draft.lines)
    balance = customer["balance"]
    due, ending = _after_balance(total, balance, draft.currency)
    lines = [_line(world, draft, line, invoice_id) for line in draft.lines]
    return shapes.make(
        "invoice",
        id=invoice_id,
        account_country="US",
        account_name="Amends sandbox",
        amount_due=due,
        amount_overpaid=0,
        amount_paid=0,
        amount_remaining=due,
        amount_shipping=0,
        attempt_count=0,
        attempted=False,
        auto_advance=True,
        automatic_tax=shapes.part("invoice", "AutomaticTax", enabled=False),
        billing_reason=draft.reason,
        collection_method="charge_automatically",
        created=now,
        currency=draft.currency,
        customer=customer["id"],
        customer_address=customer.get("address"),
        customer_email=customer["email"],
        customer_name=customer.get("name"),
        customer_phone=customer.get("phone"),
        customer_tax_exempt=customer.get("tax_exempt"),
        default_tax_rates=[],
        discounts=[],
        ending_balance=ending,
        issuer={"type": "self"},
        lines={
            "object": "list", "data": lines, "has_more": False,
            "url": f"/v1/invoices/{invoice_id}/lines",
        },
        livemode=False,
        metadata=draft.metadata or {},
        parent=_parent(draft.subscription),
        payment_settings=shapes.part("invoice", "PaymentSettings"),
        period_end=now,
        period_start=now,
        post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0,
        starting_balance=balance,
        status="draft",
        status_transitions=shapes.part("invoice", "StatusTransitions"),
        subtotal=total,
        subtotal_excluding_tax=total,
        total=total,
        total_discount_amounts=[],
        total_excluding_tax=total,
        total_pretax_credit_amounts=[],
        total_taxes=[],
    )  # fmt: skip


def _after_balance(total: int, balance: int, currency: str) -> tuple[int, int]:
    """What is due, and the customer's balance afterwards. Too little to charge is carried over."""
    due = total + balance
    if due < money.minimum(currency):
        return 0, due
    return due, 0


def _parent(subscription: Doc | None) -> Doc | None:
    if subscription is None:
        return None
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {
        "quote_details": None,
        "subscription_details": details,
        "type": "subscription_details",
    }


def _line(world: "World", draft: Draft, line: Line, invoice_id: str) -> Doc:
    pricing = None
    if line.price:
        pricing = {
            "price_details": {"price": line.price, "product": line.product},
            "type": "price_details",
            "unit_amount_decimal": str(line.amount_minor // max(line.quantity, 1)),
        }
    return shapes.make(
        "line_item",
        id=world.ids.new("il_"),
        amount=line.amount_minor,
        currency=draft.currency,
        description=line.description,
        discount_amounts=[],
        discountable=not line.proration,
        discounts=[],
        invoice=invoice_id,
        livemode=False,
        metadata={},
        parent=_line_parent(draft, line),
        period={"end": line.end, "start": line.start},
        pretax_credit_amounts=[],
        pricing=pricing,
        quantity=line.quantity,
        quantity_decimal=str(line.quantity),
        subscription=draft.subscription["id"] if draft.subscription else None,
        subtotal=line.amount_minor,
        taxes=[],
    )


def _line_parent(draft: Draft, line: Line) -> Doc | None:
    if draft.subscription is None or line.item is None:
        return None
    details = shapes.part(
        "line_item",
        "Parent.SubscriptionItemDetails",
        proration=line.proration,
        proration_details={"credited_items": None},
        subscription=draft.subscription["id"],
        subscription_item=line.item,
    )
    return {
        "invoice_item_details": None,
        "subscription_item_details": details,
        "type": "subscription_item_details",
    }


def collect(world: "World", invoice: Doc, card_id: str | None) -> bool:
    """Tries to take what is due; False when the bank says no. Announces either way."""
    invoice["attempted"] = True
    invoice["attempt_count"] += 1
    if invoice["amount_remaining"] == 0:
        _mark_paid(world, invoice)
        return True
    intent = _intent(world, invoice)
    payment = record_payment(world, invoice, intent)
    if card_id is None:
        events.emit(world, "invoice.payment_failed", invoice)
        return False
    try:
        params = {"payment_method": card_id, "off_session": True}
        payments.confirm(world, intent, params)
    except errors.ApiError:
        events.emit(world, "invoice.payment_failed", invoice)
        return False
    settle_payment(world, invoice, payment)
    return True


def _intent(world: "World", invoice: Doc) -> Doc:
    """The invoice's PaymentIntent, made at the first try."""
    for row in world.store.table("invoice_payment").where("invoice", invoice["id"]):
        found = world.store.get("payment_intent", row["payment"]["payment_intent"])
        if found and found["status"] != "canceled":
            return found
    return payment_intents.new(
        world,
        {
            "amount": invoice["amount_remaining"],
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "description": "Subscription update",
            "receipt_email": invoice["customer_email"],
        },
    )


def record_payment(world: "World", invoice: Doc, intent: Doc) -> Doc:
    """The link between an invoice and a PaymentIntent."""
    found = world.store.table("invoice_payment").where("payment_intent", intent["id"])
    if found:
        return found[0]
    doc = shapes.make(
        "invoice_payment",
        id=world.ids.new("inpay_"),
        amount_requested=intent["amount"],
        created=world.clock.second(),
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        livemode=False,
        payment={"payment_intent": intent["id"], "type": "payment_intent"},
        status="open",
        status_transitions={"canceled_at": None, "paid_at": None},
    )
    return world.store.add(doc)


def settle_payment(world: "World", invoice: Doc, payment: Doc) -> None:
    """The money has arrived."""
    payment |= {"amount_paid": payment["amount_requested"], "status": "paid"}
    payment["status_transitions"]["paid_at"] = world.clock.second()
    world.store.touch(payment)
    invoice["amount_paid"] += payment["amount_requested"]
    invoice["amount_remaining"] = max(0, invoice["amount_due"] - invoice["amount_paid"])
    _mark_paid(world, invoice)


def _mark_paid(world: "World", invoice: Doc) -> None:
    invoice |= {"auto_advance": False, "next_payment_attempt": None, "status": "paid"}
    invoice["status_transitions"]["paid_at"] = world.clock.second()
    events.emit(world, "invoice.paid", invoice)
    events.emit(world, "invoice.payment_succeeded", invoice)


def default_card(world: "World", subscription: Doc | None, customer_id: str) -> str | None:
    """The subscription's own card, else the customer's default; None if it is gone."""
    customer = customers.get(world, customer_id)
    own = subscription["default_payment_method"] if subscription else None
    card_id = own or customer["invoice_settings"]["default_payment_method"]
    if card_id is None:
        return None
    card = payment_methods.get(world, card_id)
    return card_id if card["customer"] == customer_id else None
