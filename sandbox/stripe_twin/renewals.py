"""The life of a subscription: made, renewed term by term, ended."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.stripe_twin import events, invoicing, lists, shapes, terms
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.jobs import job
from sandbox.stripe_twin.resources import customers, prices

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# Waits between tries to collect an unpaid renewal.
_RETRY_AFTER_S = (3 * DAY, 5 * DAY, 7 * DAY)


@dataclass(frozen=True)
class Terms:
    """What a subscription is about."""

    product: str
    amount_minor: int
    currency: str
    interval: str = "month"
    interval_count: int = 1
    quantity: int = 1
    status: str = "active"
    period_end: int | None = None
    card_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def start(world: "World", customer_id: str, what: Terms) -> Doc:
    """A subscription in the middle of a term."""
    now = world.clock.second()
    price = prices.new(
        world, what.product, what.amount_minor, what.currency, what.interval, what.interval_count
    )
    end_at = what.period_end or terms.later(now, what.interval, what.interval_count)
    start_at = terms.earlier(end_at, what.interval, what.interval_count)
    subscription_id = world.ids.new("sub_")
    item = _item(world, subscription_id, price, what.quantity, (start_at, end_at))
    doc = _new(world, subscription_id, customer_id, what, item)
    world.store.add(doc)
    events.emit(world, "customer.subscription.created", doc)
    if what.status != "canceled":
        world.jobs.add_at(end_at, "term_ends", subscription_id)
    return doc


def _item(
    world: "World", subscription_id: str, price: Doc, quantity: int, term: tuple[int, int]
) -> Doc:
    return shapes.make(
        "subscription_item",
        id=world.ids.new("si_"),
        created=world.clock.second(),
        current_period_end=term[1],
        current_period_start=term[0],
        discounts=[],
        metadata={},
        plan=prices.as_plan(price),
        price=price,
        quantity=quantity,
        subscription=subscription_id,
        tax_rates=[],
    )


def _new(world: "World", subscription_id: str, customer_id: str, what: Terms, item: Doc) -> Doc:
    began = item["current_period_start"]
    return shapes.make(
        "subscription",
        id=subscription_id,
        automatic_tax={"disabled_reason": None, "enabled": False, "liability": None},
        billing_cycle_anchor=began,
        billing_mode={"flexible": None, "type": "classic"},
        billing_schedules=[],
        cancel_at_period_end=False,
        cancellation_details=shapes.part("subscription", "CancellationDetails"),
        collection_method="charge_automatically",
        created=world.clock.second(),
        currency=what.currency,
        customer=customer_id,
        default_payment_method=what.card_id,
        default_tax_rates=[],
        discounts=[],
        invoice_settings=shapes.part(
            "subscription", "InvoiceSettings", issuer={"type": "self"}
        ),
        items=lists.of(
            [item], f"/v1/subscription_items?subscription={subscription_id}", has_more=False
        ),
        livemode=False,
        metadata=dict(what.metadata),
        payment_settings=shapes.part(
            "subscription", "PaymentSettings", save_default_payment_method="off"
        ),
        start_date=began,
        status=what.status,
        trial_settings={"end_behavior": shapes.part(
            "subscription", "TrialSettings.EndBehavior", missing_payment_method="create_invoice"
        )},
    )  # fmt: skip


def items(doc: Doc) -> list[Doc]:
    found: list[Doc] = doc["items"]["data"]
    return found


def period(doc: Doc) -> tuple[int, int]:
    """Start and end of the current term."""
    item = items(doc)[0]
    return item["current_period_start"], item["current_period_end"]


def end(world: "World", doc: Doc, reason: str) -> None:
    """Ended for good. Ending never refunds."""
    now = world.clock.second()
    doc |= {
        "canceled_at": doc["canceled_at"] or now, "cancel_at_period_end": False,
        "ended_at": now, "status": "canceled",
    }  # fmt: skip
    doc["cancellation_details"]["reason"] = doc["cancellation_details"]["reason"] or reason
    events.emit(world, "customer.subscription.deleted", doc)
    for invoice in world.store.table("invoice").where("subscription", doc["id"]):
        if invoice["status"] == "open":
            invoice["auto_advance"] = False
            world.store.touch(invoice)


@job("customer_leaves")
def _leaves(world: "World", customer_id: str) -> None:
    """Deleting a customer ends the subscriptions."""
    for doc in list(world.store.table("subscription").where("customer", customer_id)):
        if doc["status"] != "canceled":
            end(world, doc, "cancellation_requested")


def renewal_lines(world: "World", doc: Doc) -> Iterator[invoicing.Line]:
    """What the next term costs."""
    for item in items(doc):
        price, recurring = item["price"], item["price"]["recurring"]
        begin = item["current_period_end"]
        yield invoicing.Line(
            f"{item['quantity']} × {prices.product_name(world, price)}",
            price["unit_amount"] * item["quantity"],
            begin,
            terms.later(begin, recurring["interval"], recurring["interval_count"]),
            item["quantity"],
            item["id"],
            price["id"],
            price["product"],
        )


def unused_lines(world: "World", doc: Doc, moment: int) -> Iterator[invoicing.Line]:
    """The credit for the rest of the term after a moment."""
    for item in items(doc):
        price = item["price"]
        begin, until = item["current_period_start"], item["current_period_end"]
        rest = terms.unused(price["unit_amount"] * item["quantity"], begin, until, moment)
        yield invoicing.Line(
            f"Unused time on {prices.product_name(world, price)}",
            -rest,
            moment,
            until,
            item["quantity"],
            item["id"],
            price["id"],
            price["product"],
            proration=True,
        )


def draft(
    world: "World", doc: Doc, lines: tuple[invoicing.Line, ...], reason: str
) -> invoicing.Draft:
    customer = customers.get(world, doc["customer"])
    return invoicing.Draft(customer, doc["currency"], lines, reason, doc)


@job("term_ends")
def _term_ends(world: "World", subscription_id: str) -> None:
    doc = world.store.get("subscription", subscription_id)
    if doc is None or doc["status"] == "canceled" or period(doc)[1] > world.clock.now():
        return
    if doc["cancel_at_period_end"]:
        end(world, doc, "cancellation_requested")
    else:
        _renew(world, doc)


def _renew(world: "World", doc: Doc) -> None:
    previous = {"latest_invoice": doc["latest_invoice"]}
    plan = draft(world, doc, tuple(renewal_lines(world, doc)), "subscription_cycle")
    for item in items(doc):
        recurring = item["price"]["recurring"]
        item["current_period_start"] = item["current_period_end"]
        item["current_period_end"] = terms.later(
            item["current_period_end"], recurring["interval"], recurring["interval_count"]
        )
    world.jobs.add_at(period(doc)[1], "term_ends", doc["id"])
    if doc["pause_collection"] is None:
        invoice = invoicing.write(world, plan)
        doc["latest_invoice"] = invoice["id"]
        _collect(world, doc, invoice)
    events.emit(world, "customer.subscription.updated", doc, previous)


def _collect(world: "World", doc: Doc, invoice: Doc) -> None:
    card_id = invoicing.default_card(world, doc, doc["customer"])
    if invoicing.collect(world, invoice, card_id):
        doc["status"] = "active"
        return
    doc["status"] = "past_due"
    tries = invoice["attempt_count"]
    if tries <= len(_RETRY_AFTER_S):
        due = world.clock.second() + _RETRY_AFTER_S[tries - 1]
        invoice["next_payment_attempt"] = due
        world.store.touch(invoice)
        world.jobs.add_at(due, "invoice_is_tried_again", invoice["id"])


@job("invoice_is_tried_again")
def _try_again(world: "World", invoice_id: str) -> None:
    invoice = world.store.get("invoice", invoice_id)
    if invoice is None or invoice["status"] != "open" or not invoice["auto_advance"]:
        return
    doc = world.store.get("subscription", invoice["parent"]["subscription_details"]["subscription"])
    if doc is None or doc["status"] == "canceled":
        return
    before = doc["status"]
    _collect(world, doc, invoice)
    if doc["status"] != before:
        events.emit(world, "customer.subscription.updated", doc, {"status": before})
