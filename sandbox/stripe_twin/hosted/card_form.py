"""Card entry: the fields, what is wrong with them, and the test cards that are offered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.stripe_twin import cards, ids


@dataclass(frozen=True)
class Suggestion:
    """A test card to pick instead of typing."""

    number: str
    label: str
    note: str

    @property
    def shown(self) -> str:
        """5555 5555 5555 4444, or 3782 822463 10005 as American Express groups it."""
        if len(self.number) == 15:
            return f"{self.number[:4]} {self.number[4:10]} {self.number[10:]}"
        return " ".join(self.number[i : i + 4] for i in range(0, len(self.number), 4))

    @property
    def dom_id(self) -> str:
        return "card-" + ids.digest(self.number, 8)


@dataclass(frozen=True)
class Group:
    """Suggestions that behave alike."""

    title: str
    cards: tuple[Suggestion, ...]


SUGGESTIONS: tuple[Group, ...] = (
    Group(
        "Work",
        (
            Suggestion("5555555555554444", "Mastercard", "works"),
            Suggestion("5454545454545454", "Mastercard", "works too"),
            Suggestion("4242424242424242", "Visa", "works"),
            Suggestion("4000056655665556", "Visa debit", "works"),
            Suggestion("378282246310005", "American Express", "works"),
        ),
    ),
    Group(
        "Ask the cardholder",
        (
            Suggestion("4000002500003155", "Visa", "asks once, now"),
            Suggestion("4000002760003184", "Visa", "asks at every charge"),
        ),
    ),
    Group(
        "Cause trouble",
        (
            Suggestion("4000000000000341", "Visa", "declines when charged"),
            Suggestion("4000000000009995", "Visa", "has insufficient funds"),
            Suggestion("4000000000000002", "Visa", "is declined"),
            Suggestion("4000000000005126", "Visa", "its refund fails on day 3"),
            Suggestion("4000000000007726", "Visa", "its refund takes a day"),
        ),
    ),
)


@dataclass(frozen=True)
class Entered:
    """What the visitor gave us. The number lives only as long as this object."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int


@dataclass(frozen=True)
class Mistakes:
    """Messages by field name."""

    by_field: dict[str, str]


def read(form: Mapping[str, str], now: float) -> Entered | Mistakes:
    """A typed number wins over a picked one."""
    number = cards.digits(form.get("number", "")) or cards.digits(form.get("suggestion", ""))
    wrong: dict[str, str] = {}
    problem = _number_problem(number)
    if problem:
        wrong["number"] = problem
    expiry = _expiry(form.get("expiry", ""))
    if expiry is None:
        wrong["expiry"] = "Enter the expiry date as month and year, like 12 / 34."
    elif _is_past(expiry, now):
        wrong["expiry"] = "Your card's expiration date is in the past."
    if not (form.get("cvc", "").isdigit() and len(form["cvc"]) in (3, 4)):
        wrong["cvc"] = "Enter the three or four digits of the security code. Any will do here."
    if wrong or expiry is None:
        return Mistakes(wrong)
    return Entered(number, *expiry)


def _number_problem(number: str) -> str | None:
    if not number:
        return "Pick a test card or type its number."
    if not cards.passes_luhn(number):
        return "Your card number is invalid."
    if not cards.is_test_number(number):
        return "This is a sandbox: only test cards work here. Never type a real card number."
    return None


def _expiry(text: str) -> tuple[int, int] | None:
    digits = "".join(sign for sign in text if sign.isdigit())
    if len(digits) not in (4, 6):
        return None
    month, year = int(digits[:2]), int(digits[2:])
    if not 1 <= month <= 12:
        return None
    return month, year if year > 99 else 2000 + year


def _is_past(expiry: tuple[int, int], now: float) -> bool:
    today = datetime.fromtimestamp(now, UTC)
    return (expiry[1], expiry[0]) < (today.year, today.month)
