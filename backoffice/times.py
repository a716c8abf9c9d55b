"""Times as a desk reads them: Today 4:30 pm, Tomorrow 10:00 am, Feb 4, Overdue 2 h."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import dates

from amends import clock, settings

_JUST_NOW = timedelta(seconds=3)
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def due(at: datetime, now: datetime | None = None) -> str:
    """When something is due, or for how long it has been. A list asks the clock once."""
    now = now or clock.now()
    if at < now:
        return f"Overdue {span(now - at)}"
    local, today = at.astimezone(_zone()), now.astimezone(_zone()).date()
    if local.date() == today:
        return f"Today {_time(local)}"
    if local.date() == today + _DAY:
        return f"Tomorrow {_time(local)}"
    return _day(local.date(), today)


def due_words(at: datetime) -> str:
    """The same within a sentence: Due tomorrow 10:00 am."""
    words = due(at)
    if words.startswith("Overdue"):
        return words
    return f"Due {words.replace('To', 'to', 1) if words.startswith('To') else words}"


def ago(at: datetime, now: datetime | None = None) -> str:
    """How long since: just now, 40 seconds ago."""
    passed = (now or clock.now()) - at
    if passed < _JUST_NOW:
        return "just now"
    if passed < _MINUTE:
        return f"{int(passed.total_seconds())} seconds ago"
    return f"{span(passed)} ago"


def day(value: date) -> str:
    """Feb 4; with the year where it is another one."""
    if isinstance(value, datetime):
        value = value.astimezone(_zone()).date()
    return _day(value, clock.now().astimezone(_zone()).date())


def _day(value: date, today: date) -> str:
    return _written(value, "MMM d" if value.year == today.year else "MMM d, y")


def iso_day(at: datetime) -> str:
    """2026-02-04, for a date field: the day where the business is."""
    return at.astimezone(_zone()).date().isoformat()


@lru_cache(maxsize=4096)
def _written(value: date, pattern: str) -> str:
    """Kept: a page names few days, many times each."""
    return dates.format_date(value, pattern, locale="en_US")


def span(length: timedelta) -> str:
    """2 h, 3 d; minutes below an hour."""
    if length < _HOUR:
        return f"{max(1, int(length.total_seconds() // 60))} min"
    return f"{length // _HOUR} h" if length < 2 * _DAY else f"{length // _DAY} d"


def _time(local: datetime) -> str:
    half = "am" if local.hour < 12 else "pm"
    return f"{local.hour % 12 or 12}:{local.minute:02d} {half}"


def _zone() -> ZoneInfo:
    return ZoneInfo(settings.load().time_zone)
