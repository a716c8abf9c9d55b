"""What we send about a case can be answered: its reply address, and the thread it belongs to."""

from email.message import EmailMessage

import pytest

from amends import post, reply_address, settings
from amends.flow import correspondence, letters, outbox
from amends.flow.correspondence import Became
from amends.gateways import mail, mail_contexts
from amends.models import Account, Case, MailItem, Message
from amends.rules import card_numbers
from amends.rules.workflow import Status
from tests.inbox.conftest import case_of
from tests.inbox.letters import SUPPORT, Letter


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[EmailMessage]:
    taken: list[EmailMessage] = []

    async def take(message: EmailMessage, smtp_url: str) -> None:
        taken.append(message)

    monkeypatch.setattr(mail, "send", take)
    return taken


async def write(case: Case, number: int) -> None:
    """A member of staff writes to the customer."""
    head = await letters.head(case)
    letter = mail_contexts.MessageFromUs(letters.company(), letters.today(), head, "Sam", "Hello")
    await outbox.mail(case, letter, f"message:{number}")


async def send_all() -> None:
    for item in await MailItem.filter(state="queued").order_by("created_at"):
        await post.send(str(item.id))


@pytest.mark.req("T53")
async def test_the_head_of_the_record_never_reads_like_a_card_number(harbor: Account) -> None:
    """One hash in a few hundred thousand begins with sixteen digits that pass as a card's."""
    case = await case_of(harbor)
    told = letters.head_of(case, "SO-1", 14, "4242" * 16)
    assert told.record == "#14 head=42424242 ending=42424242"
    assert not card_numbers.contains(told.record)
    assert letters.head_of(case, "SO-1", None, "").record == ""


async def test_a_mail_about_a_case_is_answered_to_its_reply_address(
    harbor: Account, sent: list[EmailMessage]
) -> None:
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    await write(case, 1)
    await send_all()
    [mail_out] = sent
    assert reply_address.signed("RB-2417") in mail_out["Reply-To"]
    reply = Letter(
        to=str(mail_out["Reply-To"].addresses[0].addr_spec),
        subject=f"Re: {mail_out['Subject']}",
        answers=str(mail_out["Message-ID"]),
    )
    assert await correspondence.take(reply.read()) is Became.MESSAGE
    assert (await Case.get()).status is Status.TRIAGE


async def test_our_answer_hangs_below_the_customers_mail(
    harbor: Account, sent: list[EmailMessage]
) -> None:
    case = await case_of(harbor)
    await write(case, 1)
    await send_all()
    await correspondence.take(
        Letter(to=reply_address.signed("RB-2417"), message_id="<7@harborfitness.example>").read()
    )
    await write(case, 2)
    await send_all()
    first, second = sent
    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == "<7@harborfitness.example>"
    assert second["References"] == f"{first['Message-ID']} <7@harborfitness.example>"


async def test_a_stranger_does_not_steer_the_thread(
    harbor: Account, sent: list[EmailMessage]
) -> None:
    case = await case_of(harbor)
    await correspondence.take(
        Letter(to=reply_address.signed("RB-2417"), dmarc="none", message_id="<7@x.example>").read()
    )
    assert not (await Message.get()).verified
    await write(case, 1)
    await send_all()
    assert sent[0]["In-Reply-To"] is None


async def test_the_mail_that_asks_to_confirm_answers_theirs(
    harbor: Account, sent: list[EmailMessage]
) -> None:
    await correspondence.take(Letter(message_id="<7@harborfitness.example>").read())
    await send_all()
    assert sent[0]["In-Reply-To"] == sent[0]["References"] == "<7@harborfitness.example>"
    assert reply_address.signed((await Case.get()).ref) in sent[0]["Reply-To"]
    assert sent[0]["Auto-Submitted"] == "auto-generated"


async def test_a_mail_about_no_case_is_answered_to_the_support_address(
    harbor: Account, sent: list[EmailMessage]
) -> None:
    await correspondence.take(Letter(sender="eve@evil.example").read())
    await send_all()
    assert SUPPORT in sent[0]["Reply-To"]
    assert sent[0]["In-Reply-To"] is None
    assert settings.load().mail_from in sent[0]["From"]
