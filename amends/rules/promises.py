"""Dates told to customers, and the sentences that tell them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Final

from babel import dates

from amends.rules import business_days

# 5 to 10 business days until a refund shows on a statement: the figure Stripe states and both
# process articles repeat.
REFUND_FIRST_BUSINESS_DAYS: Final = 5
REFUND_LAST_BUSINESS_DAYS: Final = 10
AUDIT_BUSINESS_DAYS: Final = 60  # Internal audit of a cancellation: the re-billing article.
REPLY_BUSINESS_DAYS: Final = 1  # Our own promise for the first answer in writing.

_RANGE: Final = f"{REFUND_FIRST_BUSINESS_DAYS}–{REFUND_LAST_BUSINESS_DAYS} business days"
_DAYS_PER_MONTH: Final = 30.44
_NUMBERS: Final = ("zero", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True, slots=True)
class Window:
    """The days between which a refund sent on `sent_on` shows on a statement, both included."""

    sent_on: date
    first: date
    last: date
    named_holidays: tuple[business_days.Holiday, ...]

    def passed(self, today: date) -> bool:
        return today > self.last


@dataclass(frozen=True, slots=True)
class Audit:
    """A cancellation's audit, and the window of the refund if it is sent on the last day of it."""

    started_on: date
    ends_on: date
    business_days: int
    refund: Window


def local_day(at: datetime, tz: tzinfo) -> date:
    """The calendar day of a moment where the business is."""
    if at.tzinfo is None:
        raise ValueError("a moment without a time zone has no calendar day")
    return at.astimezone(tz).date()


@lru_cache(maxsize=4096)
def refund_window(sent_on: date, calendar: business_days.Calendar) -> Window:
    first = calendar.add(sent_on, REFUND_FIRST_BUSINESS_DAYS)
    last = calendar.add(sent_on, REFUND_LAST_BUSINESS_DAYS)
    return kept_window(sent_on, first, last, calendar)


def kept_window(sent_on: date, first: date, last: date, calendar: business_days.Calendar) -> Window:
    """A window from dates stored earlier: a promise stays as given when the calendar changes."""
    return Window(sent_on, first, last, calendar.named_holidays_between(sent_on, last))


def latest(windows: Iterable[Window]) -> Window:
    """The window for a headline over several refunds: the one that ends last."""
    return max(windows, key=lambda window: (window.last, window.first))


def audit_window(started_on: date, calendar: business_days.Calendar, extended_by: int = 0) -> Audit:
    """`extended_by`: business days that auditors added, with their reason on the case."""
    length = AUDIT_BUSINESS_DAYS + extended_by
    ends_on = calendar.add(started_on, length)
    return Audit(started_on, ends_on, length, refund_window(ends_on, calendar))


def reply_by(submitted_at: datetime, calendar: business_days.Calendar, tz: tzinfo) -> date:
    return calendar.add(local_day(submitted_at, tz), REPLY_BUSINESS_DAYS)


# --- Words. `today` decides whether a year must be said. ---------------------------------------


def day_words(day: date, today: date) -> str:
    """Wed, Dec 2 in this year; Tue, Mar 2, 2027 in another."""
    return _written(day, _with_year("EEE, MMM d", day, today))


def between_words(window: Window, today: date) -> str:
    """between Wed, Dec 2 and Wed, Dec 9"""
    first = _first_of_pair(window.first, window.last, today)
    return f"between {day_words(window.first, first)} and {day_words(window.last, today)}"


def range_words(window: Window, today: date) -> str:
    """Dec 2 to Dec 9, for headings and narrow columns."""
    first = _first_of_pair(window.first, window.last, today)
    return f"{_short(window.first, first)} to {_short(window.last, today)}"


def refund_sentence(window: Window, today: date) -> str:
    return f"Expect it on your statement {between_words(window, today)}."


def why_sentences(window: Window, today: date) -> str:
    """Why these dates: the count and every day that does not count."""
    start = "today" if window.sent_on == today else day_words(window.sent_on, today)
    return f"That is {_RANGE} from {start}. {not_counted_sentence(window.named_holidays, today)}"


def not_counted_sentence(named: tuple[business_days.Holiday, ...], today: date) -> str:
    """Thanksgiving (Nov 26) and weekends do not count."""
    if not named:
        return "Weekends do not count."
    holidays = ", ".join(f"{holiday.name} ({_short(holiday.day, today)})" for holiday in named)
    return f"{holidays} and weekends do not count."


def late_sentence(window: Window, today: date) -> str:
    return f"If it is not there after {day_words(window.last, today)}, write to us."


def unsent_sentence() -> str:
    """For a refund that is not sent yet: it has no dates, so none are named."""
    return (
        f"Once we send it, a refund takes {_RANGE} to show on your statement. "
        "How fast depends on your bank."
    )


def audit_sentences(audit: Audit, today: date) -> str:
    return (
        f"Our internal audit takes about {audit.business_days} business days, "
        f"{_months(audit)}. We expect it to end by {day_words(audit.ends_on, today)}. "
        f"After that, expect the refund on your statement {between_words(audit.refund, today)}."
    )


def audit_progress_sentence(audit: Audit, calendar: business_days.Calendar, today: date) -> str:
    day = calendar.count(audit.started_on, today)
    return (
        f"In our internal audit, day {day} of about {audit.business_days} business days. "
        f"We expect it to end by {day_words(audit.ends_on, today)}."
    )


def reply_sentence(answer_on: date, today: date) -> str:
    return f"We check the charge and write to you by {day_words(answer_on, today)}."


def _short(day: date, today: date) -> str:
    return _written(day, _with_year("MMM d", day, today))


@lru_cache(maxsize=4096)
def _written(day: date, pattern: str) -> str:
    """Kept: a page names few days, many times each, and the library takes its time."""
    return dates.format_date(day, pattern, locale="en_US")


def _with_year(pattern: str, day: date, today: date) -> str:
    return pattern if day.year == today.year else f"{pattern}, y"


def _first_of_pair(first: date, last: date, today: date) -> date:
    # Two dates of one year say it once, at the end; so the first is read from the last.
    return last if first.year == last.year else today


def _months(audit: Audit) -> str:
    count = round((audit.ends_on - audit.started_on).days / _DAYS_PER_MONTH)
    word = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return f"about {word} months"
