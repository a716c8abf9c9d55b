"""Money: what people type, what Stripe counts, what is refunded by day."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amends.rules import money
from amends.rules.money import Money

FAST = settings(max_examples=150, deadline=None)
CURRENCIES = st.sampled_from(["usd", "eur", "gbp", "cad", "jpy", "krw", "kwd", "bhd", "isk", "ugx"])
NOV_1, NOV_30, DEC_1 = date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)


def usd(minor: int) -> Money:
    return Money(minor, "usd")


# --- Money -------------------------------------------------------------------------------------


def test_it_adds_subtracts_compares_and_sorts_one_currency():
    assert usd(150_000) + usd(50_000) == usd(200_000)
    assert usd(1) - usd(2) == usd(-1) == -usd(1)
    assert sorted([usd(3), usd(1)]) == [usd(1), usd(3)]
    assert usd(50_001) > usd(50_000) >= usd(50_000)
    assert usd(1) <= usd(1) < usd(2)


@pytest.mark.parametrize("act", ["__add__", "__sub__", "__lt__", "__gt__", "__le__", "__ge__"])
def test_it_never_mixes_currencies(act):
    with pytest.raises(money.CurrencyMismatch):
        getattr(usd(1), act)(Money(1, "eur"))


def test_equal_figures_of_two_currencies_are_not_equal():
    assert usd(100) != Money(100, "eur")


@pytest.mark.parametrize("currency", ["USD", "us", "", "dollar", "zzz", "us$"])
def test_it_refuses_what_is_not_a_lower_case_currency(currency):
    with pytest.raises(ValueError, match="currency"):
        Money(1, currency)


@pytest.mark.parametrize("minor", [1.0, "1", True, None])
def test_it_refuses_minor_units_that_are_not_whole_numbers(minor):
    with pytest.raises(TypeError):
        Money(minor, "usd")


def test_a_total_names_its_currency_and_refuses_others():
    assert money.total([], "jpy") == Money(0, "jpy")
    assert money.total([usd(150_000), usd(50_000)], "usd") == usd(200_000)
    with pytest.raises(money.CurrencyMismatch):
        money.total([usd(1)], "eur")


def test_legs_that_do_not_add_up_say_by_how_much():
    money.sum_check([usd(150_000), usd(50_000)], usd(200_000))
    with pytest.raises(money.DoesNotAddUp) as caught:
        money.sum_check([usd(150_000), usd(49_900)], usd(200_000))
    assert caught.value.difference == usd(-100)
    assert (
        caught.value.message == "The parts add up to $1,999.00. That is $1.00 less than $2,000.00"
    )
    with pytest.raises(money.DoesNotAddUp, match=r"\$1\.00 more"):
        money.sum_check([usd(200_100)], usd(200_000))


# --- Stripe's decimals -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "places"),
    [("usd", 2), ("jpy", 0), ("krw", 0), ("xpf", 0), ("kwd", 3), ("tnd", 3), ("huf", 2)],
)
def test_it_knows_stripes_decimals(currency, places):
    assert money.decimals(currency) == places


def test_isk_and_ugx_keep_two_decimals_that_must_be_zero():
    for currency in ("isk", "ugx"):
        assert money.decimals(currency) == 2
        assert money.parse("5", currency) == Money(500, currency)
        assert money.chargeable(Money(500, currency))
        assert not money.chargeable(Money(550, currency))


def test_three_decimal_amounts_must_end_in_zero():
    assert money.chargeable(Money(5_120, "kwd"))
    assert not money.chargeable(Money(5_124, "kwd"))


@pytest.mark.req("V1.4.2")
def test_nothing_negative_zero_or_beyond_eight_digits_is_chargeable():
    assert money.chargeable(usd(1))
    assert money.chargeable(usd(99_999_999))
    for minor in (0, -1, 100_000_000):
        assert not money.chargeable(usd(minor))


# --- Parsing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("1,200.00", 120_000),
        ("1200", 120_000),
        ("1200.5", 120_050),
        ("$1,200.00", 120_000),
        ("$ 1,200.00 USD", 120_000),
        ("US$1,200", 120_000),
        ("usd 0.01", 1),
        ("  500.01\n", 50_001),
        ("999,999.99", 99_999_999),
        ("0000500", 50_000),
    ],
)
def test_it_reads_what_people_type(text, minor):
    assert money.parse(text, "usd") == usd(minor)


@pytest.mark.parametrize(
    "text", ["€5", "5 EUR", "1.200,00", "1,20", "12,34,567", "5.", ".50", "5.-"]
)
@pytest.mark.parametrize("dress", ["{}", " {} "])
def test_it_refuses_other_signs_and_other_separators(text, dress):
    with pytest.raises(money.NotAnAmount) as caught:
        money.parse(dress.format(text), "usd")
    assert caught.value.message == "Enter an amount like 1,200.00"


@pytest.mark.req("T16")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1e9",
        "1E+2",
        "NaN",
        "inf",
        "0x10",
        "１００",
        "٥٠٠",
        "1_000",
        "½",
        "1 2",
        "9" * 5_000,
    ],
)
def test_it_refuses_what_is_no_plain_ascii_number(text):
    with pytest.raises(money.NotAnAmount, match="like 1,200"):
        money.parse(text, "usd")


@pytest.mark.parametrize("text", ["-5", "−5", "$-5", "-$5", "(5.00)", "–5"])
def test_it_refuses_negative_amounts(text):
    with pytest.raises(money.NotAnAmount, match="without a minus sign"):
        money.parse(text, "usd")


@pytest.mark.parametrize(
    ("text", "currency", "message"),
    [
        ("0", "usd", "Enter an amount above zero, like 1,200.00"),
        ("0.00", "usd", "Enter an amount above zero, like 1,200.00"),
        ("1.001", "usd", "Enter at most 2 digits after the point, like 1,200.00"),
        ("1.0001", "kwd", "Enter at most 3 digits after the point, like 1,200.000"),
        ("1.5", "jpy", "Enter a whole amount, like 1,200"),
        ("1,000,000.00", "usd", "Enter $999,999.99 or less"),
        ("100000000", "jpy", "Enter ¥99,999,999 or less"),
    ],
)
def test_a_refusal_says_what_to_do(text, currency, message):
    with pytest.raises(money.NotAnAmount) as caught:
        money.parse(text, currency)
    assert caught.value.message == message


@pytest.mark.req("T16", "V1.4.2", "V2.2.1")
@FAST
@given(
    st.text(max_size=60) | st.from_regex(r"[-$]?[0-9,.]{1,12}(e[0-9])?", fullmatch=True), CURRENCIES
)
def test_any_text_is_an_amount_in_bounds_or_a_plain_refusal(text, currency):
    try:
        amount = money.parse(text, currency)
    except money.NotAnAmount as refusal:
        assert refusal.message.startswith("Enter ")
    else:
        assert 0 < amount.minor <= money.MAX_MINOR
        assert amount.currency == currency


@pytest.mark.req("T16")
@FAST
@given(st.integers(1, money.MAX_MINOR), CURRENCIES)
def test_what_is_shown_reads_back_exactly(minor, currency):
    amount = Money(minor, currency)
    assert money.parse(money.format_money(amount), currency) == amount


# --- Formatting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (usd(120_000), "$1,200.00"),
        (usd(-120_000), "−$1,200.00"),
        (usd(0), "$0.00"),
        (Money(1_200, "jpy"), "¥1,200"),
        (Money(1_234, "kwd"), "KWD\N{NO-BREAK SPACE}1.234"),
        (Money(120_000, "cad"), "CA$1,200.00"),
        (Money(120_050, "all"), "ALL\N{NO-BREAK SPACE}1,200.50"),
    ],
)
def test_it_shows_sign_decimals_and_a_true_minus(amount, shown):
    assert money.format_money(amount) == shown


def test_it_follows_the_locale():
    assert money.format_money(usd(-120_000), "de_DE") == "−1.200,00\N{NO-BREAK SPACE}$"


def test_differences_always_show_their_sign():
    shown = [money.signed(usd(minor)) for minor in (500, -500, 0)]
    assert shown == ["+$5.00", "−$5.00", "$0.00"]


# --- Proration ---------------------------------------------------------------------------------


def test_it_prorates_by_day_and_explains_itself():
    result = money.prorate(usd(30_000), NOV_1, DEC_1, date(2026, 11, 13))
    assert (result.days_total, result.days_unused, result.refund) == (30, 18, usd(18_000))
    assert result.explanation == (
        "$300.00 paid for 30 days, Nov 1, 2026 to Nov 30, 2026.",
        "The cancellation takes effect on Nov 13, 2026.",
        "18 of 30 days not used.",
        "$300.00 × 18 ÷ 30 = $180.00.",
    )


def test_it_rounds_down_to_the_cent():
    result = money.prorate(usd(10_000), date(2026, 1, 1), date(2027, 1, 1), date(2026, 7, 2))
    assert result.refund == usd(5_013)  # 183 of 365 days: 50.136...
    assert result.explanation[-1] == "$100.00 × 183 ÷ 365 = $50.13, rounded down."


@pytest.mark.parametrize(
    ("effective", "minor"),
    [
        (date(2026, 10, 1), 30_000),
        (NOV_1, 30_000),
        (NOV_30, 1_000),
        (DEC_1, 0),
        (date(2027, 1, 1), 0),
    ],
)
def test_it_gives_all_before_the_period_and_nothing_after_it(effective, minor):
    assert money.prorate(usd(30_000), NOV_1, DEC_1, effective).refund == usd(minor)


def test_it_rounds_down_to_what_stripe_can_move():
    assert (
        money.prorate(Money(10_000, "kwd"), NOV_1, DEC_1, date(2026, 11, 8)).refund.minor == 7_660
    )
    assert (
        money.prorate(Money(100_000, "isk"), NOV_1, DEC_1, date(2026, 11, 8)).refund.minor == 76_600
    )


def test_a_charge_before_the_cancellation_is_kept_whole():
    kept = money.prorate_after_cancellation(
        usd(30_000), charged_on=NOV_1, period_start=NOV_1, period_end=DEC_1, effective=NOV_30
    )
    assert kept.refund == usd(0)
    assert kept.explanation[-1] == "No part of it is refunded."


def test_a_charge_on_or_after_the_cancellation_is_prorated():
    for charged_on in (date(2026, 11, 13), date(2026, 11, 20)):
        given_back = money.prorate_after_cancellation(
            usd(30_000), charged_on, NOV_1, DEC_1, effective=date(2026, 11, 13)
        )
        assert given_back.refund == usd(18_000)


@pytest.mark.parametrize(("minor", "end"), [(-1, DEC_1), (100, NOV_1), (100, date(2026, 10, 1))])
def test_it_refuses_negative_charges_and_empty_periods(minor, end):
    with pytest.raises(ValueError, match="at least one day"):
        money.prorate(usd(minor), NOV_1, end, NOV_1)


@pytest.mark.req("T23")
@FAST
@given(
    minor=st.integers(0, money.MAX_MINOR),
    currency=CURRENCIES,
    start=st.dates(date(2000, 1, 1), date(2040, 1, 1)),
    length=st.integers(1, 800),
    offset=st.integers(-30, 830),
)
def test_a_prorated_refund_never_exceeds_the_charge_and_falls_with_the_date(
    minor, currency, start, length, offset
):
    step = money.step_minor(currency)
    charge = Money(minor // step * step, currency)
    end, effective = start + timedelta(length), start + timedelta(offset)
    today = money.prorate(charge, start, end, effective)
    tomorrow = money.prorate(charge, start, end, effective + timedelta(1))
    assert Money(0, currency) <= tomorrow.refund <= today.refund <= charge
    assert 0 <= today.days_unused <= today.days_total == length
    assert today.refund.minor == 0 or money.chargeable(today.refund)
    owed = charge.minor * today.days_unused - today.refund.minor * length
    assert 0 <= owed < length * step


# --- Splitting ---------------------------------------------------------------------------------


def test_it_splits_exactly_and_always_the_same_way():
    assert money.split(usd(100), [1, 1, 1]) == (usd(34), usd(33), usd(33))
    assert money.split(usd(200_000), [150_000, 50_000]) == (usd(150_000), usd(50_000))
    assert money.split(usd(100), [3, 2, 1]) == (usd(50), usd(33), usd(17))
    assert money.split(usd(5), [0, 3, 0]) == (usd(0), usd(5), usd(0))
    assert money.split(usd(0), [2, 1]) == (usd(0), usd(0))


def test_shares_stay_amounts_stripe_can_move():
    shares = money.split(Money(10_000, "kwd"), [1, 1, 1])
    assert [share.minor for share in shares] == [3_340, 3_330, 3_330]


@pytest.mark.parametrize(("minor", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1])])
def test_it_refuses_weights_that_mean_nothing(minor, weights):
    with pytest.raises(ValueError, match="weights"):
        money.split(usd(minor), weights)


@FAST
@given(
    minor=st.integers(0, money.MAX_MINOR),
    weights=st.lists(st.integers(0, money.MAX_MINOR), min_size=1, max_size=9).filter(any),
    currency=CURRENCIES,
)
def test_shares_add_up_and_stay_next_to_their_exact_part(minor, weights, currency):
    whole = Money(minor, currency)
    shares = money.split(whole, weights)
    money.sum_check(shares, whole)
    for share, weight in zip(shares, weights, strict=True):
        exact = minor * weight
        step = money.step_minor(currency) * sum(weights)
        assert abs(share.minor * sum(weights) - exact) < step
        assert weight or share.minor == 0


@FAST
@given(st.lists(st.integers(1, 5_000_000), min_size=1, max_size=6), st.data())
def test_no_deposit_is_refunded_beyond_what_is_left_on_it(left, data):
    whole = usd(data.draw(st.integers(1, sum(left))))
    shares = money.split(whole, left)
    assert all(share.minor <= rest for share, rest in zip(shares, left, strict=True))


@given(
    minor=st.integers(-money.MAX_MINOR, money.MAX_MINOR),
    currency=st.sampled_from(["usd", "eur", "jpy", "kwd", "chf", "isk", "ugx", "huf", "cad"]),
)
def test_the_fast_way_reads_like_the_library(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    assert money.format_money(amount) == money._localised(amount, "en_US")
