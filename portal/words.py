"""The words customers read for every state: one table for cases, one for movements of money."""

from dataclasses import dataclass
from typing import Final

from amends.queries.customer_rows import CaseRow
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Kind, Status

NOTHING_TO_DO: Final = "Nothing for you to do"


@dataclass(frozen=True)
class StateWords:
    """`state` is the tag in lists, `headline` the title of the request page.

    `todo` is the one thing the customer does now; empty where we or a bank act.
    """

    state: str
    headline: str
    tone: str
    icon: str
    todo: str = ""


@dataclass(frozen=True)
class LegWords:
    """A movement's tag, and one sentence below it."""

    state: str
    tone: str
    icon: str
    more: str = ""


S, K, L = Status, LegKind, LegState
W = StateWords

STATUS: Final[dict[Status, StateWords]] = {
    S.DRAFT: W("Not sent yet", "This request is not sent yet", "", "file-text"),
    S.SUBMITTED: W("We got your request", "We got your request", "go", "inbox"),
    S.TRIAGE: W("We are checking the charges", "We are checking the charges", "go", "search"),
    S.NEEDS_CUSTOMER: W(
        "Answer needed", "We need an answer from you", "warn", "message-square",
        "Read our question and answer it",
    ),
    S.PROPOSED: W("A manager is deciding", "A manager is deciding", "go", "user-check"),
    S.APPROVED: W(
        "Approved, sending your refund", "Approved. We are sending your refund", "go", "send"
    ),
    S.AUDITING: W(
        "In our internal audit", "Your order is in our internal audit", "go", "calendar-clock"
    ),
    S.REFUNDING: W("Refund on its way", "Your refund is on its way", "go", "send"),
    S.PARTLY_REFUNDED: W(
        "The bank sent a refund back", "The bank sent a part of your refund back", "warn",
        "undo-2",
    ),
    S.REFUNDED: W("Refund confirmed", "Your refund is confirmed", "go", "landmark"),
    S.RECHARGING: W(
        "Next: new card", "Your refund is confirmed. Next: your new card", "go", "credit-card"
    ),
    S.NEEDS_AUTHENTICATION: W(
        "Confirm with your bank", "Your bank wants you to confirm", "warn", "shield-check",
        "Confirm the charge with your bank",
    ),
    S.NEEDS_NEW_CARD: W(
        "New card declined", "Your new card was declined", "warn", "credit-card",
        "Add another card",
    ),
    S.RECHARGED: W("New card charged", "Your new card is charged", "go", "credit-card"),
    S.RESOLVED: W("Done", "This request is done", "ok", "check"),
    S.REOPENED: W("We look at it again", "We are looking at it again", "go", "refresh-cw"),
    S.DECLINED: W("Not approved", "We did not approve it", "bad", "ban"),
    S.WITHDRAWN: W("Withdrawn", "You withdrew this request", "", "undo-2"),
    S.LOCKED_CHARGEBACK: W(
        "Your bank decides", "Your bank decides this now", "warn", "landmark"
    ),
    S.LOCKED_FRAUD: W(
        "We check this with care", "We are checking this charge with care", "go", "shield-check"
    ),
    S.REFUND_FAILED_LATE: W(
        "The bank sent a refund back", "The bank sent your refund back", "warn", "undo-2"
    ),
}  # fmt: skip

_CHECKING = "We are asking our payment provider how it went. No money moves twice."
_ON_ITS_WAY = "We will email you as soon as it is sent."

