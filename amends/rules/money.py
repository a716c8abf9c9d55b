"""Money in minor units: parse, format, prorate by day, split exactly."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, total_ordering
from typing import Final

from babel import Locale, dates, numbers

# Stripe's list of currencies whose amount is in whole units.
ZERO_DECIMAL: Final = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"}
    | {"pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
THREE_DECIMAL: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
# ISK and UGX have no fractions any more, yet Stripe still takes them with two decimals which
# must be 00: 5 UGX is sent as 500. UGX also stands in Stripe's zero-decimal list; who followed
# that list charged a hundredth of the price, so the special case wins here.
WHOLE_BUT_TWO_DECIMAL: Final = frozenset({"isk", "ugx"})
MAX_MINOR: Final = 99_999_999  # Stripe takes at most eight digits.
_LONGEST_INPUT: Final = 40  # A sign, eight digits, separators and blanks fit easily.
_KNOWN: Final = frozenset(code.lower() for code in numbers.list_currencies())
_AMOUNT: Final = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?")
_LETTER_DIGIT: Final = re.compile(r"(?<=[A-Za-z])(?=[0-9])")
_MINUS: Final = "\N{MINUS SIGN}"
_MINUSES: Final = ("-", _MINUS, "\N{EN DASH}", "(")


class CurrencyMismatch(ValueError):
    """Two currencies met where only one makes sense."""


class NotAnAmount(ValueError):
    """What was typed is not an amount; `message` says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DoesNotAddUp(ValueError):
    """The parts of a sum differ from the whole by `difference` (parts less whole)."""

    def __init__(self, message: str, difference: "Money") -> None:
        super().__init__(message)
        self.message = message
        self.difference = difference


@total_ordering
@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency, in its minor unit as Stripe counts it. May be negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError(f"minor units are whole numbers, not {type(self.minor).__name__}")
        if self.currency not in _KNOWN:
            raise ValueError(f"not a lower-case ISO currency: {self.currency!r}")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other).minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other).minor

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} do not mix")
        return other


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum, in a currency named by the caller so that nothing adds up to zero of it."""
    result = Money(0, currency)
    for amount in amounts:
        result += amount
    return result


def sum_check(parts: Iterable[Money], whole: Money) -> None:
    """Raises DoesNotAddUp unless the parts are the whole, to the minor unit."""
    found = total(parts, whole.currency)
    if found == whole:
        return
    difference = found - whole
    side = "more" if difference.minor > 0 else "less"
    gap = format_money(max(difference, -difference))
    raise DoesNotAddUp(
        f"The parts add up to {format_money(found)}. "
        f"That is {gap} {side} than {format_money(whole)}",
        difference,
    )


def decimals(currency: str) -> int:
    """How many digits Stripe keeps after the point."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step_minor(currency: str) -> int:
    """The smallest amount Stripe moves, in minor units."""
    if currency in THREE_DECIMAL:
        return 10  # Card networks carry two decimals, so Stripe wants the last digit 0.
    return 100 if currency in WHOLE_BUT_TWO_DECIMAL else 1


def chargeable(money: Money) -> bool:
    """Whether Stripe can move exactly this amount. Its minimums per currency are not known here."""
    return 0 < money.minor <= MAX_MINOR and money.minor % step_minor(money.currency) == 0


def parse(text: str, currency: str) -> Money:
    """What a person typed, as money above zero; otherwise NotAnAmount with words for them."""
    bare = _without_currency(text.strip(), currency)
    if bare.startswith(_MINUSES):
        raise NotAnAmount(f"Enter the amount without a minus sign, like {_example(currency)}")
    match = _AMOUNT.fullmatch(bare)
    if match is None or len(text) > _LONGEST_INPUT:
        raise NotAnAmount(f"Enter an amount like {_example(currency)}")
    whole, part = match[1].replace(",", ""), match[2] or ""
    return _bounded(whole, part, currency)


def _bounded(whole: str, part: str, currency: str) -> Money:
    places = decimals(currency)
    if len(part) > places:
        raise NotAnAmount(_fewer_decimals(places, currency))
    minor = int(whole + part.ljust(places, "0"))
    if minor == 0:
        raise NotAnAmount(f"Enter an amount above zero, like {_example(currency)}")
    if minor > MAX_MINOR:
        raise NotAnAmount(f"Enter {format_money(Money(MAX_MINOR, currency))} or less")
    return Money(minor, currency)


def _fewer_decimals(places: int, currency: str) -> str:
    if places == 0:
        return f"Enter a whole amount, like {_example(currency)}"
    return f"Enter at most {places} digits after the point, like {_example(currency)}"


def _example(currency: str) -> str:
    return f"1,200.{'0' * decimals(currency)}".rstrip(".")


def _without_currency(text: str, currency: str) -> str:
    """Takes off one mark in front ("$") and one behind ("USD")."""
    before = next((m for m in _marks(currency) if text[: len(m)].upper() == m), "")
    text = text[len(before) :].lstrip()
    behind = next((m for m in _marks(currency) if text[-len(m) :].upper() == m), "")
    return text[: len(text) - len(behind)].rstrip()


