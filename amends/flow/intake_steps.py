"""What each kind of request asks of the customer, in order. Pure."""

from collections.abc import Collection
from datetime import date
from enum import StrEnum

from amends.rules.workflow import DISPUTE_REASONS, REBILL_REASONS, Kind, Reason


class Step(StrEnum):
    """One question page; the value is the last part of its address."""

    ORDER = "order"
    REASON = "reason"
    AMOUNT = "amount"
    NEW_CARD = "new-card"
    TERMS = "cancel-terms"
    STORY = "story"


STEPS: dict[Kind, tuple[Step, ...]] = {
    Kind.REBILL: (Step.ORDER, Step.REASON, Step.AMOUNT, Step.NEW_CARD, Step.STORY),
    Kind.DISPUTE: (Step.ORDER, Step.REASON, Step.AMOUNT, Step.STORY),
    Kind.CANCELLATION: (Step.ORDER, Step.AMOUNT, Step.TERMS, Step.STORY),
    Kind.CHARGEBACK: (Step.ORDER, Step.AMOUNT, Step.STORY),
}
# Cancelling is offered as a reason too; choosing it turns the request into a cancellation.
REASONS: dict[Kind, tuple[Reason, ...]] = {
    Kind.REBILL: (*REBILL_REASONS, Reason.CANCEL_ORDER),
    Kind.DISPUTE: DISPUTE_REASONS,
    Kind.CANCELLATION: (Reason.CANCEL_ORDER,),
    Kind.CHARGEBACK: (),
}
# Subscription states of Stripe that the arrangement covers: active or on the way to it.
COVERED = frozenset({"active", "pending", "trialing", "past_due", "incomplete"})
# These are about the order as a whole: it needs a live subscription, and one request is enough.
# A dispute may be about any charge, and a subscription that has ended is often its point.
ABOUT_THE_ORDER = frozenset({Kind.REBILL, Kind.CANCELLATION})


def covers(subscription_status: str, cancelled_on: date | None) -> bool:
    """Whether an order's subscription runs, or is on the way to it."""
    return subscription_status in COVERED and cancelled_on is None


def steps(kind: Kind, asked_as: Kind) -> tuple[Step, ...]:
    """The questions in order. Who began with a kind that has reasons keeps that question, also
    when the request became a cancellation or the bank's: an answer can always be changed."""
    own = STEPS[kind]
    if Step.REASON in own or len(REASONS[asked_as]) < 2:
        return own
    return (own[0], Step.REASON, *own[1:])


def missing(kind: Kind, asked_as: Kind, done: Collection[str]) -> Step | None:
    """The first question without an answer."""
    return next((step for step in steps(kind, asked_as) if step.value not in done), None)


def before(kind: Kind, asked_as: Kind, step: Step) -> Step | None:
    """The page that Back leads to; None from the first."""
    own = steps(kind, asked_as)
    if step not in own or own.index(step) == 0:
        return None
    return own[own.index(step) - 1]


def number(kind: Kind, asked_as: Kind, step: Step) -> tuple[int, int]:
    """Step 2 of 6; checking the answers is the last one."""
    own = steps(kind, asked_as)
    return own.index(step) + 1 if step in own else 1, len(own) + 1
