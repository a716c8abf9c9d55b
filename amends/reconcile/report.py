"""What a reconciliation read and found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Subject(StrEnum):
    """What is read, in this order; the books come last."""

    REFUNDS = "refunds"
    INTENTS = "payment intents"
    DISPUTES = "disputes"
    TRANSACTIONS = "balance transactions"
    CREDITS = "credits"
    BOOKS = "books"


@dataclass
class Count:
    """`ours` are those that Amends made or has to know; `matched` agree with our rows."""

    read: int = 0
    ours: int = 0
    matched: int = 0


@dataclass
class Sums:
    """One currency, in minor units. Fees and disputed money are shown, not compared."""

    refunded_at_stripe: int = 0
    refunded_in_ledger: int = 0
    charged_at_stripe: int = 0
    charged_in_ledger: int = 0
    credited_at_stripe: int = 0
    credited_in_ledger: int = 0
    balance_moved: int = 0
    disputed: int = 0
    fees: int = 0

    @property
    def agree(self) -> bool:
        return (self.refunded_at_stripe, self.charged_at_stripe, self.credited_at_stripe) == (
            self.refunded_in_ledger,
            self.charged_in_ledger,
            self.credited_in_ledger,
        )


@dataclass(frozen=True)
class Difference:
    """One thing that does not agree. `kind` and `key` name it the same way every night."""

    kind: str
    key: str
    detail: str
    case_id: int | None = None
    stripe_id: str = ""


@dataclass(frozen=True)
class Open:
    """Differences of one kind that nobody has explained yet."""

    kind: str
    number: int
    oldest: datetime


@dataclass(frozen=True)
class Report:
    since: datetime
    until: datetime
    counts: Mapping[Subject, Count]
    sums: Mapping[str, Sums]
    open: tuple[Open, ...] = ()
    # Told before and explained by a person since; they stay known and are not told again.
    explained: int = 0
    # What this run itself put right: a leg brought up to date, a case locked.
    repaired: int = 0
    settled: int = 0
    found: tuple[Difference, ...] = field(default=())

    @property
    def differences(self) -> int:
        return sum(each.number for each in self.open)

    @property
    def agrees(self) -> bool:
        return not self.differences
