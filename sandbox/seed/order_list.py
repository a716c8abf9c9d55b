"""The shop's own list of orders, as a spreadsheet would export it, for `amends import`."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from amends import order_file
from sandbox.seed.past import Past
from sandbox.seed.shop import Customer, Order, Shop


def write(path: Path, shop: Shop, past: Past) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, order_file.COLUMNS, restval="", lineterminator="\n")
        rows.writeheader()
        for customer in shop.customers:
            for order in customer.orders:
                rows.writerow(_row(shop, past, customer, order))


def _row(shop: Shop, past: Past, customer: Customer, order: Order) -> dict[str, str]:
    return {
        "tenant_id": customer.tenant_id,
        "organisation": customer.organisation,
        "contact_name": customer.contact_name,
        "billing_email": customer.billing_email,
        "stripe_customer_id": past.customers[customer.tenant_id],
        "order_number": order.number,
        "description": order.description,
        "total": order.total,
        "currency": customer.currency,
        "placed_on": shop.day(order.placed).isoformat(),
        "handed_over_on": _day(shop, order.handed_over),
        "delivered_on": _day(shop, order.delivered),
        "carrier": order.carrier,
        **_subscription(shop, past, order),
        **dict(_deposits(shop, past, order)),
    }


def _day(shop: Shop, ago: int | None) -> str:
    return _text(shop.day(ago) if ago is not None else None)


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""


def _subscription(shop: Shop, past: Past, order: Order) -> dict[str, str]:
    what = order.subscription
    if what is None:
        return {}
    end = shop.term_end(what)
    return {
        "subscription_id": past.subscriptions.get(order.number, ""),
        "subscription_status": what.status,
        "subscription_ends_on": _text(end.date() if end else None),
        "renewal_months": str(what.months),
        "renewal_rule": what.rule,
        "cancelled_on": _day(shop, what.cancelled),
    }


def _deposits(shop: Shop, past: Past, order: Order) -> Iterator[tuple[str, str]]:
    listed = [(n, payment) for n, payment in enumerate(order.payments) if not payment.unlisted]
    for position, (number, payment) in enumerate(listed, 1):
        charge = past.charges[order.number, number]
        card = charge["payment_method_details"]["card"]
        values = {
            "charge": charge["id"],
            "amount": payment.amount,
            "date": shop.day(payment.ago).isoformat(),
            "intent": charge["payment_intent"],
            "brand": card["brand"],
            "last4": card["last4"],
            "fingerprint": card["fingerprint"],
        }
        yield from ((f"deposit_{position}_{part}", value) for part, value in values.items())
