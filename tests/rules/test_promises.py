"""Dates told to customers: computed once, named with their holidays, told in plain words."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amends.rules import promises
from amends.rules.business_days import Calendar, Holiday

US = Calendar("US")
NEW_YORK = ZoneInfo("America/New_York")
NOV_24 = date(2026, 11, 24)
THANKSGIVING = Holiday(date(2026, 11, 26), "Thanksgiving")


def test_a_refund_sent_before_thanksgiving_shows_between_dec_2_and_dec_9():
    window = promises.refund_window(NOV_24, US)
    assert (window.first, window.last) == (date(2026, 12, 2), date(2026, 12, 9))
    assert window.named_holidays == (THANKSGIVING,)


def test_it_tells_priya_the_dates_and_why():
    window = promises.refund_window(NOV_24, US)
    assert promises.between_words(window, NOV_24) == "between Wed, Dec 2 and Wed, Dec 9"
    assert promises.range_words(window, NOV_24) == "Dec 2 to Dec 9"
    assert promises.refund_sentence(window, NOV_24) == (
        "Expect it on your statement between Wed, Dec 2 and Wed, Dec 9."
    )
    assert promises.why_sentences(window, NOV_24) == (
        "That is 5–10 business days from today. Thanksgiving (Nov 26) and weekends do not count."
    )
    assert promises.late_sentence(window, NOV_24) == (
        "If it is not there after Wed, Dec 9, write to us."
    )


def test_on_a_later_day_it_names_the_day_it_was_sent():
    window = promises.refund_window(NOV_24, US)
    words = promises.why_sentences(window, date(2026, 11, 30))
    assert words.startswith("That is 5–10 business days from Tue, Nov 24.")


def test_without_a_holiday_only_weekends_do_not_count():
    window = promises.refund_window(date(2026, 8, 3), US)
    assert promises.why_sentences(window, date(2026, 8, 3)) == (
        "That is 5–10 business days from today. Weekends do not count."
    )


def test_several_holidays_are_all_named_and_a_new_year_is_said():
    sent = date(2026, 12, 22)
    window = promises.refund_window(sent, US)
    assert promises.between_words(window, sent) == "between Wed, Dec 30 and Thu, Jan 7, 2027"
    assert promises.range_words(window, sent) == "Dec 30 to Jan 7, 2027"
    assert promises.why_sentences(window, sent).endswith(
        "Christmas Day (Dec 25), New Year's Day (Jan 1, 2027) and weekends do not count."
    )


def test_a_window_read_after_new_year_says_the_old_year():
    window = promises.refund_window(date(2026, 12, 22), US)
    today = date(2027, 1, 4)
    assert promises.between_words(window, today) == "between Wed, Dec 30, 2026 and Thu, Jan 7"


def test_a_promise_is_passed_only_after_its_last_day():
    window = promises.refund_window(NOV_24, US)
    assert not window.passed(date(2026, 12, 9))
    assert window.passed(date(2026, 12, 10))


def test_a_stored_promise_stays_as_given():
    given_dates = (NOV_24, date(2026, 12, 1), date(2026, 12, 8))
    window = promises.kept_window(*given_dates, US)
    assert (window.sent_on, window.first, window.last) == given_dates
    assert window.named_holidays == (THANKSGIVING,)


def test_the_headline_takes_the_refund_that_ends_last():
    early = promises.kept_window(NOV_24, date(2026, 12, 3), date(2026, 12, 8), US)
    late = promises.kept_window(NOV_24, date(2026, 12, 2), date(2026, 12, 9), US)
    assert promises.latest([late, early]) is promises.latest([early, late]) is late


def test_a_refund_not_sent_yet_gets_no_dates():
    assert promises.unsent_sentence() == (
        "Once we send it, a refund takes 5–10 business days to show on your statement. "
        "How fast depends on your bank."
    )


# --- Audit -------------------------------------------------------------------------------------


def test_an_audit_started_on_nov_24_ends_on_feb_23_and_the_refund_shows_in_march():
    audit = promises.audit_window(NOV_24, US)
    assert audit.ends_on == date(2027, 2, 23)
    assert (audit.refund.first, audit.refund.last) == (date(2027, 3, 2), date(2027, 3, 9))
    assert promises.audit_sentences(audit, NOV_24) == (
        "Our internal audit takes about 60 business days, about three months. "
        "We expect it to end by Tue, Feb 23, 2027. "
        "After that, expect the refund on your statement "
        "between Tue, Mar 2 and Tue, Mar 9, 2027."
    )


def test_auditors_may_extend_it():
    audit = promises.audit_window(NOV_24, US, extended_by=10)
    assert audit.business_days == 70
    assert audit.ends_on == date(2027, 3, 9)


def test_it_tells_how_far_the_audit_is():
    audit = promises.audit_window(NOV_24, US)
    today = US.add(NOV_24, 12)
    assert promises.audit_progress_sentence(audit, US, today) == (
        "In our internal audit, day 12 of about 60 business days. "
        "We expect it to end by Tue, Feb 23, 2027."
    )


# --- First answer ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("submitted_at", "answer_on"),
    [
        (datetime(2026, 11, 20, 15, 2, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 21, 15, 2, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 25, 15, 2, tzinfo=UTC), date(2026, 11, 27)),
        # 03:30 UTC on Tuesday is still Monday evening in New York.
        (datetime(2026, 11, 24, 3, 30, tzinfo=UTC), date(2026, 11, 24)),
    ],
)
def test_the_first_answer_comes_within_one_business_day(submitted_at, answer_on):
    assert promises.reply_by(submitted_at, US, NEW_YORK) == answer_on


def test_it_names_the_day_of_the_first_answer():
    words = promises.reply_sentence(date(2026, 11, 23), date(2026, 11, 20))
    assert words == "We check the charge and write to you by Mon, Nov 23."


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        promises.local_day(datetime(2026, 11, 24), NEW_YORK)


@settings(max_examples=150, deadline=None)
@given(st.dates(date(2016, 1, 1), date(2035, 12, 31)), st.sampled_from(["US", "DE", "JP"]))
def test_every_window_starts_and_ends_on_business_days_five_days_apart(sent_on, country):
    calendar = Calendar(country)
    window = promises.refund_window(sent_on, calendar)
    assert calendar.is_business_day(window.first)
    assert calendar.is_business_day(window.last)
    assert calendar.count(sent_on, window.first) == 5
    assert calendar.count(window.first, window.last) == 5
    assert all(sent_on < holiday.day <= window.last for holiday in window.named_holidays)
    sentence = promises.why_sentences(window, sent_on)
    assert all(holiday.name in sentence for holiday in window.named_holidays)
