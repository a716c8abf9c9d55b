"""What an order file holds, once read."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Problem:
    """A cell that has to be corrected. `line` is the line a person sees in the file."""

    line: int
    column: str
    what: str

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.what}"


@dataclass(frozen=True)
class AccountRow:
    tenant_id: str
    organisation: str
    contact_name: str
    billing_email: str
    stripe_customer_id: str | None


@dataclass(frozen=True)
class DepositRow:
    position: int
    charge_id: str
    amount_minor: int
    currency: str
    charged_on: date
    payment_intent_id: str
    card_brand: str
    card_last4: str
    card_fingerprint: str


@dataclass(frozen=True)
class OrderRow:
    """One line: an order, whose it is, and how it was paid."""

    line: int
    account: AccountRow
    number: str
    description: str
    total_minor: int
    currency: str
    placed_on: date
    handed_over_on: date | None
    delivered_on: date | None
    carrier: str
    subscription_id: str | None
    subscription_status: str
    subscription_ends_on: date | None
    renewal_months: int | None
    renewal_rule: str
    cancelled_on: date | None
    deposits: tuple[DepositRow, ...]


@dataclass(frozen=True)
class OrderFile:
    """What was read. Only a file without problems is saved."""

    orders: tuple[OrderRow, ...]
    problems: tuple[Problem, ...]
