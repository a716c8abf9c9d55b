"""Invoices: read, previewed, voided."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, invoicing, lists, metadata, renewals, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import customers, subscriptions
from sandbox.stripe_twin.routing import Route, ask, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


def get(world: "World", invoice_id: str, param: str = "invoice") -> Doc:
    return shapes.load(world.store, "invoice", invoice_id, param)


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _list(world: "World", request: Request) -> Doc:
    return lists.page(
        world.store.table("invoice"), request, by=("customer", "subscription", "status")
    )


def _lines(world: "World", request: Request) -> Doc:
    return lists.from_rows(get(world, request.id)["lines"]["data"], request)


def _update(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    previous = shapes.assign(doc, request.params, ("auto_advance", "description"))
    doc["metadata"] = metadata.merged(doc["metadata"], request.params)
    events.emit(world, "invoice.updated", doc, previous)
    return doc


def _void(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    if doc["status"] not in ("open", "uncollectible"):
        raise errors.invalid(
            "You can only pass in open invoices. This invoice isn't open.",
            code="invoice_not_editable",
        )
    doc |= {"auto_advance": False, "status": "void"}
    doc["status_transitions"]["voided_at"] = world.clock.second()
    events.emit(world, "invoice.voided", doc)
    return doc


def _pay(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    if doc["status"] == "paid":
        raise errors.invalid("Invoice is already paid", code="invoice_already_paid")
    wanted = request.params.get("payment_method")
    card_id = wanted or invoicing.default_card(world, None, doc["customer"])
    if not invoicing.collect(world, doc, card_id):
        raise errors.ApiError(
            402,
            {
                "code": "card_declined",
                "decline_code": "generic_decline",
                "message": "Your card was declined.",
                "type": "card_error",
            },
        )
    return doc


def _preview(world: "World", request: Request) -> Doc:
    """The next invoice, or the one that cancelling now would make. Nothing is stored."""
    params = request.params
    if "subscription" not in params:
        raise errors.not_in_the_twin("POST", "/v1/invoices/create_preview without a subscription")
    doc = subscriptions.get(world, params["subscription"], "subscription")
    if doc["status"] == "canceled":
        raise errors.invalid(
            "No upcoming invoices for customer: " + doc["customer"], code="invoice_upcoming_none"
        )
    details = params.get("subscription_details", {})
    if details.get("cancel_now"):
        lines = _cancelling(world, doc, details)
    elif doc["cancel_at_period_end"]:
        raise errors.invalid(
            "No upcoming invoices for customer: " + doc["customer"], code="invoice_upcoming_none"
        )
    else:
        lines = tuple(renewals.renewal_lines(world, doc))
    draft = renewals.draft(world, doc, lines, "upcoming")
    return invoicing.sketch(world, draft, "upcoming_" + world.ids.new("in_"))


def _cancelling(world: "World", doc: Doc, details: Doc) -> tuple[invoicing.Line, ...]:
    if details.get("proration_behavior") == "none":
        return ()
    moment = details.get("proration_date", world.clock.second())
    begin, end = renewals.period(doc)
    if not begin <= moment <= end:
        raise errors.invalid(
            "Cannot specify `proration_date` outside of the current period.",
            param="subscription_details[proration_date]",
        )
    return tuple(renewals.unused_lines(world, doc, moment))


def _payments(world: "World", request: Request) -> Doc:
    wanted = request.params.get("payment", {}).get("payment_intent")

    def keep(doc: Doc) -> bool:
        return (
            wanted in (None, doc["payment"].get("payment_intent"))
            and request.params.get("status", doc["status"]) == doc["status"]
        )

    table = world.store.table("invoice_payment")
    return lists.page(table, request, by=("invoice",), keep=keep)


def _payment(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, "invoice_payment", request.id, "invoice_payment")


def by_builder(
    world: "World",
    customer_id: str,
    lines: list[tuple[str, int]],
    currency: str,
    paid_by: str | None,
) -> Doc:
    """An invoice of plain lines, open or paid by a charge that was made before."""
    customer, now = customers.get(world, customer_id), world.clock.second()
    rows = tuple(invoicing.Line(text, amount, now, now) for text, amount in lines)
    doc = invoicing.write(world, invoicing.Draft(customer, currency, rows))
    if paid_by:
        charge = shapes.load(world.store, "charge", paid_by, "charge")
        intent = shapes.load(world.store, "payment_intent", charge["payment_intent"], "intent")
        payment = invoicing.record_payment(world, doc, intent)
        invoicing.settle_payment(world, doc, payment)
    return doc


ROUTES: tuple[Route, ...] = (
    read("/v1/invoices", _list, Area.INVOICE),
    ask("/v1/invoices/create_preview", _preview, Area.INVOICE),
    read("/v1/invoices/{invoice}", _retrieve, Area.INVOICE),
    write("/v1/invoices/{invoice}", _update, Area.INVOICE),
    read("/v1/invoices/{invoice}/lines", _lines, Area.INVOICE),
    write("/v1/invoices/{invoice}/void", _void, Area.INVOICE),
    write("/v1/invoices/{invoice}/pay", _pay, Area.INVOICE),
    read("/v1/invoice_payments", _payments, Area.INVOICE),
    read("/v1/invoice_payments/{invoice_payment}", _payment, Area.INVOICE),
)
