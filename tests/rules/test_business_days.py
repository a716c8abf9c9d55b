"""Business days: known answers, and an oracle written without the holidays library."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amends.rules import business_days
from amends.rules.business_days import Calendar, Holiday

US, DE, ENGLAND = Calendar("US"), Calendar("DE"), Calendar("GB", "ENG")
NOV_24 = date(2026, 11, 24)
ONE_DAY = timedelta(1)
YEARS = range(2016, 2036)


# --- Known answers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        (NOV_24, 5, date(2026, 12, 2)),
        (NOV_24, 10, date(2026, 12, 9)),
        (NOV_24, 60, date(2027, 2, 23)),
        (date(2027, 2, 23), 5, date(2027, 3, 2)),
        (date(2027, 2, 23), 10, date(2027, 3, 9)),
        (date(2026, 11, 20), 1, date(2026, 11, 23)),
        (date(2026, 11, 25), 1, date(2026, 11, 27)),
        (date(2026, 12, 31), 1, date(2027, 1, 4)),
        (date(2021, 12, 30), 1, date(2022, 1, 3)),
        (date(2028, 2, 28), 1, date(2028, 2, 29)),
        (date(2027, 2, 26), 1, date(2027, 3, 1)),
    ],
)
def test_it_finds_the_nth_business_day(start, n, expected):
    assert US.add(start, n) == expected
    assert US.count(start, expected) == n


def test_zero_days_rolls_forward_to_a_business_day():
    assert US.add(NOV_24, 0) == NOV_24
    assert US.add(date(2026, 11, 26), 0) == date(2026, 11, 27)
    assert US.add(date(2026, 12, 25), 0) == date(2026, 12, 28)


def test_it_names_the_holidays_that_cost_a_business_day():
    assert US.named_holidays_between(NOV_24, date(2026, 12, 9)) == (
        Holiday(date(2026, 11, 26), "Thanksgiving"),
    )
    names = [h.name for h in US.named_holidays_between(NOV_24, date(2027, 3, 9))]
    assert names == [
        "Thanksgiving",
        "Christmas Day",
        "New Year's Day",
        "Martin Luther King Jr. Day",
        "Washington's Birthday",
    ]


def test_a_holiday_on_a_saturday_is_named_on_the_day_it_is_kept():
    kept = US.named_holidays_between(date(2026, 7, 1), date(2026, 7, 10))
    assert kept == (Holiday(date(2026, 7, 3), "Independence Day"),)


def test_the_first_day_is_left_out_and_the_last_day_is_counted():
    thanksgiving = date(2026, 11, 26)
    assert US.named_holidays_between(thanksgiving, date(2026, 11, 30)) == ()
    assert len(US.named_holidays_between(NOV_24, thanksgiving)) == 1
    assert US.between(NOV_24, date(2026, 11, 30)) == (
        date(2026, 11, 25),
        date(2026, 11, 27),
        date(2026, 11, 30),
    )


def test_nothing_lies_between_a_day_and_an_earlier_one():
    assert US.count(NOV_24, NOV_24) == US.count(NOV_24, date(2025, 1, 1)) == 0
    assert US.named_holidays_between(date(2026, 12, 9), NOV_24) == ()


def test_it_follows_weekends_and_make_up_days_of_other_countries():
    assert Calendar("SA").is_business_day(date(2026, 11, 22))  # Sunday
    assert not Calendar("SA").is_business_day(date(2026, 11, 20))  # Friday
    assert Calendar("CN").is_business_day(date(2026, 2, 14))  # Saturday worked for the new year


def test_it_says_which_edition_of_the_calendar_answered():
    assert US.version.startswith("US/holidays-")
    assert ENGLAND.version.startswith("GB-ENG/holidays-")


@pytest.mark.parametrize("place", [("XX",), ("",), ("us",), ("US", "QQ")])
def test_it_refuses_a_country_it_does_not_know(place):
    with pytest.raises(business_days.UnknownCountry, match="no holiday calendar"):
        Calendar(*place)


def test_it_refuses_to_count_backwards_or_for_ever():
    with pytest.raises(ValueError, match="forwards"):
        US.add(NOV_24, -1)
    with pytest.raises(ValueError, match="too far"):
        US.add(NOV_24, 30_000)
    with pytest.raises(ValueError, match="too long"):
        US.count(date(1, 1, 1), date(9999, 1, 1))


def test_an_answer_does_not_depend_on_what_was_asked_before():
    business_days._load.cache_clear()
    alone = US.add(date(2027, 12, 30), 3)
    for year in range(2010, 2040):
        US.add(date(year, 1, 1), 200)
    assert US.add(date(2027, 12, 30), 3) == alone == date(2028, 1, 5)


# --- An independent oracle: the holiday laws themselves ----------------------------------------


def weekday_of_month(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))


def last_monday(year: int, month: int) -> date:
    fifth = weekday_of_month(year, month, 0, 4) + timedelta(7)
    return fifth if fifth.month == month else fifth - timedelta(7)


def easter(year: int) -> date:
    """The anonymous Gregorian computus."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    ell = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * ell) // 451
    month, day = divmod(h + ell - 7 * m + 114, 31)
    return date(year, month, day + 1)


