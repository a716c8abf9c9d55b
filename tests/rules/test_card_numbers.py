"""Card numbers: found in every dress, masked for good, and not seen where there are none."""

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from amends.rules import card_layout, card_numbers

VISA = "4242424242424242"
KEPT = re.compile(r"\[card number removed, ends ([0-9]{4})\]")
GONE = "[card number removed, ends 4242]"

# --- Made-up cards, written without the code under test ----------------------------------------

PREFIXES = {
    ("4", 16): 30,
    ("4", 13): 2,
    ("4", 19): 2,
    ("51", 16): 8,
    ("55", 16): 8,
    ("2221", 16): 4,
    ("2720", 16): 4,
    ("34", 15): 5,
    ("37", 15): 8,
    ("6011", 16): 5,
    ("644", 16): 2,
    ("65", 16): 3,
    ("36", 14): 3,
    ("305", 14): 2,
    ("3528", 16): 3,
    ("3589", 16): 2,
    ("62", 16): 4,
    ("62", 19): 3,
    ("5018", 16): 2,
    ("6759", 18): 2,
    ("6304", 13): 1,
}


def luhn_digit(body: str) -> str:
    doubled = (int(c) * (2 if i % 2 == 0 else 1) for i, c in enumerate(reversed(body)))
    return str(-sum(n - 9 if n > 9 else n for n in doubled) % 10)


def card(rng: random.Random) -> str:
    prefix, length = rng.choices(list(PREFIXES), list(PREFIXES.values()))[0]
    body = prefix + "".join(rng.choices("0123456789", k=length - len(prefix) - 1))
    return body + luhn_digit(body)


def groups(number: str) -> list[str]:
    """As printed: 4-6-5, 4-6-4, or fours."""
    if len(number) in (14, 15) and number[0] == "3":
        return [number[:4], number[4:10], number[10:]]
    return [number[i : i + 4] for i in range(0, len(number), 4)]


def in_script(number: str, zero: str) -> str:
    return "".join(chr(ord(zero) + int(digit)) for digit in number)


def wrapped(number: str) -> str:
    """A mail client broke the line somewhere inside and quoted it."""
    shown = "-".join(groups(number))
    cut = int(number[-2:]) % (len(shown) - 8) + 4
    return f"it is\n> {shown[:cut]}\n> {shown[cut:]}\n> thanks"


FORMATS: dict[str, Callable[[str], str]] = {
    "plain": lambda n: n,
    "blanks": lambda n: " ".join(groups(n)),
    "dashes": lambda n: "-".join(groups(n)),
    "dots": lambda n: ".".join(groups(n)),
    "no-break blanks": lambda n: "\u00a0".join(groups(n)),
    "en dashes": lambda n: " – ".join(groups(n)),
    "full-width": lambda n: in_script(n, "０"),
    "arabic in fours": lambda n: " ".join(in_script(g, "٠") for g in groups(n)),
    "mathematical bold": lambda n: in_script(n, "\U0001d7ce"),
    "zero-width": lambda n: "\u200b".join(n),
    "soft hyphens": lambda n: "\u00ad".join(groups(n)),
    "lines": lambda n: "\n".join(groups(n)),
    "quoted lines": lambda n: "".join(f"> {g}\r\n" for g in groups(n)),
    "wrapped and quoted": wrapped,
    "digit by digit": lambda n: " ".join(n),
    "in pairs": lambda n: "-".join(n[i : i + 2] for i in range(0, len(n), 2)),
    "in a sentence": lambda n: f"My card {n}, order SO-10482, was charged $1,200.00 twice",
    "glued to words": lambda n: f"visa{n}exp1227cvv123",
    "with expiry and code": lambda n: f"{' '.join(groups(n))} 12/27 123",
    "in a file name": lambda n: f"statement_{'_'.join(groups(n))}.pdf",
    "in an address bar": lambda n: f"/pay?n={'%20'.join(groups(n))}&x=1",
    "in markup": lambda n: f"<b>{'&nbsp;'.join(groups(n))}</b>",
}
RARER = {
    "soft hyphens",
    "en dashes",
    "mathematical bold",
    "digit by digit",
    "in pairs",
    "glued to words",
    "in a file name",
    "in an address bar",
    "in markup",
    "in a sentence",
}
NUMBERS = [card(random.Random(seed)) for seed in range(5_000)]


