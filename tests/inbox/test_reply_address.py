"""Reply addresses: only ours lead to a case, and old ones live on when the key changes."""

import random
import string

import pytest
from pydantic import SecretStr

from amends import reply_address, settings
from tests.inbox import letters

OLD, NEW = "an-old-key-" + "o" * 32, "a-new-key-" + "n" * 32


def with_keys(monkeypatch: pytest.MonkeyPatch, key: str, before: str = "") -> None:
    made = settings.load().model_copy(
        update={"secret_key": SecretStr(key), "secret_keys_before": SecretStr(before)}
    )
    monkeypatch.setattr(settings, "load", lambda: made)


def test_it_leads_back_to_its_case() -> None:
    address = reply_address.signed("RB-2417")
    assert address.startswith("support+RB-2417.")
    assert address.endswith("@northwind.example")
    assert len(address.partition("@")[0]) <= 64
    assert reply_address.reference(address) == "RB-2417"
    assert reply_address.is_ours(address)


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title, lambda a: f" {a} "])
def test_it_survives_programs_that_change_capitals(change: object) -> None:
    address = change(reply_address.signed("RB-2417"))  # type: ignore[operator]
    assert reply_address.reference(address) == "RB-2417"


def test_a_draft_has_one_too() -> None:
    address = reply_address.signed("D-5c1f0e7a9b3d2468")
    assert reply_address.reference(address) == "D-5c1f0e7a9b3d2468"


@pytest.mark.req("B14", "T51", "V9.1.1", "V11.5.1")
def test_nobody_guesses_one_in_ten_thousand_tries() -> None:
    rng = random.Random(1)
    _, _, signature = reply_address.signed("RB-2417").partition("@")[0].partition(".")
    letters_of_32 = string.ascii_lowercase + "234567"
    for number in range(2401, 12401):
        made_up = "".join(rng.choices(letters_of_32, k=24))
        for guess in (f"RB-{number}", f"RB-{number}.{made_up}", f"RB-{number}.{made_up[:20]}"):
            assert reply_address.reference(f"support+{guess}@northwind.example") is None
        if number != 2417:
            other = f"support+RB-{number}.{signature}@northwind.example"
            assert reply_address.reference(other) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "support@northwind.example",
        "support+@northwind.example",
        "support+RB-2417@northwind.example",
        "{signed}@evil.example",
        "x{signed}@northwind.example",
        "{signed}=@northwind.example",
        "{signed}@northwind.example.evil.example",
        "{signed}@northwind.example, eve@evil.example",
    ],
)
def test_what_only_looks_like_one_leads_nowhere(address: str) -> None:
    local = reply_address.signed("RB-2417").partition("@")[0]
    assert reply_address.reference(address.format(signed=local)) is None


@pytest.mark.req("V13.3.4", "V11.2.2")
def test_after_a_new_key_old_addresses_still_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch, OLD)
    before = reply_address.signed("RB-2417")
    with_keys(monkeypatch, NEW, f"something-else, {OLD}")
    assert reply_address.signed("RB-2417") != before
    assert reply_address.reference(before) == "RB-2417"
    assert reply_address.reference(reply_address.signed("RB-2417")) == "RB-2417"


def test_a_key_that_was_given_up_signs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch, OLD)
    before = reply_address.signed("RB-2417")
    with_keys(monkeypatch, NEW)
    assert reply_address.reference(before) is None


def test_without_a_key_or_room_it_is_the_plain_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with_keys(monkeypatch, "")
    assert reply_address.signed("RB-2417") == letters.SUPPORT
    long = settings.load().model_copy(
        update={"support_email": f"{'s' * 50}@northwind.example", "secret_key": SecretStr(NEW)}
    )
    monkeypatch.setattr(settings, "load", lambda: long)
    assert reply_address.signed("RB-2417") == f"{'s' * 50}@northwind.example"


@pytest.mark.parametrize("address", [letters.SUPPORT, letters.SENDER, letters.SUPPORT.upper()])
def test_our_own_mailboxes_are_ours(address: str) -> None:
    assert reply_address.is_ours(address)


@pytest.mark.parametrize("address", ["", "sales@northwind.example", "support@evil.example"])
def test_no_other_mailbox_is(address: str) -> None:
    assert not reply_address.is_ours(address)
