"""The states of a case and the legal moves between them: one table, nothing else decides."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What the customer asks for; decides which flow the case takes."""

    REBILL = "rebill"
    DISPUTE = "dispute"
    CANCELLATION = "cancellation"
    CHARGEBACK = "chargeback"


class Reason(StrEnum):
    """Why, in the customer's words; staff may correct it."""

    SHIPPING_DELAY = "shipping_delay"
    SPLIT_CARDS = "split_cards"
    CARD_NOT_PREFERRED = "card_not_preferred"
    CARD_NOT_ACCESSIBLE = "card_not_accessible"
    CANCEL_ORDER = "cancel_order"
    DUPLICATE = "duplicate"
    AFTER_CANCELLATION = "after_cancellation"
    MODULE_UNUSED = "module_unused"
    NOT_RECOGNISED = "not_recognised"
    DISSATISFIED = "dissatisfied"


REBILL_REASONS = (
    Reason.SHIPPING_DELAY,
    Reason.SPLIT_CARDS,
    Reason.CARD_NOT_PREFERRED,
    Reason.CARD_NOT_ACCESSIBLE,
)
DISPUTE_REASONS = (
    Reason.DUPLICATE,
    Reason.AFTER_CANCELLATION,
    Reason.MODULE_UNUSED,
    Reason.NOT_RECOGNISED,
    Reason.DISSATISFIED,
)


