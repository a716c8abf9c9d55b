"""Reads single cells of an order file; each refusal says what to write instead."""

import re
from collections.abc import Callable
from datetime import date

from amends.rules import card_numbers, money

Read = Callable[[str], str]
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\".]+(\.[^@\s,;<>\".]+)+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Stripe's words for a subscription, and "pending" for one that starts with delivery.
SUBSCRIPTION_STATES = (
    "pending",
    "trialing",
    "active",
    "past_due",
    "paused",
    "unpaid",
    "incomplete",
    "incomplete_expired",
    "canceled",
)


class Wrong(ValueError):
    """A cell that cannot be taken. Never repeats digits that could be a card number."""


def text(longest: int) -> Read:
    def read(value: str) -> str:
        if _CONTROL.search(value):
            raise Wrong("It holds an invisible control character. Type it again.")
        if card_numbers.contains(value):
            raise Wrong("It holds a card number. Take it out; at most the last four digits stay.")
        if len(value) > longest:
            raise Wrong(f"It has {len(value)} characters. Shorten it to {longest}.")
        return value

    return read


def stripe_id(*prefixes: str) -> Read:
    """An id of Stripe's, known by what it begins with."""
    known = " or ".join(f"{prefix}…" for prefix in prefixes)

    def read(value: str) -> str:
        if not re.fullmatch(rf"({'|'.join(prefixes)})[A-Za-z0-9_]{{1,58}}", value):
            raise Wrong(f"Enter the id as Stripe shows it, like {known}.")
        return value

    return read


def email(value: str) -> str:
    """Lower case: it is the address the customer signs in with."""
    if len(value) > 254 or not _EMAIL.fullmatch(value):
        raise Wrong("Enter one email address, like billing@company.example.")
    return value.lower()


def currency(value: str) -> str:
    code = value.lower()
    try:
        money.Money(0, code)
    except ValueError:
        raise Wrong("Enter a currency's three letters, like usd.") from None
    return code


def amount(in_currency: str) -> Callable[[str], int]:
    """An amount above zero, in minor units."""

    def read(value: str) -> int:
        try:
            return money.parse(value, in_currency).minor
        except money.NotAnAmount as error:
            raise Wrong(f"{error.message}.") from None

    return read


def total(in_currency: str) -> Callable[[str], int]:
    """As `amount`; an order may also be free."""

    def read(value: str) -> int:
        free = re.fullmatch(r"0+(\.0+)?", value)
        return 0 if free else amount(in_currency)(value)

    return read


def day(value: str) -> date:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise Wrong("Write the date as year-month-day, like 2026-09-03.") from None


def last4(value: str) -> str:
    if not re.fullmatch(r"[0-9]{4}", value):
        raise Wrong(
            "Enter exactly the last four digits of the card, with leading zeros. Spreadsheet "
            "programs drop them: format the column as text."
        )
    return value


def months(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= 120:
        raise Wrong("Enter a whole number of months from 1 to 120.")
    return int(value)


def subscription_state(value: str) -> str:
    state = value.lower()
    if state not in SUBSCRIPTION_STATES:
        raise Wrong(f"Enter one of: {', '.join(SUBSCRIPTION_STATES)}.")
    return state
