"""Puts the shop's past into the Stripe twin: customers, cards, charges, subscriptions, invoices."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from amends.rules import money
from sandbox.seed import card_numbers
from sandbox.seed.shop import Card, Customer, Order, Payment, Shop
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.world import World


@dataclass
class Past:
    """What came of it: Stripe's objects, by the shop's own names."""

    customers: dict[str, str] = field(default_factory=dict)
    cards: dict[tuple[str, str], Doc] = field(default_factory=dict)
    charges: dict[tuple[str, int], Doc] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)


def build(shop: Shop, world: World) -> Past:
    past = Past()
    for owner, customer in enumerate(shop.customers, 1):
        _customer(shop, world, past, customer)
        for name, card in customer.cards.items():
            past.cards[customer.tenant_id, name] = _card(world, past, customer, card, owner)
    for _, customer, order, number in sorted(_payments(shop), key=lambda entry: entry[0]):
        _charge(shop, world, past, customer, order, number)
    for customer in shop.customers:
        for order in customer.orders:
            _subscription(shop, world, past, customer, order)
    return past


def _payments(shop: Shop) -> Iterator[tuple[float, Customer, Order, int]]:
    """Oldest first, so that the twin's ledger reads like one."""
    for customer in shop.customers:
        for order in customer.orders:
            for number, payment in enumerate(order.payments):
                moment = shop.moment(payment.ago, payment.minutes).timestamp()
                yield moment, customer, order, number


def _customer(shop: Shop, world: World, past: Past, customer: Customer) -> None:
    first = max(order.placed for order in customer.orders)
    with world.clock.at(shop.moment(first).timestamp() - 600):
        doc = world.add_customer(
            customer.billing_email, customer.organisation, {"tenant_id": customer.tenant_id}
        )
    past.customers[customer.tenant_id] = doc["id"]


def _card(world: World, past: Past, customer: Customer, card: Card, owner: int) -> Doc:
    number = card.test or card_numbers.number(card.brand, card.last4, owner)
    doc = world.add_card(past.customers[customer.tenant_id], number)
    if not card.test:
        doc["card"]["funding"] = card.funding
        world.store.touch(doc)
    return doc


def _charge(
    shop: Shop, world: World, past: Past, customer: Customer, order: Order, number: int
) -> None:
    payment = order.payments[number]
    amount = money.parse(payment.amount, customer.currency).minor
    moment = shop.moment(payment.ago, payment.minutes).timestamp()
    charge = world.add_charge(
        past.customers[customer.tenant_id],
        past.cards[customer.tenant_id, payment.card]["id"],
        amount,
        customer.currency,
        created=moment,
        description=f"Northwind Scanners order {order.number}",
        metadata={"order": order.number},
    )
    past.charges[order.number, number] = charge
    if not payment.unlisted:
        _invoice(world, past, customer, order, charge, moment)
    _dispute(shop, world, payment, charge)


def _invoice(
    world: World, past: Past, customer: Customer, order: Order, charge: Doc, moment: float
) -> None:
    world.add_invoice(
        past.customers[customer.tenant_id],
        [(f"{order.description} ({order.number})", charge["amount"])],
        currency=customer.currency,
        paid_by=charge["id"],
        created=moment,
    )


def _dispute(shop: Shop, world: World, payment: Payment, charge: Doc) -> None:
    if payment.dispute is not None:
        with world.clock.at(shop.moment(payment.dispute).timestamp()):
            world.open_dispute(charge["id"], reason="product_not_received")
    if payment.inquiry is not None:
        with world.clock.at(shop.moment(payment.inquiry).timestamp()):
            world.open_inquiry(charge["id"])


def _subscription(shop: Shop, world: World, past: Past, customer: Customer, order: Order) -> None:
    what = order.subscription
    end = shop.term_end(what) if what else None
    if what is None or what.began is None or end is None:
        return
    with world.clock.at(shop.moment(what.began).timestamp()):
        doc = world.add_subscription(
            past.customers[customer.tenant_id],
            money.parse(what.price, customer.currency).minor,
            customer.currency,
            interval=what.interval,
            product=order.description,
            status=what.status,
            current_period_end=end.timestamp(),
            payment_method=past.cards[customer.tenant_id, order.payments[0].card]["id"],
            metadata={"order": order.number},
        )
    past.subscriptions[order.number] = doc["id"]
