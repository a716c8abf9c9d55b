"""The words staff read: states, kinds, reasons, movements, history. One table each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from amends.flow.identity import IDENTITY, NAMES, Fact
from amends.rules.people import Role
from amends.rules.plan import Draft, LegState, Outcome
from amends.rules.remedies import Way
from amends.rules.workflow import Action, Kind, Reason, Status


@dataclass(frozen=True)
class Tag:
    """Icon, word and tone of a state; never the tone alone."""

    state: str
    tone: str
    icon: str


S, R, L, A = Status, Reason, LegState, Action

STATUS: Final[dict[Status, Tag]] = {
    S.DRAFT: Tag("Draft", "", "file-text"),
    S.SUBMITTED: Tag("New", "go", "inbox"),
    S.TRIAGE: Tag("Being checked", "go", "search"),
    S.NEEDS_CUSTOMER: Tag("Waiting on customer", "", "clock"),
    S.PROPOSED: Tag("Waits for a decision", "warn", "user"),
    S.APPROVED: Tag("Approved", "ok", "check"),
    S.AUDITING: Tag("In audit", "", "hourglass"),
    S.REFUNDING: Tag("Refund under way", "ok", "send"),
    S.PARTLY_REFUNDED: Tag("Partly refunded", "bad", "triangle-alert"),
    S.REFUNDED: Tag("Refund confirmed", "ok", "landmark"),
    S.RECHARGING: Tag("Charging new card", "go", "credit-card"),
    S.NEEDS_AUTHENTICATION: Tag("Customer must confirm", "warn", "shield-check"),
    S.NEEDS_NEW_CARD: Tag("New card declined", "bad", "credit-card"),
    S.RECHARGED: Tag("New card charged", "ok", "credit-card"),
    S.RESOLVED: Tag("Done", "ok", "check"),
    S.REOPENED: Tag("Reopened", "warn", "refresh-cw"),
    S.DECLINED: Tag("Declined", "", "ban"),
    S.WITHDRAWN: Tag("Withdrawn", "", "x"),
    S.LOCKED_CHARGEBACK: Tag("Bank dispute", "bad", "scale"),
    S.LOCKED_FRAUD: Tag("With Security", "bad", "lock"),
    S.REFUND_FAILED_LATE: Tag("Refund came back", "bad", "undo-2"),
}
MATCHED: Final = Tag("Identity matched", "go", "shield-check")
KINDS: Final[dict[Kind, str]] = {
    Kind.REBILL: "Refund and re-bill",
    Kind.DISPUTE: "Dispute",
    Kind.CANCELLATION: "Cancellation",
    Kind.CHARGEBACK: "Chargeback",
}
REASONS: Final[dict[Reason, str]] = {
    R.SHIPPING_DELAY: "Shipping delay",
    R.SPLIT_CARDS: "One card instead of several",
    R.CARD_NOT_PREFERRED: "Card no longer preferred",
    R.CARD_NOT_ACCESSIBLE: "Card no longer accessible",
    R.CANCEL_ORDER: "Cancel the order",
    R.DUPLICATE: "Duplicate charge",
    R.AFTER_CANCELLATION: "Charge after cancellation",
    R.MODULE_UNUSED: "Module not used",
    R.NOT_RECOGNISED: "Card not recognized",
    R.DISSATISFIED: "Dissatisfaction",
}
LEGS: Final[dict[LegState, Tag]] = {
    L.PLANNED: Tag("Planned", "", "clock"),
    L.SENDING: Tag("Being sent", "go", "send"),
    L.PENDING: Tag("Pending at Stripe", "warn", "hourglass"),
    L.SUCCEEDED: Tag("Confirmed", "ok", "check"),
    L.FAILED: Tag("Failed", "bad", "triangle-alert"),
    L.CANCELED: Tag("Not carried out", "", "x"),
    L.UNKNOWN: Tag("Asking Stripe", "warn", "circle-help"),
    L.NEEDS_ACTION: Tag("Customer must confirm", "warn", "shield-check"),
}
# Why Stripe holds a refund back, in words.
PENDING: Final = {
    "charge_pending": "the charge itself is not settled yet",
    "insufficient_funds": "our balance at Stripe is too low",
    "processing": "the bank is working on it",
    "": "no reason given",
}
OUTCOMES: Final[dict[Outcome, str]] = {
    Outcome.REBILL: "Refund, then charge the new card",
    Outcome.REFUND: "Refund only",
    Outcome.CANCELLATION: "Cancel the order and refund",
    Outcome.CREDIT: "Give a credit",
    Outcome.RECHARGE: "Charge the new card",
}
# The ways out after a refund that failed: the name on the menu, and what it does.
WAYS: Final[dict[Way, tuple[str, str, str]]] = {
    Way.SEND_AGAIN: (
        "Send the refund again",
        "The same amounts to the same cards by new refunds. The new card is not charged twice.",
        "undo-2",
    ),
    Way.PAY_OTHERWISE: (
        "Pay in another way",
        "You paid past Stripe, by bank transfer say. The amount, the evidence and what the "
        "customer reads are what the manager approves.",
        "landmark",
    ),
    Way.REFUND_NEW_CHARGE: (
        "Refund the new charge",
        "The failed amount goes back to the new card, from the charge that was made there.",
        "credit-card",
    ),
    Way.KEEP: (
        "Keep it as it is",
        "No more money moves. The request is closed and the customer reads why.",
        "check",
    ),
}
ROLES: Final[dict[Role, str]] = {
    Role.AGENT: "agent",
    Role.LEAD: "lead",
    Role.MANAGER: "manager",
    Role.SECURITY: "Security",
    Role.ACCOUNT_MANAGER: "account manager",
    Role.CSM: "customer success manager",
    Role.AUDITOR: "auditor",
    Role.ADMIN: "administrator",
}
FACTS: Final = {fact: name[:1].upper() + name[1:] for fact, name in NAMES.items()}
# Action or history word: what happened, and its icon.
HISTORY: Final[dict[str, tuple[str, str]]] = {
    "begin_by_email": ("Begun by email", "inbox"),
    A.SUBMIT: ("Request sent", "inbox"),
    A.WITHDRAW: ("Request withdrawn", "x"),
    A.CLAIM: ("Case taken", "user"),
    A.ASK_CUSTOMER: ("Customer asked", "circle-help"),
    A.ANSWER: ("Customer answered", "message-square"),
    A.PROPOSE: ("Plan sent for a decision", "send"),
    "approve_first": ("Plan approved by the first of two", "check"),
    A.APPROVE: ("Plan approved", "check"),
    A.SEND_BACK: ("Plan sent back", "undo-2"),
    A.DECLINE: ("Request declined", "ban"),
    A.VOID_PLAN: ("Plan void", "x"),
    A.START_AUDIT: ("Audit started", "hourglass"),
    A.FINISH_AUDIT: ("Audit finished", "check"),
    A.START_REFUNDS: ("Refunds started", "send"),
    A.REFUND_FAILED: ("A refund failed", "triangle-alert"),
    A.CONFIRM_REFUNDS: ("All refunds confirmed", "landmark"),
    A.START_RECHARGE: ("New card is being charged", "credit-card"),
    A.REQUIRE_AUTHENTICATION: ("The bank wants the customer to confirm", "shield-check"),
    A.AUTHENTICATE: ("Customer confirmed with the bank", "shield-check"),
    A.REQUIRE_NEW_CARD: ("New card declined", "triangle-alert"),
    A.CONFIRM_RECHARGE: ("New card charged", "credit-card"),
    A.RESOLVE: ("Case closed", "check"),
    A.REOPEN: ("Case reopened", "refresh-cw"),
    A.LOCK_CHARGEBACK: ("Locked: the bank decides", "lock"),
    A.LOCK_FRAUD: ("Locked: with Security", "lock"),
    A.UNLOCK: ("Lock lifted", "shield-check"),
    A.FAIL_LATE: ("A confirmed refund came back", "undo-2"),
    "take": ("Case taken", "user"),
    "give_back": ("Case given back", "undo-2"),
    "assign": ("Case handed over", "users"),
    "label": ("Label added", "tag"),
    "unlabel": ("Label taken off", "tag"),
    "snooze": ("Set aside", "hourglass"),
    "wake": ("Brought back", "bell"),
    "set_reason": ("Reason corrected", "settings"),
    "check_identity": ("Identity checked", "shield-check"),
    "choose_customer": ("Stripe customer picked", "user"),
    "pick_charges": ("Charges picked", "credit-card"),
    "save_card": ("New card saved", "credit-card"),
    "change_address": ("Billing address changed", "users"),
    "record_cancellation": ("End of the cancellation recorded", "calendar-clock"),
    "weigh_module": ("Account manager's view", "users"),
    "audit_checked": ("Audit point ticked", "check"),
    "audit_extended": ("Audit extended", "hourglass"),
    "contact_named": ("Customer success manager named", "user"),
    "renewals_stopped": ("Renewals stopped at Stripe", "ban"),
    "subscription_ended": ("Subscription ended at Stripe", "ban"),
    "confirm_email": ("The customer confirmed an email as theirs", "shield-check"),
    "deny_email": ("The customer says that an email is not theirs", "shield-check"),
    "looked_at_exception": ("Exception looked at", "eye"),
    "file_refused": ("A file with a virus was dropped", "ban"),
    "refund_pending": ("Refund pending at Stripe", "hourglass"),
    "refund_succeeded": ("Refund confirmed", "check"),
    "refund_failed": ("Refund failed", "triangle-alert"),
    "refund_canceled": ("Refund canceled", "x"),
    "refund_failed_late": ("A confirmed refund came back", "undo-2"),
    "credit_added": ("Credit added", "plus"),
    "lift_flag": ("Flag lifted", "shield-check"),
    "review_confirmed": ("Confirmed in a second review", "eye"),
    "review_objected": ("Objected to in a second review", "triangle-alert"),
    "evidence_chosen": ("Evidence chosen", "file-text"),
    "evidence_staged": ("Evidence stored at Stripe", "file-text"),
    "evidence_confirmed": ("Evidence handed over to be sent", "send"),
    "evidence_submitted": ("Evidence handed in at the bank", "send"),
    "dispute_accepted": ("Dispute accepted", "ban"),
    "recharge_prepared": ("New charge prepared", "credit-card"),
    "recharge_succeeded": ("New card charged", "credit-card"),
    "recharge_declined": ("New card declined", "triangle-alert"),
    "bank_wants_confirmation": ("The bank wants the customer to confirm", "shield-check"),
}
EXCEPTIONS: Final = {
    "unknown_sender": "An email from somebody we do not know",
    "unverified_mail": "An email whose sender is not confirmed",
    "denied_email": "An email that the customer did not write",
    "draft_answered": "An unsent request was answered by email",
    "closed_case_mail": "An email on a closed case",
    "automatic_mail": "Automatic mail",
    "fraud_flag": "Account flagged for fraud",
    "dispute": "Dispute at Stripe",
    "foreign_refund": "Refund made outside of Amends",
    "foreign_charge": "Charge made outside of Amends",
    "lost_case": "Money whose plan was lost",
    "leg_differs": "Stripe and our rows differ",
    "ledger_differs": "The ledger and the plans differ",
    "balance_differs": "The balance moved by another amount",
    "missing_at_stripe": "Stripe does not have it",
    "open_intent": "A charge that is over can still be made",
    "dispute_unlocked": "A dispute stands and its case is not locked",
    "refund_waits_for_balance": "A refund waits for our balance",
    "refund_appeared": "A refund that was given up is there",
    "recharge_given_up": "The new charge did not get through",
    "key_mismatch": "Stripe knows a key with other values",
    "stuck_case": "The worker has not looked at a case",
    "history_changed": "The history differs from its anchor",
    "many_reads": "Somebody opened very many cases",
    "fraud_warning": "Early fraud warning",
    "quarantine": "Nothing is sent to Stripe",
    "newer_version": "A newer version wrote this",
    "no_csm": "Nobody is a customer success manager",
    "audit_overdue": "An audit is over and points are open",
    "unknown_outcome": "Nobody knows yet whether it happened",
    "unknown_status": "Stripe says a word we do not know",
    "refund_differs": "A refund is not what was planned",
    "recharge_differs": "A charge is not what was planned",
    "recharge_card_differs": "Another card was charged than planned",
    "charged_meanwhile": "The new card was charged meanwhile",
    "refund_failed_late": "A confirmed refund came back",
    "refund_refused": "Stripe refused a refund",
    "recharge_refused": "Stripe refused the new charge",
    "credit_refused": "Stripe refused a credit",
    "credit_differs": "A credit is not what was planned",
    "evidence_due": "Evidence for the bank is due",
    "evidence_refused": "Stripe refused evidence for the bank",
    "dispute_unknown": "A dispute on a charge we do not know",
    "charge_changed": "A charge changed since the approval",
    "gave_up": "Too many tries, a person has to look",
    "stripe_key": "Stripe refuses our key",
    "wrong_mode": "Live and test mode are mixed up",
    "address_at_stripe": "Stripe does not take a billing address",
    "billing_email": "A billing address changed at Stripe",
    "mail_failed": "A mail cannot be delivered",
    "document_failed": "A document cannot be made",
    "document_changed": "A stored document was changed",
    "last4_guessing": "Somebody may be guessing card digits",
    "second_identity": "A second sign-in with one address",
    "old_cases": "Cases are older than they may become",
    "review_objected": "A reviewer objects to an approved plan",
}


def exception(kind: str) -> str:
    """A kind without words of its own still reads."""
    return EXCEPTIONS.get(kind, kind.replace("_", " ").capitalize())


def happened(action: str) -> tuple[str, str]:
    return HISTORY.get(action, (action.replace("_", " ").capitalize(), "clock"))


def would_do(draft: Draft) -> str:
    """What a plan does, in a few words; a remedy by its own name."""
    return WAYS[draft.remedy.way][0] if draft.remedy else OUTCOMES[draft.outcome]


def roles(held: frozenset[Role]) -> str:
    return ", ".join(ROLES[role] for role in Role if role in held)


def reason(found: Reason | None) -> str:
    return REASONS[found] if found else "No reason given"


def identity(data: Mapping[str, object]) -> str:
    """Identity matched, where all three facts did; else which fact got which verdict."""
    ticked = [str(one) for one in cast(list[object], data["facts"])]
    verdict = str(data.get("verdict"))
    if verdict == "match" and len(set(ticked) & {str(one) for one in IDENTITY}) == len(IDENTITY):
        return "Identity matched"
    named = ", ".join(NAMES[Fact(one)] for one in ticked if one in set(Fact))
    return f"Identity checked: {named}, {verdict}"


def status(name: str) -> str:
    return STATUS[Status(name)].state if name in set(Status) else name
