"""The invented shop, read from shop.toml: who bought what, when, and with which card."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter

_FILE = Path(__file__).parent / "shop.toml"
# Morning in New York, when shops are open and no date differs between there and UTC.
_OPEN = time(15, 10, tzinfo=UTC)
_MONTHS = {"month": 1, "year": 12}


@dataclass(frozen=True)
class Card:
    """A card of its own for each customer; `test` is one of Stripe's test cards instead."""

    brand: str = ""
    last4: str = ""
    funding: str = "credit"
    test: str = ""


@dataclass(frozen=True)
class Payment:
    """`unlisted`: Stripe has it, the shop's own list does not."""

    card: str
    amount: str
    ago: int
    minutes: int = 0
    unlisted: bool = False
    # Days ago on which a bank took it back, or only asked about it.
    dispute: int | None = None
    inquiry: int | None = None


@dataclass(frozen=True)
class Subscription:
    status: str
    price: str
    interval: str
    months: int
    rule: str
    began: int | None = None
    cancelled: int | None = None


@dataclass(frozen=True)
class Order:
    number: str
    description: str
    total: str
    placed: int
    payments: tuple[Payment, ...]
    handed_over: int | None = None
    delivered: int | None = None
    carrier: str = ""
    subscription: Subscription | None = None


@dataclass(frozen=True)
class Customer:
    tenant_id: str
    organisation: str
    contact_name: str
    billing_email: str
    try_this: str
    cards: Mapping[str, Card]
    orders: tuple[Order, ...]
    currency: str = "usd"


@dataclass(frozen=True)
class Shop:
    """The customers, with every day counted back from `today`."""

    today: date
    customers: tuple[Customer, ...]

    @cached_property
    def by_tenant(self) -> Mapping[str, Customer]:
        return {customer.tenant_id: customer for customer in self.customers}

    def day(self, ago: int) -> date:
        return self.today - timedelta(days=ago)

    def moment(self, ago: int, minutes: int = 0) -> datetime:
        return datetime.combine(self.day(ago), _OPEN) + timedelta(minutes=minutes)

    def term_end(self, what: Subscription) -> datetime | None:
        """The end of the term that runs today; None before the subscription began."""
        if what.began is None:
            return None
        start = self.moment(what.began)
        months = _MONTHS[what.interval]
        terms = 1
        while (end := _later(start, months * terms)).date() <= self.today:
            terms += 1
        return end


def _later(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=min(start.day, 28))


def load(today: date) -> Shop:
    entries = tomllib.loads(_FILE.read_text(encoding="utf-8"))["customer"]
    return Shop(today, TypeAdapter(tuple[Customer, ...]).validate_python(entries))
