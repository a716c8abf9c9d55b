"""Billing periods: adding months and years to a moment, as Stripe does, from an anchor day."""

import calendar
from datetime import UTC, datetime, timedelta

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


def later(start: int, interval: str, count: int) -> int:
    """The same time of day, one term on; the 31st becomes the last day of a short month."""
    moment = datetime.fromtimestamp(start, UTC)
    if interval in _DAYS:
        return int((moment + timedelta(days=_DAYS[interval] * count)).timestamp())
    return int(_months_on(moment, _MONTHS[interval] * count).timestamp())


def earlier(end: int, interval: str, count: int) -> int:
    """The start of the term that ends then."""
    return later(end, interval, -count)


def _months_on(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def unused(amount_minor: int, start: int, end: int, moment: int) -> int:
    """The part of an amount that pays for the time after a moment, to the second, rounded."""
    if end <= start:
        return 0
    left = min(max(end - moment, 0), end - start)
    return (amount_minor * left * 2 + (end - start)) // (2 * (end - start))
