"""When an attempt may be sent again, and what a look at Stripe makes of a leg. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from amends.rules.plan import LegState

# A decided call is sent within this time or dropped, long before its key can expire.
SEND_DEADLINE_S = 30.0
# Stripe keeps v1 keys for at least 24 hours; after 20 we no longer rely on one.
KEY_LIVES = timedelta(hours=20)
# A call that we gave up on may still be on the wire: no new key before this has passed.
IN_FLIGHT = timedelta(minutes=5)
# When an unknown outcome is asked for: after 1 minute, 5 minutes, 1 hour, then daily.
LOOKUPS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
MAX_KEYS = 5
# A confirmed refund is watched for 35 days: Stripe speaks of failures up to 30 days later.
WATCH = timedelta(days=35)
WATCH_LOOKS = tuple(timedelta(days=days) for days in (1, 3, 7, 14, 21, 28, 35))

NO_ANSWER = "no_answer"
STORED_500 = "stored_500"
KEY_MISMATCH = "key_mismatch"
REFUSED = "refused:"


class Next(StrEnum):
    """What follows when a look-up has shown that nothing happened yet."""

    WAIT = "wait"
    RESEND = "resend"
    NEW_KEY = "new_key"
    FAIL = "fail"
    ASK_A_PERSON = "ask_a_person"


@dataclass(frozen=True)
class Sent:
    """An attempt as far as these rules care."""

    key_number: int
    first_sent_at: datetime
    last_sent_at: datetime
    error_code: str = ""


def after_absence(sent: Sent, now: datetime) -> Next:
    """The one decision that could send money twice. `now` is from before the look-up began."""
    if sent.error_code == KEY_MISMATCH:
        return Next.ASK_A_PERSON
    if sent.error_code.startswith(REFUSED):
        # An earlier send of this key may still arrive and be carried out.
        return Next.FAIL if wire_is_empty(sent, now) else Next.WAIT
    if sent.error_code != STORED_500 and now - sent.first_sent_at < KEY_LIVES:
        return Next.RESEND
    if not wire_is_empty(sent, now):
        return Next.WAIT
    # Absence is proven and nothing can arrive any more: the leg ends, and people plan anew.
    return Next.NEW_KEY if sent.key_number < MAX_KEYS else Next.FAIL


def wire_is_empty(sent: Sent, now: datetime) -> bool:
    """Whether no earlier send of this attempt can still arrive."""
    return now - sent.last_sent_at >= IN_FLIGHT


def next_lookup(lookups: int, now: datetime) -> datetime:
    return now + LOOKUPS[min(lookups, len(LOOKUPS) - 1)]


def next_watch(confirmed_at: datetime, now: datetime) -> datetime | None:
    """The next look at a confirmed refund, or None when the watch is over."""
    due = (confirmed_at + look for look in WATCH_LOOKS)
    return next((moment for moment in due if moment > now), None)


class Change(StrEnum):
    """What a look at Stripe means for a leg."""

    NONE = "none"
    STEP = "step"
    LATE_FAILURE = "late_failure"
    STRANGE = "strange"


_REFUND_STATES = {
    "pending": LegState.PENDING,
    "requires_action": LegState.PENDING,
    "succeeded": LegState.SUCCEEDED,
    "failed": LegState.FAILED,
    "canceled": LegState.CANCELED,
}


@dataclass(frozen=True)
class Seen:
    change: Change
    state: LegState


def refund_seen(state: LegState, status: str) -> Seen:
    """The leg's next state when Stripe shows `status`. Never goes back; unknown words stop."""
    seen = _REFUND_STATES.get(status)
    if seen is None:
        return Seen(Change.STRANGE, state)
    if seen is state:
        return Seen(Change.NONE, state)
    match state:
        case LegState.SUCCEEDED if seen in (LegState.FAILED, LegState.CANCELED):
            return Seen(Change.LATE_FAILURE, LegState.FAILED)
        case LegState.SUCCEEDED | LegState.FAILED | LegState.CANCELED:
            return Seen(Change.NONE, state)
        case _:
            return Seen(Change.STEP, seen)


class IntentChange(StrEnum):
    """What a PaymentIntent's state means for the recharge."""

    CHARGED = "charged"
    PROCESSING = "processing"
    WANTS_CUSTOMER = "wants_customer"
    AUTHENTICATE = "authenticate"
    DECLINED = "declined"
    CANCELED = "canceled"
    NOT_CONFIRMED = "not_confirmed"
    STRANGE = "strange"


# The bank wants the cardholder, or the cardholder did not manage: asking again is fine.
_AUTHENTICATION = frozenset({"authentication_required", "payment_intent_authentication_failure"})


def intent_seen(status: str, error_code: str) -> IntentChange:
    """The one reading of a PaymentIntent's status; words not known here stop the case."""
    match status:
        case "succeeded":
            return IntentChange.CHARGED
        case "processing":
            return IntentChange.PROCESSING
        case "requires_action":
            return IntentChange.WANTS_CUSTOMER
        case "canceled":
            return IntentChange.CANCELED
        case "requires_confirmation":
            return IntentChange.NOT_CONFIRMED
        case "requires_payment_method" if error_code in _AUTHENTICATION:
            return IntentChange.AUTHENTICATE
        case "requires_payment_method" if error_code:
            return IntentChange.DECLINED
    return IntentChange.STRANGE