@pytest.mark.req("T53", "I28")
@pytest.mark.parametrize(
    ("form", "count"), [(form, 1_000 if form in RARER else 5_000) for form in FORMATS]
)
def test_thousands_of_cards_in_every_format_are_found_and_none_is_left(form, count):
    masked = {n: card_numbers.mask(FORMATS[form](n)) for n in NUMBERS[:count]}
    assert [n for n, text in masked.items() if KEPT.findall(text) != [n[-4:]]] == []
    assert [n for n, text in masked.items() if card_numbers.contains(text)] == []


@pytest.mark.req("V14.2.6")
def test_what_is_masked_keeps_no_more_than_four_digits_in_a_row():
    for form in ("plain", "blanks", "quoted lines", "in markup"):
        for number in NUMBERS[:500]:
            masked = card_numbers.mask(FORMATS[form](number))
            assert re.findall(r"\d+", masked) == [number[-4:]]


# --- Known answers -----------------------------------------------------------------------------


def test_it_says_where_the_number_stands():
    text = "Card: ４２４２ 4242 4242 4242."
    (span,) = card_numbers.find(text)
    assert text[span.start : span.end] == "４２４２ 4242 4242 4242"
    assert span.last4 == "4242"


@pytest.mark.parametrize(
    "number",
    [
        "4242 4242 4242 4242",
        "4000 0566 5566 5556",
        "5555 5555 5555 4444",
        "2223 0031 2200 3222",
        "3782 822463 10005",
        "6011 1111 1111 1117",
        "3056 9300 0902 0004",
        "3622 720627 1667",
        "3566 0020 2036 0505",
        "6200 0000 0000 0005",
        "6205 5000 0000 0000 004",
        "6759 6498 2643 8453",
        "4222 2222 2222 2",
    ],
)
def test_it_finds_the_test_cards_of_every_network(number):
    assert card_numbers.contains(number)
    assert card_numbers.contains(number.replace(" ", ""))


@pytest.mark.parametrize(
    "text",
    [
        "it is 424 24242-42424 242",
        "it is 42424\n242 42424242",
        "it is 42.42.42.42.42.42.42.42",
        "7/42.42.42.42.42.42.42.42/7",
        "42.42.42.42.42.42.42.42.12.27.123",
        "42\u200b42 4242 42\u200d42 4242",
        "4\N{COMBINING LOW LINE}242 4242 4242 4242",
        "order 2417 4242 4242 4242 4242",
        "卡号4242424242424242有效期12/27",
        "+4242 4242 4242 4242",
        "4242+4242+4242+4242",
    ],
)
def test_it_finds_odd_layouts(text):
    assert [span.last4 for span in card_numbers.find(text)] == ["4242"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"{VISA}", GONE),
        ("> 4242\n> 4242\n> 4242\n> 4242\n", f"> {GONE}\n"),
        (f"{VISA} and 5555-5555-5555-4444", f"{GONE} and [card number removed, ends 4444]"),
        (f"{VISA} {VISA}", f"{GONE} {GONE}"),
        (
            f"{VISA}, exp 12/27, CVV: 123.",
            f"{GONE}, exp [expiry date removed], CVV: [security code removed].",
        ),
        (
            "4242 4242 4242 4242 12/27 123",
            f"{GONE} [expiry date removed] [security code removed]",
        ),
        (f"{VISA}|12|27|123", f"{GONE}|[expiry date removed]|[security code removed]"),
        (f"{VISA} expires Dec 2027", f"{GONE} expires [expiry date removed]"),
        (f"security code 1234 for {VISA}", f"security code [security code removed] for {GONE}"),
        (f"{VISA} (123 cvc)", f"{GONE} ([security code removed] cvc)"),
        (f"{VISA} ＣＶＶ １２３", f"{GONE} ＣＶＶ [security code removed]"),
    ],
)
def test_it_masks_numbers_and_the_codes_beside_them(text, masked):
    assert card_numbers.mask(text) == masked


