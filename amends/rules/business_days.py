"""Business days of one country, counted with its public holidays named."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from typing import Final

import holidays

_LANGUAGE: Final = "en_US"  # Pages and mails are in English.
_YEARS_KEPT: Final = 256
_ANY_YEAR: Final = 2026  # Loaded only to see that the calendar exists.
_SPREAD_YEARS: Final = 100  # A count that leaves this range is a mistake, not a promise.
# Names as people say them; the library gives the official ones.
_SPOKEN: Final = {
    "Thanksgiving Day": "Thanksgiving",
    "Juneteenth National Independence Day": "Juneteenth",
}


class UnknownCountry(ValueError):
    """No holiday calendar exists for the country code in the settings."""


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day that does not count although its weekday would."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The business days of a country (ISO 3166 alpha-2) or of one of its subdivisions."""

    country: str
    subdivision: str | None = None

    def __post_init__(self) -> None:
        _load(self.country, self.subdivision, _ANY_YEAR)

    @property
    def version(self) -> str:
        """Stored beside every date computed, since holidays change from release to release."""
        return f"{_place(self.country, self.subdivision)}/holidays-{version('holidays')}"

    def is_business_day(self, day: date) -> bool:
        days = self._year(day.year).business_days
        index = bisect_right(days, day)
        return index > 0 and days[index - 1] == day

    def add(self, day: date, n: int) -> date:
        """The n-th business day after `day`, which itself never counts.

        With n = 0: the day itself, or the next business day if it is none.
        """
        if n < 0:
            raise ValueError("business days are counted forwards")
        if n == 0 and self.is_business_day(day):
            return day
        left = max(n, 1) + bisect_right(self._year(day.year).business_days, day)
        for year in range(day.year, day.year + _SPREAD_YEARS):
            days = self._year(year).business_days
            if left <= len(days):
                return days[left - 1]
            left -= len(days)
        raise ValueError(f"{n} business days after {day} is too far ahead")

    def count(self, start: date, end: date) -> int:
        """Business days after `start` up to and including `end`; 0 if end is not later.

        `count(day, add(day, n)) == n` for every n above zero.
        """
        return len(self.between(start, end))

    def between(self, start: date, end: date) -> tuple[date, ...]:
        """The days that `count` counts, in order."""
        if end.year - start.year > _SPREAD_YEARS:
            raise ValueError(f"{start} to {end} is too long to count")
        years = (self._year(year) for year in range(start.year, end.year + 1))
        return tuple(day for year in years for day in _slice(year.business_days, start, end))

    def named_holidays_between(self, start: date, end: date) -> tuple[Holiday, ...]:
        """Holidays after `start` up to and including `end` that cost a business day."""
        years = (self._year(year) for year in range(start.year, end.year + 1))
        return tuple(off for year in years for off in year.holidays if start < off.day <= end)

    def _year(self, year: int) -> "_Year":
        return _load(self.country, self.subdivision, year)


@dataclass(frozen=True, slots=True)
class _Year:
    business_days: tuple[date, ...]
    holidays: tuple[Holiday, ...]


@lru_cache(maxsize=_YEARS_KEPT)
def _load(country: str, subdivision: str | None, year: int) -> _Year:
    table = _table(country, subdivision, year)
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    days = [date.fromordinal(ordinal) for ordinal in range(first, last + 1)]
    working = tuple(day for day in days if table.is_working_day(day))
    off = (day for day in days if day in table and not table.is_weekend(day))
    return _Year(working, tuple(Holiday(day, _name(table.get_list(day))) for day in off))


def _table(country: str, subdivision: str | None, year: int) -> holidays.HolidayBase:
    try:
        # expand=False: the table must not grow, and change, when other years are looked up.
        return holidays.country_holidays(
            country, subdiv=subdivision, years=year, expand=False, language=_LANGUAGE
        )
    except NotImplementedError as unknown:
        place = _place(country, subdivision)
        raise UnknownCountry(f"there is no holiday calendar for {place!r}") from unknown


def _place(country: str, subdivision: str | None) -> str:
    return country if subdivision is None else f"{country}-{subdivision}"


def _slice(days: tuple[date, ...], start: date, end: date) -> tuple[date, ...]:
    return days[bisect_right(days, start) : bisect_right(days, end)]


def _name(official: list[str]) -> str:
    """One spoken name, without "(observed)": the date beside it says which day is meant."""
    plain = dict.fromkeys(name.split(" (")[0] for name in official)
    return " and ".join(_SPOKEN.get(name, name) for name in plain)
