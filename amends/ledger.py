"""Double entry for every money effect: two rows that sum to zero, written once, never changed."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tortoise import connections

from amends.models import Leg


class Effect(StrEnum):
    REFUND = "refund"
    REFUND_FAILURE = "refund_failure"
    RECHARGE = "recharge"
    CREDIT = "credit"
    PAID_OTHERWISE = "paid_otherwise"


@dataclass(frozen=True)
class Booking:
    """`amount_minor` leaves `from_book` and enters `to_book`."""

    effect: Effect
    from_book: str
    to_book: str
    stripe_id: str


_INSERT = """
INSERT INTO ledger (entry_id, book, amount_minor, currency, effect, case_id, leg_id, stripe_id, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9), ($1, $10, $11, $4, $5, $6, $7, $8, $9)
ON CONFLICT (stripe_id, effect, book) DO NOTHING
"""


async def book(leg: Leg, booking: Booking, at: datetime) -> None:
    """Write the two halves unless they are there: an effect is booked once, however often seen."""
    await connections.get("default").execute_query(
        _INSERT,
        [
            uuid.uuid4(),
            booking.from_book,
            -leg.amount_minor,
            leg.currency,
            booking.effect,
            leg.case_id,
            leg.id,
            booking.stripe_id,
            at,
            booking.to_book,
            leg.amount_minor,
        ],
    )


def refund(leg: Leg, refund_id: str) -> Booking:
    return Booking(Effect.REFUND, "stripe:balance", f"charge:{leg.charge_id}", refund_id)


def refund_failure(leg: Leg, refund_id: str) -> Booking:
    return Booking(Effect.REFUND_FAILURE, f"charge:{leg.charge_id}", "stripe:balance", refund_id)


def credit(leg: Leg, credit_id: str) -> Booking:
    """What we owe the customer; no money leaves until an invoice uses it up."""
    return Booking(Effect.CREDIT, "goodwill", f"customer:{leg.customer_id}", credit_id)


def paid_otherwise(leg: Leg) -> Booking:
    """Money that reached the customer past Stripe closes the hole that a failed refund left."""
    where = f"charge:{leg.charge_id}"
    return Booking(Effect.PAID_OTHERWISE, "paid:otherwise", where, f"otherwise:{leg.id}")


def recharge(leg: Leg, intent_id: str) -> Booking:
    return Booking(Effect.RECHARGE, f"case:{leg.case_id}", "stripe:balance", intent_id)