@pytest.mark.parametrize(
    "rest",
    [" 11/24/2026", " $12.50", " 12.50 USD", " order SO-10482", " 2,000.00", " RB-2417", " 1024"],
)
def test_it_keeps_dates_amounts_and_numbers_that_follow(rest):
    assert card_numbers.mask(VISA + rest) == GONE + rest


def test_codes_far_from_any_card_stay():
    far = " ." * 50
    for text in (f"{VISA}{far} cvv 123{far}", f"{far} cvv 123{far}{VISA}"):
        assert card_numbers.mask(text) == text.replace(VISA, GONE)
    near = f"{VISA}{far[:70]} cvv 123{far}{VISA}"
    assert "[security code removed]" in card_numbers.mask(near)
    assert card_numbers.mask("cvv 123") == "cvv 123"


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # Check digit.
        "424242424242424",  # Length.
        "1242424242424246",  # No network.
        "42424242424242424242",  # Part of a longer number.
        "ending 4242, 5454, 4444, 0005",
        "ending in 4242 or 4444",
    ],
)
def test_it_sees_no_card_where_prefix_length_or_check_digit_is_wrong(text):
    assert not card_numbers.contains(text)
    assert card_numbers.mask(text) == text


# --- Any text ----------------------------------------------------------------------------------

NASTY = st.text(
    alphabet=st.sampled_from("0123456789 -\n>+.,:/|x%²４\u200b\u00a0[]cvexp"), max_size=80
)
CARDS = [VISA, "4242 4242 4242 4242", "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", "3782 822463 10005"]
GLUE = [" ", "-", "\n> ", "+", ", ", "cvv 123", "exp 12/27", "12/27 123", "1", "DE89", "⑫", GONE]
PIECES = st.sampled_from([*CARDS, *GLUE])
TEXTS = st.text(max_size=60) | NASTY | st.lists(PIECES, max_size=8).map("".join)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
@example("4242424242424242 cvv 123 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2")
@example(f"{GONE} 4242 4242 4242")
@example("4" + "⑫" * 8)
def test_nothing_is_found_in_what_is_masked_and_clean_text_stays(text):
    masked = card_numbers.mask(text)
    assert not card_numbers.contains(masked)
    assert card_numbers.mask(masked) == masked
    assert (masked == text) is (not card_numbers.contains(text))


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_places_are_in_order_apart_and_end_in_what_is_kept(text):
    end = 0
    for span in card_numbers.find(text):
        assert end <= span.start < span.end <= len(text)
        assert re.fullmatch(r"[0-9]{4}", span.last4)
        end = span.end


@settings(max_examples=200, deadline=None)
@given(
    number=st.integers(0, 4_999).map(NUMBERS.__getitem__),
    form=st.sampled_from(sorted(FORMATS)),
    before=st.text(st.characters(categories=["L", "Zs"]), max_size=20),
    after=st.text(st.characters(categories=["L", "Zs"]), max_size=20),
)
def test_words_around_a_card_do_not_hide_it(number, form, before, after):
    text = f"{before} {FORMATS[form](number)} {after}"
    assert number[-4:] in [span.last4 for span in card_numbers.find(text)]


def test_text_built_to_uncover_a_card_with_each_mask_loses_its_digits(monkeypatch):
    monkeypatch.setattr(card_numbers, "_ROUNDS", 0)
    assert card_numbers.mask(f"Order 7: {VISA}") == "Order [number removed]: [number removed]"


def test_the_shortest_number_bounds_the_quick_look():
    assert min(length for _, length in PREFIXES) == card_layout.SHORTEST