LEG: Final[dict[tuple[LegKind, LegState], LegWords]] = {
    (K.REFUND, L.PLANNED): LegWords("Not sent yet", "", "clock", _ON_ITS_WAY),
    (K.REFUND, L.SENDING): LegWords("We are sending it", "", "clock", _ON_ITS_WAY),
    (K.REFUND, L.UNKNOWN): LegWords("We are sending it", "", "clock", _CHECKING),
    (K.REFUND, L.PENDING): LegWords("Waiting for our payment provider", "", "clock", _ON_ITS_WAY),
    (K.REFUND, L.NEEDS_ACTION): LegWords(
        "Waiting for our payment provider", "", "clock", _ON_ITS_WAY
    ),
    (K.REFUND, L.SUCCEEDED): LegWords("Sent, with your bank", "go", "landmark"),
    (K.REFUND, L.FAILED): LegWords(
        "The bank sent it back",
        "warn",
        "undo-2",
        "We will agree another way with you in writing.",
    ),
    (K.REFUND, L.CANCELED): LegWords("Stopped before it was sent", "", "ban"),
    (K.RECHARGE, L.PLANNED): LegWords("Not charged yet", "", "clock"),
    (K.RECHARGE, L.SENDING): LegWords("We are charging it", "go", "clock"),
    (K.RECHARGE, L.UNKNOWN): LegWords("We are charging it", "go", "clock", _CHECKING),
    (K.RECHARGE, L.PENDING): LegWords("We are charging it", "go", "clock"),
    (K.RECHARGE, L.NEEDS_ACTION): LegWords(
        "Your bank wants you to confirm", "warn", "shield-check"
    ),
    (K.RECHARGE, L.SUCCEEDED): LegWords("Charged", "ok", "check"),
    (K.RECHARGE, L.FAILED): LegWords("Declined", "warn", "credit-card", "Nothing was charged."),
    (K.RECHARGE, L.CANCELED): LegWords("Not charged", "", "ban"),
    (K.CREDIT, L.PLANNED): LegWords("Not added yet", "", "clock"),
    (K.CREDIT, L.SENDING): LegWords("We are adding it", "", "clock"),
    (K.CREDIT, L.UNKNOWN): LegWords("We are adding it", "", "clock", _CHECKING),
    (K.CREDIT, L.PENDING): LegWords("We are adding it", "", "clock"),
    (K.CREDIT, L.NEEDS_ACTION): LegWords("We are adding it", "", "clock"),
    (K.CREDIT, L.SUCCEEDED): LegWords("Added", "ok", "check", "It is taken off your next invoice."),
    (K.CREDIT, L.FAILED): LegWords(
        "Not added", "warn", "triangle-alert", "We will write to you about it."
    ),
    (K.CREDIT, L.CANCELED): LegWords("Not added", "", "ban"),
    (K.END_SUBSCRIPTION, L.PLANNED): LegWords("Not ended yet", "", "clock"),
    (K.END_SUBSCRIPTION, L.SENDING): LegWords("We are ending it", "", "clock"),
    (K.END_SUBSCRIPTION, L.UNKNOWN): LegWords("We are ending it", "", "clock"),
    (K.END_SUBSCRIPTION, L.PENDING): LegWords("We are ending it", "", "clock"),
    (K.END_SUBSCRIPTION, L.NEEDS_ACTION): LegWords("We are ending it", "", "clock"),
    (K.END_SUBSCRIPTION, L.SUCCEEDED): LegWords("Ended", "ok", "check"),
    (K.END_SUBSCRIPTION, L.FAILED): LegWords(
        "Not ended yet", "warn", "triangle-alert", "We will write to you about it."
    ),
    (K.END_SUBSCRIPTION, L.CANCELED): LegWords("Not ended", "", "ban"),
}

KINDS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.REBILL: (
        "Refund and charge a different card",
        "The money goes back to the card you paid with. Then we charge the new one.",
    ),
    Kind.DISPUTE: (
        "Something is wrong with a charge",
        "Charged twice, charged after you canceled, or a charge you do not know.",
    ),
    Kind.CANCELLATION: (
        "Cancel my order",
        "You see what that means, with dates, before you decide.",
    ),
    Kind.CHARGEBACK: (
        "I already asked my bank",
        "You asked your bank to reverse the charge. Then the bank decides.",
    ),
}

TAKEN_BACK: Final = LegWords(
    "Taken back", "ok", "check",
    "The charge was taken back before it settled, so it disappears from your statement "
    "instead of showing a credit.",
)  # fmt: skip
SHOULD_BE_THERE: Final = (
    "It should be on your statement by now. If it is not, write to us on this page and we will "
    "trace it with the bank."
)
TRACE_FOLLOWS: Final = "The bank's trace number follows, usually within a week."
BANK_DECIDES: Final = (
    "Your bank's process takes over from here, so we cannot refund the same charge as well. "
    "Send us what your bank writes to you."
)

BANK_STEP: Final = (
    "We answer your bank with the papers of the order. No new card is charged meanwhile."
)


def has_newer_card(case: CaseRow) -> bool:
    """Whether a card was saved after the last one was declined."""
    leg = case.recharge
    if leg is None or case.card_saved_at is None:
        return False
    return leg.failed_at is not None and case.card_saved_at >= leg.failed_at
