"""What looks like a card number and is none, and what a search costs at worst."""

import random
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from amends.rules import card_numbers

VISA = "4242424242424242"
GONE = "[card number removed, ends 4242]"

# --- Look-alikes -------------------------------------------------------------------------------

ALNUM = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def stripe_id(rng: random.Random) -> str:
    kind = rng.choice(["ch", "pi", "re", "pm", "cus", "seti", "sub", "in", "evt", "dp", "txn"])
    return f"{kind}_{''.join(rng.choices(ALNUM, k=24))}"


def our_ids(rng: random.Random) -> str:
    cases = ", ".join(f"RB-{rng.randint(1, 99_999)}" for _ in range(rng.randint(1, 6)))
    return f"{cases} SO-{rng.randint(10_000, 99_999)} hf-{rng.randint(1, 9_999):04}"


def our_ids_in_rows(rng: random.Random) -> str:
    rows = (f"RB-{rng.randint(1000, 9999)}\tSO-{rng.randint(10_000, 99_999)}" for _ in range(8))
    return "\n".join(rows)


def phone(rng: random.Random) -> str:
    area, line = rng.randint(200, 989), f"555-{rng.randint(0, 9999):04}"
    country = f"+{rng.choice([34, 36, 39, 44, 49, 52, 55, 62, 65])}"
    forms = [f"({area}) {line}", f"+1 {area} {line}", f"{country}{digits(rng, 11)}"]
    forms.append(f"{country} {digits(rng, 3)} {digits(rng, 4)} {digits(rng, 4)}")
    return f"{rng.choice(forms)} / {forms[0]}"


def iban(rng: random.Random) -> str:
    country, length = rng.choice([("DE", 22), ("GB", 22), ("FR", 27), ("NL", 18), ("NO", 15)])
    bank = "NWBK" if country in ("GB", "NL") else ""
    account = bank + digits(rng, length - 4 - len(bank))
    number = "".join(str(int(c, 36)) for c in f"{account}{country}00")
    whole = f"{country}{98 - int(number) % 97:02}{account}"
    return (
        " ".join(whole[i : i + 4] for i in range(0, len(whole), 4)) if rng.random() < 0.8 else whole
    )


def parcel(rng: random.Random) -> str:
    body = "9" + rng.choice("12345") + digits(rng, 19)
    weights = (int(c) * (3 if i % 2 == 0 else 1) for i, c in enumerate(reversed(body)))
    usps = f"{body}{-sum(weights) % 10}"
    ups = f"1Z{''.join(rng.choices(ALNUM[:10] + ALNUM[36:], k=6))}{digits(rng, 10)}"
    in_fours = " ".join(usps[i : i + 4] for i in range(0, 22, 4))
    return rng.choice([usps, in_fours, ups, digits(rng, 12)])


def dates(rng: random.Random) -> str:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=rng.randint(0, 400_000_000))
    days = " ".join(f"{at + timedelta(n):%Y-%m-%d}" for n in range(3))
    return f"{at:%Y-%m-%d %H:%M:%S} {at.isoformat()} {at:%m/%d/%Y %H.%M} {days} {at.timestamp()}"


def amounts(rng: random.Random) -> str:
    figures = [rng.randint(1, 99_999_999) / 100 for _ in range(6)]
    shown = " ".join(f"{figure:,.2f}" for figure in figures)
    return f"{shown} and {', '.join(f'${figure:,.2f}' for figure in figures)}"


LOOK_ALIKES: dict[str, Callable[[random.Random], str]] = {
    "our ids": our_ids,
    "our ids in rows": our_ids_in_rows,
    "Stripe ids": lambda rng: " ".join(stripe_id(rng) for _ in range(4)),
    "last fours": lambda rng: ", ".join(digits(rng, 4) for _ in range(6)),
    "phone numbers": phone,
    "bank accounts": iban,
    "parcels": parcel,
    "bank traces": lambda rng: "7" + digits(rng, 22),
    "UUIDs": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
    "hashes": lambda rng: sha256(rng.randbytes(8)).hexdigest(),
    "dates": dates,
    "amounts": amounts,
}


@pytest.mark.req("T53")
@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_a_thousand_look_alikes_of_each_kind_raise_no_alarm(kind):
    rng = random.Random(kind)
    texts = [LOOK_ALIKES[kind](rng) for _ in range(1_000)]
    alarms = [text for text in texts if card_numbers.contains(f"See {text}, it is mine")]
    assert alarms == []


@pytest.mark.parametrize(
    "text",
    [
        f"{GONE} 4242 4242 4242",
        "42424242-4242-4242-8424-242424242424",
        f"{VISA}ab12cd34ab12cd34ab12cd34ab12cd34",
        "GB82 WEST 1234 5698 7654 32",
    ],
)
def test_a_card_inside_a_placeholder_an_id_or_a_hash_is_none(text):
    assert not card_numbers.contains(text)


def test_an_account_with_a_wrong_check_does_not_hide_a_card():
    assert card_numbers.contains("DE00 4242 4242 4242 4242 00")


def test_bare_sixteen_digit_references_raise_few_alarms():
    """Nothing tells a reference with a fitting prefix and check digit from a card: about 3 %."""
    rng = random.Random(16)
    alarms = sum(card_numbers.contains(digits(rng, 16)) for _ in range(10_000))
    assert alarms < 350


# --- Cost --------------------------------------------------------------------------------------

LONG = 20_000
HOSTILE = {
    "one digit": "4",
    "digit and blank": "4 ",
    "fours": "4242 ",
    "digit and letter": "4a",
    "zero-width": "4\u200b",
    "full-width": "４",
    "entities": "&#52;",
    "quoted": "4242\n> ",
    "line breaks": "\n",
    "blanks": " ",
    "account starts": "GB29 ",
    "parcels": "9400 ",
    "codes": "cvv 123 ",
    "cards": f"{VISA} ",
    "cards and codes": f"{VISA} cvv 123 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2 exp 12/",
    "checks that pass": "4 0 0 0 0 0 0 0 0 0 0 0 0 0 0 2 ",
}


@pytest.mark.req("V1.2.9", "V15.2.2")
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_of_twenty_thousand_characters_takes_under_200_ms(piece):
    text = (HOSTILE[piece] * LONG)[:LONG]
    best = min(timed(text) for _ in range(3))
    assert best < 0.2


def timed(text: str) -> float:
    start = time.process_time()
    card_numbers.contains(text)
    return time.process_time() - start


@pytest.mark.parametrize("piece", ["digit and blank", "fours", "full-width", "cards and codes"])
def test_four_times_the_text_takes_about_four_times_as_long(piece):
    short, long = (HOSTILE[piece] * LONG)[:LONG], (HOSTILE[piece] * LONG)[: 4 * LONG]
    assert min(timed(long) for _ in range(3)) < 12 * min(timed(short) for _ in range(3))