def us_holidays(year: int) -> set[date]:
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    fixed += [date(year + 1, 1, 1)] + ([date(year, 6, 19)] if year >= 2021 else [])
    near = {5: -1, 6: 1}  # Saturday is kept on Friday, Sunday on Monday.
    kept = {day + timedelta(near.get(day.weekday(), 0)) for day in fixed}
    nth = [(1, 0, 3), (2, 0, 3), (9, 0, 1), (10, 0, 2), (11, 3, 4)]
    return kept | {weekday_of_month(year, *rule) for rule in nth} | {last_monday(year, 5)}


def german_holidays(year: int) -> set[date]:
    fixed = {(1, 1), (5, 1), (10, 3), (12, 25), (12, 26)}
    movable = {easter(year) + timedelta(offset) for offset in (-2, 1, 39, 50)}
    reformation = {date(2017, 10, 31)}  # Nationwide once, for its 500th year.
    return {date(year, *month_day) for month_day in fixed} | movable | reformation


def english_holidays(year: int) -> set[date]:
    once = {date(2020, 5, 8), date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19)}
    once |= {date(2023, 5, 8), easter(year) - timedelta(2), easter(year) + ONE_DAY}
    may = set() if year == 2020 else {weekday_of_month(year, 5, 0, 1)}
    spring = set() if year == 2022 else {last_monday(year, 5)}
    taken = once | may | spring | {last_monday(year, 8)}
    for day in (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)):
        while day.weekday() > 4 or day in taken:
            day += ONE_DAY
        taken.add(day)
    return taken


class Oracle:
    """Counts one day at a time, as a person with a wall calendar would."""

    def __init__(self, rule):
        self.off = set().union(*(rule(year) for year in range(2015, 2038)))

    def is_business_day(self, day: date) -> bool:
        return day.weekday() < 5 and day not in self.off

    def nth(self, day: date, n: int) -> date:
        while n:
            day += ONE_DAY
            n -= self.is_business_day(day)
        return day


PLACES = {
    "US": (US, Oracle(us_holidays)),
    "DE": (DE, Oracle(german_holidays)),
    "GB-ENG": (ENGLAND, Oracle(english_holidays)),
}


def every_day():
    day = date(YEARS.start, 1, 1)
    while day.year < YEARS.stop:
        yield day
        day += ONE_DAY


@pytest.mark.parametrize("place", PLACES)
def test_every_day_of_twenty_years_agrees_with_the_law(place):
    calendar, oracle = PLACES[place]
    wrong = [d for d in every_day() if calendar.is_business_day(d) != oracle.is_business_day(d)]
    assert wrong == []


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("n", "every"), [(1, 1), (5, 1), (10, 1), (60, 5)])
def test_the_nth_business_day_agrees_with_the_oracle_for_twenty_years(place, n, every):
    calendar, oracle = PLACES[place]
    starts = list(every_day())[::every]
    wrong = [day for day in starts if calendar.add(day, n) != oracle.nth(day, n)]
    assert wrong == []


@settings(max_examples=150, deadline=None)
@given(
    place=st.sampled_from(sorted(PLACES)),
    start=st.dates(date(2016, 1, 1), date(2035, 12, 31)),
    n=st.integers(1, 300),
)
def test_adding_and_counting_undo_each_other(place, start, n):
    calendar, oracle = PLACES[place]
    end = calendar.add(start, n)
    days = calendar.between(start, end)
    assert calendar.count(start, end) == len(days) == n
    assert days[-1] == end > start
    assert all(oracle.is_business_day(day) for day in days)
    assert all(a < b for a, b in pairwise(days))


@settings(max_examples=100, deadline=None)
@given(
    place=st.sampled_from(sorted(PLACES)),
    start=st.dates(date(2016, 1, 1), date(2034, 12, 31)),
    length=st.integers(0, 400),
)
def test_weekdays_are_business_days_or_named_holidays(place, start, length):
    calendar, _ = PLACES[place]
    end = start + timedelta(length)
    weekdays = sum((start + timedelta(i)).weekday() < 5 for i in range(1, length + 1))
    named = calendar.named_holidays_between(start, end)
    assert calendar.count(start, end) + len(named) == weekdays
    assert all(holiday.name and "(" not in holiday.name for holiday in named)
