"""What each kind of exception asks of a person, and the one safe act that leads on."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Act(StrEnum):
    """Where an exception leads. None of them moves money by itself."""

    LOOK = "look"
    WAYS_OUT = "ways_out"
    TAKE_OVER = "take_over"
    DISPUTES = "disputes"
    SECURITY = "security"


@dataclass(frozen=True)
class Advice:
    sentence: str
    act: Act = Act.LOOK


_ASK = "Nothing is sent again by itself. Find out who made it, then say what you found."
ADVICE: Final = {
    "unknown_outcome": Advice(
        "The worker asks Stripe after 1 minute, 5 minutes, 1 hour, then daily. Wake the case to "
        "ask now. It closes by itself once Stripe shows what happened."
    ),
    "unknown_status": Advice("The program does not know this word. Wait for an update."),
    "refund_failed_late": Advice("A manager picks the way out.", Act.WAYS_OUT),
    "refund_refused": Advice("The rest of the plan stands. Pick a way out.", Act.WAYS_OUT),
    "charge_changed": Advice("The charge is not as approved. Pick a way out.", Act.WAYS_OUT),
    "refund_appeared": Advice(
        "A refund that was given up is there after all. Plan nothing for this charge before you "
        "know why."
    ),
    "refund_differs": Advice(_ASK),
    "recharge_differs": Advice(_ASK),
    "recharge_card_differs": Advice(_ASK),
    "credit_differs": Advice(_ASK),
    "charged_meanwhile": Advice("The charge came while the case was stopped.", Act.WAYS_OUT),
    "recharge_refused": Advice("Another card is needed. The customer can save one in the portal."),
    "recharge_given_up": Advice("Another card is needed. The customer can save one in the portal."),
    "credit_refused": Advice("Open the case and plan the credit again, or decline."),
    "key_mismatch": Advice(
        "Stripe knows this key with other values. Nothing is sent again. Tell the developers."
    ),
    "lost_case": Advice(
        "Stripe holds money of ours whose plan was lost in a restore. A manager takes it over; "
        "nothing moves by that.",
        Act.TAKE_OVER,
    ),
    "old_cases": Advice("An administrator runs the command. It closes by itself after that."),
    "review_objected": Advice(
        "The money has moved or is moving. Talk to the reviewer and to both who decided, then say "
        "what you found."
    ),
    "denied_email": Advice(
        "Do nothing that the email asks for. Tell Security if it wanted money or another card."
    ),
    "address_at_stripe": Advice(
        "The new billing address counts here. Change it at Stripe by hand, or correct it."
    ),
    "foreign_refund": Advice(
        "Nobody approved it here. A plan for more than the charge has left stops by itself."
    ),
    "foreign_charge": Advice("Somebody charged this customer by hand. Say why."),
    "leg_differs": Advice("Wake the case. If it stays, read the case's history."),
    "ledger_differs": Advice("This should not happen. Change nothing and tell the developers."),
    "balance_differs": Advice("Ask Stripe why the balance moved by another amount."),
    "missing_at_stripe": Advice("Is this the right Stripe account? Nothing is sent again."),
    "open_intent": Advice("It can still be charged. Wake the case; the worker cancels it."),
    "dispute_unlocked": Advice("A dispute stands on it.", Act.DISPUTES),
    "dispute": Advice("The bank decides. The work goes on at its desk.", Act.DISPUTES),
    "dispute_unknown": Advice("The bank decides. Find the customer.", Act.DISPUTES),
    "evidence_due": Advice("The bank waits for evidence.", Act.DISPUTES),
    "evidence_refused": Advice("Stripe did not take the evidence.", Act.DISPUTES),
    "fraud_flag": Advice("Security looks.", Act.SECURITY),
    "fraud_warning": Advice("Security looks.", Act.SECURITY),
    "refund_waits_for_balance": Advice("Fill the balance at Stripe. The refund then goes on."),
    "stuck_case": Advice("Is a worker running? Wake the case."),
    "history_changed": Advice("The history was changed, or a backup restored. Tell an operator."),
    "many_reads": Advice("Ask them why. The log of reads shows what they opened."),
    "stripe_key": Advice("Nothing is sent. An operator mends the worker's key; then it goes on."),
    "wrong_mode": Advice("An operator mends the endpoint's secret."),
    "quarantine": Advice("An operator ends it; docs/OPERATIONS.md says how."),
    "newer_version": Advice("It goes on when the new version is everywhere."),
}
_ELSE = Advice("Look at it and say what you found.")
_HALT = Advice("The worker stopped this plan. Open the case: it says what has to be planned anew.")


def advice(kind: str) -> Advice:
    return ADVICE.get(kind, _HALT if kind.startswith("halt_") else _ELSE)
