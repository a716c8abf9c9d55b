"""After mails full of card numbers: none in any table, any file, any log line."""

import unicodedata
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tortoise import connections

from amends import clock, reply_address, settings
from amends.flow import correspondence
from amends.flow.correspondence import Became
from amends.models import Account, Attachment
from amends.rules.workflow import Status
from tests.inbox.conftest import case_of
from tests.inbox.letters import EVE, Letter
from tests.inbox.test_inbox_card_numbers import CARD, FORMATS

PATHS: dict[Became, dict[str, object]] = {
    Became.MESSAGE: {"to": "{reply}"},
    Became.UNVERIFIED: {"to": "{reply}", "dmarc": "none"},
    Became.NEW: {},
    Became.STRANGER: {"to": "{reply}", "sender": EVE},
    Became.AUTOMATIC: {"to": "{reply}", "headers": (("Auto-Submitted", "auto-replied"),)},
}


def full_of(number: str, **changes: object) -> Letter:
    text = f"Card: {number}\n\nOn Tue Northwind wrote:\n> {number}"
    files = (
        (f"{number}.txt", "text/plain", f"My card {number}".encode()),
        (f"{number}.exe", "application/octet-stream", b"MZ"),
        ("mail.eml", "message/rfc822", f"From: a@b.example\nDate: x\n\n{number}".encode()),
    )
    made = Letter(subject=number, text=text, message_id=f"<{CARD}@x.example>", files=files)
    reply = reply_address.signed("RB-2417")
    filled = {n: v.format(reply=reply) if isinstance(v, str) else v for n, v in changes.items()}
    return made.with_(**filled)


async def everything() -> str:
    """Every row of every table, and every stored file."""
    rows = connections.get("default")
    tables = await rows.execute_query_dict(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    found = [
        str(await rows.execute_query_dict(f'SELECT to_jsonb(t)::text FROM "{each["tablename"]}" t'))
        for each in tables
    ]
    return "\n".join([*found, stored()])


def stored() -> str:
    folder = Path(settings.load().files_url.removeprefix("file://"))
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def digits(text: str) -> str:
    text = text.replace("[card number removed, ends 4242]", "")
    return "".join(
        str(unicodedata.digit(s)) for s in text if unicodedata.digit(s, None) is not None
    )


@pytest.mark.req("B14", "T53", "I28")
@pytest.mark.parametrize("becomes", PATHS)
async def test_no_card_number_is_stored(harbor: Account, becomes: Became) -> None:
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    with capture_logs() as lines:
        for name, number in FORMATS.items():
            letter = full_of(number, **PATHS[becomes])
            if name != "plain":
                letter = letter.with_(message_id=f"<{len(lines)}@x.example>")
            assert await correspondence.take(letter.read()) is becomes, name
            # Its room for files would end before the formats do.
            await Attachment.filter(case_id=case.id).update(removed_at=clock.now())
    kept = await everything()
    assert CARD not in digits(kept)
    assert CARD not in digits(str(lines))
    assert kept.count("ends 4242") >= len(FORMATS)


async def test_a_text_file_is_kept_without_its_numbers(harbor: Account) -> None:
    await case_of(harbor)
    letter = full_of("4242 4242 4242 4242", to="{reply}")
    await correspondence.take(letter.read())
    [file] = await Attachment.all()
    assert file.name == "[card number removed, ends 4242].txt"
    assert stored() == "My card [card number removed, ends 4242]"
