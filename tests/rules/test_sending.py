"""When an attempt may be sent again: the decisions that could send money twice."""

from datetime import UTC, datetime, timedelta

import pytest

from amends.rules import sending
from amends.rules.plan import LegState
from amends.rules.sending import Change, IntentChange, Next, Sent

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


def sent(first: timedelta, last: timedelta | None = None, error: str = "", number: int = 1) -> Sent:
    return Sent(number, NOW - first, NOW - (first if last is None else last), error)


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (sent(MINUTE), Next.RESEND),
        (sent(19 * HOUR), Next.RESEND),
        (sent(20 * HOUR), Next.NEW_KEY),
        (sent(25 * HOUR, MINUTE), Next.WAIT),
        (sent(25 * HOUR, 6 * MINUTE), Next.NEW_KEY),
        (sent(MINUTE, MINUTE, sending.STORED_500), Next.WAIT),
        (sent(6 * MINUTE, 6 * MINUTE, sending.STORED_500), Next.NEW_KEY),
        (sent(6 * MINUTE, 6 * MINUTE, sending.STORED_500, 5), Next.FAIL),
        (sent(21 * HOUR, 6 * MINUTE, sending.KEY_MISMATCH), Next.ASK_A_PERSON),
        (sent(MINUTE, MINUTE, sending.REFUSED + "charge_disputed"), Next.WAIT),
        (sent(6 * MINUTE, 6 * MINUTE, sending.REFUSED + "charge_disputed"), Next.FAIL),
        (sent(MINUTE, MINUTE, sending.NO_ANSWER), Next.RESEND),
    ],
)
def test_it_decides_what_follows_a_proven_absence(attempt: Sent, expected: Next) -> None:
    assert sending.after_absence(attempt, NOW) is expected


def test_it_asks_after_a_minute_five_minutes_an_hour_then_daily() -> None:
    waits = [sending.next_lookup(number, NOW) - NOW for number in range(6)]
    assert waits == [MINUTE, 5 * MINUTE, HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR]


@pytest.mark.parametrize(
    ("state", "status", "change", "then"),
    [
        (LegState.SENDING, "pending", Change.STEP, LegState.PENDING),
        (LegState.UNKNOWN, "succeeded", Change.STEP, LegState.SUCCEEDED),
        (LegState.PENDING, "failed", Change.STEP, LegState.FAILED),
        (LegState.PENDING, "canceled", Change.STEP, LegState.CANCELED),
        (LegState.SUCCEEDED, "pending", Change.NONE, LegState.SUCCEEDED),
        (LegState.SUCCEEDED, "failed", Change.LATE_FAILURE, LegState.FAILED),
        (LegState.FAILED, "succeeded", Change.NONE, LegState.FAILED),
        (LegState.PENDING, "gone_fishing", Change.STRANGE, LegState.PENDING),
    ],
)
def test_a_leg_never_goes_back(
    state: LegState, status: str, change: Change, then: LegState
) -> None:
    assert sending.refund_seen(state, status) == sending.Seen(change, then)


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        ("succeeded", "", IntentChange.CHARGED),
        ("processing", "", IntentChange.PROCESSING),
        ("requires_action", "", IntentChange.WANTS_CUSTOMER),
        ("requires_confirmation", "", IntentChange.NOT_CONFIRMED),
        ("requires_payment_method", "authentication_required", IntentChange.AUTHENTICATE),
        ("requires_payment_method", "card_declined", IntentChange.DECLINED),
        ("requires_payment_method", "", IntentChange.STRANGE),
        ("canceled", "", IntentChange.CANCELED),
        ("a_new_word", "", IntentChange.STRANGE),
    ],
)
def test_it_reads_an_intent_one_way(status: str, error: str, expected: IntentChange) -> None:
    assert sending.intent_seen(status, error) is expected


@pytest.mark.parametrize(("days", "expected"), [(0, 1), (1, 3), (8, 14), (34, 35)])
def test_it_watches_a_confirmed_refund_for_35_days(days: int, expected: int) -> None:
    confirmed = NOW - timedelta(days=days)
    assert sending.next_watch(confirmed, NOW) == confirmed + timedelta(days=expected)


def test_the_watch_ends() -> None:
    assert sending.next_watch(NOW - timedelta(days=35), NOW) is None
