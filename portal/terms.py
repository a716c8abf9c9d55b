"""The terms that customers must know, in plain words, chosen by the dates of their own order."""

from dataclasses import dataclass

from amends.queries.customer_rows import OrderRow
from amends.rules import promises
from portal.dates import Days

DELAYS = "We are not responsible for delays that carriers, customs or other third parties cause."
FORCE_MAJEURE = (
    "Events outside anyone's control, like a storm or a pandemic, excuse late performance on "
    "either side. They do not excuse payments: fees stay due."
)
CLAIMS = (
    "Once the carrier has taken the unit, the risk of loss and damage is yours, so a claim for "
    "loss or damage goes to the carrier."
)
RENEWAL = (
    "A subscription renews by itself for the same length of time, unless your order says otherwise."
)


@dataclass(frozen=True)
class Term:
    title: str
    text: str


def delay(order: OrderRow | None, days: Days) -> tuple[str, ...]:
    """Who answers for a delay, by where the order is now."""
    return (*_where(order, days), DELAYS, FORCE_MAJEURE)


def _where(order: OrderRow | None, days: Days) -> tuple[str, ...]:
    if order is None:
        return (CLAIMS,)
    carrier = order.carrier or "the carrier"
    if order.delivered_on is not None:
        return (
            f"Order {order.number} was delivered on {days.words(order.delivered_on)}. If it was "
            f"damaged on the way, claim with {carrier}.",
        )
    if order.handed_over_on is not None:
        return (
            f"We handed order {order.number} to {carrier} on "
            f"{days.words(order.handed_over_on)}. From that day the risk of loss and damage is "
            f"yours, so a claim for loss or damage goes to {carrier}.",
        )
    return (
        f"Order {order.number} is not with a carrier yet, so there is nothing to claim from one.",
    )


def cancelling(order: OrderRow | None, days: Days) -> tuple[Term, ...]:
    """Four facts with dates, and the one person who may help."""
    audit = promises.audit_window(days.today, days.calendar)
    refund = promises.between_words(audit.refund, days.today)
    return (
        Term(
            "A manager has to approve it",
            "No money moves before that. We write to you within 1 business day.",
        ),
        Term(
            "Then an internal audit of about 60 business days",
            "That is about three months. If it began today, it would end about "
            f"{days.words(audit.ends_on)}.",
        ),
        Term(
            "Then the refund, 5–10 business days more",
            f"Each deposit goes back to the card it came from. You would see it {refund}.",
        ),
        Term("Your subscription is canceled with it", _renewal(order, days)),
        Term(
            "Who answers you meanwhile",
            "A Customer Success Manager may be assigned to you. Then you find the name on your "
            "request's page.",
        ),
    )


def _renewal(order: OrderRow | None, days: Days) -> str:
    if order is None:
        return RENEWAL
    parts = []
    if order.subscription_ends_on is not None:
        parts.append(f"Its current term ends on {days.words(order.subscription_ends_on)}.")
    if order.renewal_rule:
        parts.append(f"Your order says: {order.renewal_rule.rstrip('.')}.")
    elif order.renewal_months:
        parts.append(f"It renews by itself for {order.renewal_months} months at a time.")
    else:
        parts.append(RENEWAL)
    return " ".join(parts)