class Status(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    TRIAGE = "triage"
    NEEDS_CUSTOMER = "needs_customer"
    PROPOSED = "proposed"
    APPROVED = "approved"
    AUDITING = "auditing"
    REFUNDING = "refunding"
    PARTLY_REFUNDED = "partly_refunded"
    REFUNDED = "refunded"
    RECHARGING = "recharging"
    NEEDS_AUTHENTICATION = "needs_authentication"
    NEEDS_NEW_CARD = "needs_new_card"
    RECHARGED = "recharged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LOCKED_CHARGEBACK = "locked_chargeback"
    LOCKED_FRAUD = "locked_fraud"
    REFUND_FAILED_LATE = "refund_failed_late"


class Action(StrEnum):
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    CLAIM = "claim"
    ASK_CUSTOMER = "ask_customer"
    ANSWER = "answer"
    PROPOSE = "propose"
    APPROVE = "approve"
    SEND_BACK = "send_back"
    DECLINE = "decline"
    VOID_PLAN = "void_plan"
    START_AUDIT = "start_audit"
    FINISH_AUDIT = "finish_audit"
    START_REFUNDS = "start_refunds"
    REFUND_FAILED = "refund_failed"
    CONFIRM_REFUNDS = "confirm_refunds"
    START_RECHARGE = "start_recharge"
    REQUIRE_AUTHENTICATION = "require_authentication"
    AUTHENTICATE = "authenticate"
    REQUIRE_NEW_CARD = "require_new_card"
    CONFIRM_RECHARGE = "confirm_recharge"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    LOCK_CHARGEBACK = "lock_chargeback"
    LOCK_FRAUD = "lock_fraud"
    UNLOCK = "unlock"
    FAIL_LATE = "fail_late"


S, A = Status, Action

FINAL = frozenset({S.RESOLVED, S.DECLINED, S.WITHDRAWN})
LOCKED = frozenset({S.LOCKED_CHARGEBACK, S.LOCKED_FRAUD})
OPEN = frozenset(set(S) - FINAL - {S.DRAFT})
# Money of an approved plan may be under way: a withdrawal is too late, an edit is impossible.
EXECUTING = frozenset(
    {
        S.APPROVED,
        S.AUDITING,
        S.REFUNDING,
        S.PARTLY_REFUNDED,
        S.REFUNDED,
        S.RECHARGING,
        S.NEEDS_AUTHENTICATION,
        S.RECHARGED,
    }
)
# Where an agent or manager may prepare the next plan version.
PLANNABLE = frozenset(
    {
        S.TRIAGE,
        S.PARTLY_REFUNDED,
        S.NEEDS_NEW_CARD,
        S.REFUND_FAILED_LATE,
        S.REOPENED,
    }
)

_STEPS: dict[tuple[Status, Action], Status] = {
    (S.DRAFT, A.SUBMIT): S.SUBMITTED,
    (S.DRAFT, A.WITHDRAW): S.WITHDRAWN,
    (S.SUBMITTED, A.CLAIM): S.TRIAGE,
    (S.TRIAGE, A.ASK_CUSTOMER): S.NEEDS_CUSTOMER,
    (S.NEEDS_CUSTOMER, A.ANSWER): S.TRIAGE,
    (S.PROPOSED, A.SEND_BACK): S.TRIAGE,
    (S.PROPOSED, A.APPROVE): S.APPROVED,
    (S.APPROVED, A.START_AUDIT): S.AUDITING,
    # The amount is confirmed again by a manager once the audit is over.
    (S.AUDITING, A.FINISH_AUDIT): S.PROPOSED,
    (S.AUDITING, A.VOID_PLAN): S.TRIAGE,
    (S.APPROVED, A.START_REFUNDS): S.REFUNDING,
    (S.APPROVED, A.START_RECHARGE): S.RECHARGING,
    (S.APPROVED, A.RESOLVE): S.RESOLVED,
    (S.APPROVED, A.VOID_PLAN): S.TRIAGE,
    (S.REFUNDING, A.REFUND_FAILED): S.PARTLY_REFUNDED,
    (S.REFUNDING, A.CONFIRM_REFUNDS): S.REFUNDED,
    (S.REFUNDED, A.START_RECHARGE): S.RECHARGING,
    (S.REFUNDED, A.RESOLVE): S.RESOLVED,
    (S.RECHARGING, A.REQUIRE_AUTHENTICATION): S.NEEDS_AUTHENTICATION,
    (S.RECHARGING, A.REQUIRE_NEW_CARD): S.NEEDS_NEW_CARD,
    (S.RECHARGING, A.CONFIRM_RECHARGE): S.RECHARGED,
    (S.NEEDS_AUTHENTICATION, A.AUTHENTICATE): S.RECHARGING,
    (S.NEEDS_AUTHENTICATION, A.REQUIRE_NEW_CARD): S.NEEDS_NEW_CARD,
    (S.NEEDS_AUTHENTICATION, A.CONFIRM_RECHARGE): S.RECHARGED,
    (S.RECHARGED, A.RESOLVE): S.RESOLVED,
    (S.RESOLVED, A.REOPEN): S.REOPENED,
    (S.DECLINED, A.REOPEN): S.REOPENED,
    (S.REOPENED, A.CLAIM): S.TRIAGE,
}
_FROM_MANY: tuple[tuple[frozenset[Status], Action, Status], ...] = (
    (PLANNABLE, A.PROPOSE, S.PROPOSED),
    (frozenset({S.SUBMITTED, S.TRIAGE, S.NEEDS_CUSTOMER, S.PROPOSED}), A.WITHDRAW, S.WITHDRAWN),
    (frozenset({S.TRIAGE, S.PROPOSED, S.REOPENED}), A.DECLINE, S.DECLINED),
    # A late failure is heard of in any state that comes after a confirmed refund.
    (
        frozenset(
            {
                S.REFUNDING,
                S.PARTLY_REFUNDED,
                S.REFUNDED,
                S.RECHARGING,
                S.NEEDS_AUTHENTICATION,
                S.NEEDS_NEW_CARD,
                S.RECHARGED,
                S.RESOLVED,
                S.REOPENED,
                S.TRIAGE,
                S.PROPOSED,
                S.APPROVED,
            }
        ),
        A.FAIL_LATE,
        S.REFUND_FAILED_LATE,
    ),
    # The bank's process, and fraud, stop everything that is open; drafts and closed cases have
    # nothing to stop.
    (OPEN - LOCKED, A.LOCK_CHARGEBACK, S.LOCKED_CHARGEBACK),
    (frozenset({S.LOCKED_FRAUD}), A.LOCK_CHARGEBACK, S.LOCKED_CHARGEBACK),
    (OPEN - LOCKED, A.LOCK_FRAUD, S.LOCKED_FRAUD),
    # Security pays a charge back that was fraud, while the account stays frozen.
    (frozenset({S.LOCKED_FRAUD}), A.PROPOSE, S.PROPOSED),
    # Whoever owns the lock gives the case back to triage; money is planned and approved anew.
    (LOCKED, A.UNLOCK, S.TRIAGE),
    (LOCKED, A.RESOLVE, S.RESOLVED),
    (LOCKED, A.DECLINE, S.DECLINED),
)


def _table() -> Mapping[tuple[Status, Action], Status]:
    moves = dict(_STEPS)
    for origins, action, target in _FROM_MANY:
        for origin in origins:
            assert (origin, action) not in moves, f"decided twice: {origin} {action}"
            moves[(origin, action)] = target
    return MappingProxyType(moves)


MOVES = _table()


def target(status: Status, action: Action) -> Status | None:
    """The state that `action` leads to from `status`, or None when the move is not legal."""
    return MOVES.get((status, action))


def actions_from(status: Status) -> frozenset[Action]:
    return frozenset(action for (origin, action) in MOVES if origin is status)
