"""No card number survives the reading of a mail, whatever it is dressed in and wherever it is."""

import unicodedata

import pytest

from amends.gateways.inbox_mail import Mail
from tests.inbox.letters import PRIYA, Letter, raw, read

CARD = "4242424242424242"
FROM = f"From: Priya <{PRIYA}>\nTo: support@northwind.example\nMessage-ID: <1@x.example>\n"
FORMATS = {
    "plain": CARD,
    "blanks": "4242 4242 4242 4242",
    "dashes": "4242-4242-4242-4242",
    "dots": "4242.4242.4242.4242",
    "no-break blanks": "4242\u00a04242\u00a04242\u00a04242",
    "en dashes": "4242 – 4242 – 4242 – 4242",
    "full-width": "４２４２４２４２４２４２４２４２",
    "arabic digits": "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    "zero width": "4242\u200b4242\u200b4242\u200b4242",
    "tabs": "4242\t4242\t4242\t4242",
    "with expiry and code": "4242 4242 4242 4242 12/27 123",
    "in words": "card4242424242424242visa",
}


def digits(text: str) -> str:
    return "".join(
        str(unicodedata.digit(sign)) for sign in text if unicodedata.digit(sign, None) is not None
    )


def assert_clean(mail: Mail) -> None:
    shown = [mail.subject, mail.own, mail.quoted, mail.sender_name, mail.message_id, *mail.remarks]
    shown += [file.name for file in mail.files]
    for text in shown:
        assert CARD not in digits(text), text


@pytest.mark.req("B14", "T53")
@pytest.mark.parametrize("number", FORMATS.values(), ids=FORMATS)
def test_no_card_number_is_left_of_any_part(number: str) -> None:
    file = (f"card {number}.pdf", "application/pdf", b"%PDF-")
    text = f"My card is {number}, thanks.\n\nOn Tue Northwind wrote:\n> {number}\n> Bye"
    made = Letter(
        sender=f"=?utf-8?q?{'=' + '='.join(f'{b:02X}' for b in number.encode())}?= <{PRIYA}>",
        subject=f"Card {number}",
        text=text,
        message_id=f"<{CARD}@x.example>",
        files=(file,),
    )
    mail = made.read()
    assert_clean(mail)
    assert "ends 4242" in mail.subject
    assert "ends 4242" in mail.own
    assert "ends 4242" in mail.quoted


@pytest.mark.parametrize("number", FORMATS.values(), ids=FORMATS)
def test_nor_of_html(number: str) -> None:
    spaced = number.replace(" ", "&nbsp;")
    for markup in (
        f"<p>{number}</p>",
        f"<p>{spaced}</p>",
        f"<blockquote>{number}</blockquote>",
        f"<p>{number[:6]}<b>{number[6:]}</b></p>",
        f"<a href='https://x.example/?c={number}'>here</a>",
        f"<img alt='{number}'>",
    ):
        assert_clean(read(raw(f"{FROM}Content-Type: text/html; charset=utf-8", markup)))


@pytest.mark.parametrize("width", range(3, 16))
def test_nor_of_a_number_broken_over_quoted_lines(width: int) -> None:
    lines = [CARD[start : start + width] for start in range(0, len(CARD), width)]
    for prefix in ("", "> ", ">> "):
        text = "See\n" + "\n".join(f"{prefix}{line}" for line in lines) + "\nbye"
        assert_clean(read(raw(f"{FROM}Content-Type: text/plain", text)))


def test_nor_where_a_long_text_is_cut() -> None:
    for spare in (0, 7, 16):
        text = "a" * (1_000_000 - spare) + " " + CARD * 3
        mail = read(raw(f"{FROM}Content-Type: text/plain", text))
        assert not digits("".join(file.data.decode() for file in mail.files))
