"""How amounts and times read on a page; filters of the templates."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import dates

from amends import clock
from amends.rules import quoting
from amends.rules.money import Money, format_money

_LOCALE = "en_US"
_STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (30, "day"), (12, "month"))


def money(amount_minor: int, currency: str) -> str:
    """`{{ amount_minor | money(currency) }}` gives $1,200.00."""
    return _money(int(amount_minor), currency.lower())


@lru_cache(maxsize=4096)
def _money(minor: int, currency: str) -> str:
    return format_money(Money(minor, currency))


def iso(value: date) -> str:
    """For the datetime attribute of a time element."""
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()


def ago(value: datetime) -> str:
    """`4 seconds ago`; in the future, `in 3 days`."""
    seconds = int((clock.now() - value).total_seconds())
    words = _span(abs(seconds))
    return f"in {words}" if seconds < 0 else f"{words} ago"


def _span(count: int) -> str:
    for size, unit in _STEPS:
        if count < size:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
        count //= size
    return "1 year" if count == 1 else f"{count} years"


def filters(time_zone: str) -> dict[str, Callable[..., Any]]:
    """All of them; days and times are those of the company's time zone."""
    zone = ZoneInfo(time_zone)

    def _written(pattern: str) -> Callable[[date], str]:
        return lambda value: _day(_local(value, zone), pattern)

    return {
        "parted": quoting.parted,
        "money": money,
        "iso": iso,
        "ago": ago,
        "day": _written("EEE, MMM d"),
        "day_long": _written("EEE, MMM d, y"),
        "clock_time": lambda value: _clock_time(value.astimezone(zone)),
    }


@lru_cache(maxsize=4096)
def _day(value: date, pattern: str) -> str:
    """Kept: a page names few days, many times each."""
    return dates.format_date(value, pattern, locale=_LOCALE)


def _local(value: date, zone: ZoneInfo) -> date:
    return value.astimezone(zone).date() if isinstance(value, datetime) else value


def _clock_time(local: datetime) -> str:
    hour = local.hour % 12 or 12
    half = "am" if local.hour < 12 else "pm"
    day = _day(local.date(), "MMM d")
    return f"{day}, {hour}:{local.minute:02d} {half}"
