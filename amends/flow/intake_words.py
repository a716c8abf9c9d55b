"""The words of a request: what was asked for, why, and what happens next. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from amends.rules import promises
from amends.rules.workflow import Kind, Reason

WHAT_YOU_WANT: Final[dict[Kind, str]] = {
    Kind.REBILL: "Refund to the card I paid with, then charge a new card",
    Kind.DISPUTE: "Look at a charge and pay back what is wrong",
    Kind.CANCELLATION: "Cancel the order and refund it",
    Kind.CHARGEBACK: "My bank was asked to reverse a charge",
}
REASONS: Final[dict[Reason, tuple[str, str]]] = {
    Reason.SHIPPING_DELAY: ("My order is late", "Shipping took longer than expected"),
    Reason.SPLIT_CARDS: (
        "My deposits belong on another card",
        "Back to the card or cards I paid with, and charged to a different one",
    ),
    Reason.CARD_NOT_PREFERRED: ("I want to pay with another card", ""),
    Reason.CARD_NOT_ACCESSIBLE: (
        "I can no longer use that card",
        "It is closed, lost or expired",
    ),
    Reason.CANCEL_ORDER: (
        "I want to cancel the order",
        "This takes longer, and you see the dates first",
    ),
    Reason.DUPLICATE: ("I was charged twice", ""),
    Reason.AFTER_CANCELLATION: ("I was charged after I canceled", ""),
    Reason.MODULE_UNUSED: ("I paid for a module that we do not use", ""),
    Reason.NOT_RECOGNISED: (
        "I do not recognize the charge",
        "Neither you nor anyone in your company made it",
    ),
    Reason.DISSATISFIED: ("I am not happy with what I paid for", ""),
}


@dataclass(frozen=True)
class Asked:
    """What the steps that follow depend on. `amount` and `card` are words, or empty."""

    kind: Kind
    amount: str
    card: str
    answer_on: date
    today: date


def next_steps(asked: Asked) -> tuple[str, ...]:
    """What happens after a request is sent, in order, with the dates that are known."""
    first = promises.reply_sentence(asked.answer_on, asked.today)
    match asked.kind:
        case Kind.REBILL:
            return (first, _APPROVAL, _REFUND, _charge(asked), _PAPERS)
        case Kind.DISPUTE:
            return (first, _DECISION, _REFUND, _PROOF)
        case Kind.CANCELLATION:
            return (first, _APPROVAL, _AUDIT, _REFUND_AFTER_AUDIT, _SUBSCRIPTION, _PROOF)
        case Kind.CHARGEBACK:
            write_by = promises.day_words(asked.answer_on, asked.today)
            return (_BANK, f"We write to you by {write_by}.", _BANK_PAPERS)


_APPROVAL: Final = "A manager has to approve it before any money moves."
_DECISION: Final = "It has to be approved before any money moves."
_REFUND: Final = (
    "Each deposit goes back to the card it came from. Refunds take 5–10 business days to show on "
    "your statement, depending on your bank."
)
_PAPERS: Final = "You get a receipt and proof of refund by email."
_PROOF: Final = "You get proof of refund by email, with the refund ID and the dates."
_AUDIT: Final = "Our internal audit takes about 60 business days. That is about three months."
_REFUND_AFTER_AUDIT: Final = (
    "Then each deposit goes back to the card it came from. That takes 5–10 business days more to "
    "show on your statement, depending on your bank."
)
_SUBSCRIPTION: Final = "Your subscription is canceled as a part of this."
_BANK: Final = (
    "Your bank's process takes over. While it runs, we cannot also refund the same charge."
)
_BANK_PAPERS: Final = (
    "Send us what your bank writes to you. You can add files on your request's page."
)


def _charge(asked: Asked) -> str:
    card = asked.card or "your new card, once you have added it"
    amount = asked.amount or "the amount"
    return f"Only after the refund is confirmed do we charge {amount} to {card}."