@cache
def _marks(currency: str) -> tuple[str, ...]:
    """Code, sign with country and plain sign ("CAD", "CA$", "$"), longest first."""
    sign = numbers.get_currency_symbol(currency.upper(), "en_US").upper()
    plain = sign.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    spelled = currency[:2].upper() + plain
    marks = {currency.upper(), sign, plain, spelled if plain else ""} - {""}
    return tuple(sorted(marks, key=len, reverse=True))


def format_money(money: Money, locale: str = "en_US") -> str:
    """With the currency's sign, as many decimals as Stripe keeps, and a true minus sign."""
    if locale == "en_US":
        return _american(money.minor, money.currency)
    return _localised(money, locale)


def _american(minor: int, currency: str) -> str:
    """The same as `_localised`, twenty times faster: a list of cases has fifty amounts."""
    places = decimals(currency)
    whole, part = divmod(abs(minor), 10**places)
    digits = f"{whole:,}.{part:0{places}d}" if places else f"{whole:,}"
    return f"{_MINUS if minor < 0 else ''}{_american_sign(currency)}{digits}"


@cache
def _american_sign(currency: str) -> str:
    return _localised(Money(0, currency), "en_US").rstrip(".0")


def _localised(money: Money, locale: str) -> str:
    value = Decimal(money.minor).scaleb(-decimals(money.currency))
    pattern = _pattern(locale, decimals(money.currency))
    text: str = pattern.apply(value, locale, currency=money.currency.upper(), currency_digits=False)
    return _LETTER_DIGIT.sub("\N{NO-BREAK SPACE}", text).replace("-", _MINUS)


@cache
def _pattern(locale: str, places: int) -> numbers.NumberPattern:
    # The library's own digits per currency differ from Stripe's and would round amounts away.
    standard = Locale.parse(locale).currency_formats["standard"].pattern
    pattern = numbers.parse_pattern(standard)
    pattern.frac_prec = (places, places)
    return pattern


def signed(money: Money, locale: str = "en_US") -> str:
    """For differences: always with its sign, except for zero."""
    text = format_money(money, locale)
    return f"+{text}" if money.minor > 0 else text


@dataclass(frozen=True, slots=True)
class Proration:
    """A refund by day, with the figures it was computed from and the words to show them."""

    charge: Money
    days_total: int
    days_unused: int
    refund: Money
    explanation: tuple[str, ...]


def prorate(charge: Money, period_start: date, period_end: date, effective: date) -> Proration:
    """The refund for the days from `effective` to the end of the paid period (exclusive).

    Rounded down to what Stripe can move; everything if the period had not begun by then,
    nothing if it was over.
    """
    if charge.minor < 0 or period_end <= period_start:
        raise ValueError("a charge for at least one day is needed")
    days = (period_end - period_start).days
    unused = min(max((period_end - effective).days, 0), days)
    refund = charge if unused == days else _floored(charge, unused, days)
    words = _explain(charge, period_start, period_end, effective, refund)
    return Proration(charge, days, unused, refund, words)


def prorate_after_cancellation(
    charge: Money, charged_on: date, period_start: date, period_end: date, effective: date
) -> Proration:
    """As `prorate`, but a charge made before the cancellation took effect is kept whole."""
    if charged_on >= effective:
        return prorate(charge, period_start, period_end, effective)
    days = (period_end - period_start).days
    words = (
        f"The charge was made on {_day(charged_on)}.",
        f"The cancellation takes effect on {_day(effective)}, after the charge.",
        "No part of it is refunded.",
    )
    return Proration(charge, days, 0, Money(0, charge.currency), words)


def _floored(charge: Money, unused: int, days: int) -> Money:
    step = step_minor(charge.currency)
    return Money(charge.minor * unused // (days * step) * step, charge.currency)


def _explain(
    charge: Money, start: date, end: date, effective: date, refund: Money
) -> tuple[str, ...]:
    days = (end - start).days
    unused = min(max((end - effective).days, 0), days)
    last = date.fromordinal(end.toordinal() - 1)
    sum_words = f"{format_money(charge)} × {unused} ÷ {days} = {format_money(refund)}"
    exact = refund.minor * days == charge.minor * unused
    return (
        f"{format_money(charge)} paid for {_days(days)}, {_day(start)} to {_day(last)}.",
        f"The cancellation takes effect on {_day(effective)}.",
        f"{unused} of {_days(days)} not used.",
        f"{sum_words}." if exact else f"{sum_words}, rounded down.",
    )


def _day(day: date) -> str:
    return dates.format_date(day, "MMM d, y", locale="en_US")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def split(whole: Money, weights: Sequence[int]) -> tuple[Money, ...]:
    """Shares in proportion to the weights that add up exactly (largest remainder).

    Equal remainders go to the earlier share, so the result is always the same. Where the
    weights are amounts of at least the whole, no share exceeds its own weight.
    """
    if whole.minor < 0 or sum(weights) <= 0 or min(weights) < 0:
        raise ValueError("an amount and weights of zero or more are needed, not all zero")
    step = step_minor(whole.currency)
    if whole.minor % step:
        step = 1
    shares = _largest_remainder(whole.minor // step, weights)
    return tuple(Money(share * step, whole.currency) for share in shares)


def _largest_remainder(units: int, weights: Sequence[int]) -> list[int]:
    base = sum(weights)
    shares = [units * weight // base for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(units * weights[i] % base))
    for index in by_remainder[: units - sum(shares)]:
        shares[index] += 1
    return shares
