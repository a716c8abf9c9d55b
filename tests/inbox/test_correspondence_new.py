"""Mail that belongs to no case: a draft to confirm, a look by a person, hardly ever an answer."""

from datetime import UTC, datetime, timedelta

import pytest

from amends import clock, facts, reply_address
from amends.flow import correspondence, intake
from amends.flow import correspondence_once as taking
from amends.flow.correspondence import Became
from amends.models import Account, Attachment, Case, ExceptionItem, MailItem, Message, Order
from amends.rules.people import Customer
from amends.rules.workflow import Kind, Status
from tests.inbox import letters
from tests.inbox.conftest import account
from tests.inbox.letters import EVE, PRIYA, Letter

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def time(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The clock: the last entry is now."""
    at = [START]
    monkeypatch.setattr(clock, "now", lambda: at[-1])
    return at


async def take(letter: Letter) -> Became:
    return await correspondence.take(letter.read())


def unknown(**changes: object) -> Letter:
    return Letter(sender=f"Eve <{EVE}>", envelope_from=EVE, subject="Hello").with_(**changes)


@pytest.mark.req("B14")
async def test_a_mail_from_a_billing_address_begins_a_draft(harbor: Account) -> None:
    letter = Letter(subject="Charged twice", text="Please look at order SO-10482.")
    assert await take(letter) is Became.NEW
    case = await Case.get()
    assert (case.account_id, case.status, case.channel) == (harbor.id, Status.DRAFT, "email")
    assert case.story == "Charged twice\n\nPlease look at order SO-10482."
    assert case.submitted_at is None
    [mail] = await MailItem.all()
    assert (mail.kind, mail.recipient, mail.case_id) == ("confirm_email", PRIYA, case.id)
    page = f"https://billing.northwind.example/requests/new/{case.ref}"
    assert mail.context["draft_url"] == page
    assert "SO-10482" not in str(mail.context)
    assert await ExceptionItem.all().count() == 0


async def test_the_customer_goes_on_with_the_draft_in_the_portal(harbor: Account) -> None:
    await take(Letter())
    priya = Customer(harbor.id, PRIYA, "Priya Raman", "Harbor Fitness LLC")
    draft = await intake.draft(priya, (await Case.get()).ref)
    kept = await intake.keep_story(draft, priya, "Charged twice, see the receipt.")
    assert kept.story == "Charged twice, see the receipt."
    await intake.delete_draft(kept, priya)
    assert await take(Letter(to=reply_address.signed(draft.ref))) is Became.NEW
    assert await Case.filter(status=Status.DRAFT).count() == 1


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Please charge another card instead", Kind.REBILL),
        ("Cancel our subscription", Kind.CANCELLATION),
        ("We were charged twice", Kind.DISPUTE),
    ],
)
async def test_the_words_choose_the_questions_only(harbor: Account, words: str, kind: Kind) -> None:
    await take(Letter(text=words))
    case = await Case.get()
    assert (case.kind, case.status) == (kind, Status.DRAFT)


@pytest.mark.parametrize("dmarc", ["none", ""])
async def test_an_unproven_billing_address_begins_a_draft_too(harbor: Account, dmarc: str) -> None:
    assert await take(Letter(dmarc=dmarc)) is Became.NEW
    assert (await MailItem.get()).recipient == PRIYA


@pytest.mark.req("B14")
async def test_a_forged_billing_address_begins_nothing(harbor: Account) -> None:
    assert await take(Letter(dmarc="fail")) is Became.NEW
    assert await Case.all().count() == 0
    assert await MailItem.all().count() == 0
    item = await ExceptionItem.get()
    assert item.kind == "unknown_sender"
    assert "in the name of Harbor Fitness LLC that was not sent from there" in item.detail


async def test_files_and_long_stories_are_kept_with_the_draft(harbor: Account) -> None:
    text = "All that happened. " * 600
    await take(Letter(text=text, files=(("paid.txt", "text/plain", b"Paid"),)))
    case = await Case.get()
    assert len(case.story) <= 8000
    files = await Attachment.filter(case_id=case.id).order_by("name")
    assert [file.name for file in files] == ["email.txt", "paid.txt"]
    assert {file.audience for file in files} == {"customer"}


async def test_of_two_accounts_the_one_whose_order_is_named(harbor: Account) -> None:
    second = await account(PRIYA, "hf-0214")
    await Order.create(
        number="SO-10999",
        account_id=second.id,
        description="Scanner",
        total_minor=100,
        currency="usd",
        placed_on=START.date(),
        created_at=START,
    )
    await take(Letter(text="About so-10999, charged twice"))
    await take(Letter(text="About something else"))
    owners = await Case.all().order_by("id").values_list("account_id", flat=True)
    assert list(owners) == [second.id, harbor.id]


async def test_a_third_unconfirmed_mail_goes_to_a_person(
    harbor: Account, time: list[datetime]
) -> None:
    for number in range(4):
        await take(Letter(subject=f"Mail {number}"))
        time.append(time[-1] + timedelta(hours=2))
    assert await Case.all().count() == 2
    assert await MailItem.all().count() == 2
    assert await ExceptionItem.filter(kind="unknown_sender").count() == 2


async def test_a_customer_with_ten_drafts_gets_no_eleventh(harbor: Account) -> None:
    priya = Customer(harbor.id, PRIYA, "Priya Raman", "Harbor Fitness LLC")
    for _ in range(intake.MOST_DRAFTS):
        await intake.start_draft(priya, Kind.DISPUTE)
    await take(Letter())
    assert await Case.filter(channel="email").count() == 0
    assert (await ExceptionItem.get()).kind == "unknown_sender"


async def test_an_answer_to_a_draft_is_told_to_staff(harbor: Account) -> None:
    await take(Letter())
    draft = await Case.get()
    yes = Letter(to=reply_address.signed(draft.ref), text="Yes, that was me.")
    assert await take(yes) is Became.MESSAGE
    assert (await Case.get()).status is Status.DRAFT
    assert (await Message.get()).body.endswith("Yes, that was me.")
    assert (await ExceptionItem.get()).kind == "draft_answered"
    assert await MailItem.all().count() == 1


# --- Nobody we know --------------------------------------------------------------------------


@pytest.mark.req("B14", "T06")
async def test_an_unknown_sender_is_read_by_a_person_and_told_so_once(harbor: Account) -> None:
    assert await take(unknown(text="My card is 4242424242424242")) is Became.NEW
    item = await ExceptionItem.get()
    assert item.kind == "unknown_sender"
    assert f"From: {EVE} (calls itself “Eve”)" in item.detail
    assert "My card is [card number removed, ends 4242]" in item.detail
    [mail] = await MailItem.all()
    assert (mail.kind, mail.recipient, mail.case_id) == ("email_not_matched", EVE, None)
    assert "Hello" not in str(mail.context)
    assert "Eve" not in str(mail.context)
    assert await Case.all().count() == 0


@pytest.mark.req("T06", "T52")
async def test_one_answer_an_hour_and_two_a_day(harbor: Account, time: list[datetime]) -> None:
    for _ in range(30):
        await take(unknown())
        time.append(time[-1] + timedelta(minutes=13))
    assert await ExceptionItem.all().count() == 30
    assert await MailItem.all().count() == 2


@pytest.mark.parametrize(
    "doubt",
    [
        {"dmarc": "none"},
        {"dmarc": "fail"},
        {"dmarc": ""},
        {"answers": "<1@evil.example>"},
        {"subject": "Re: Hello"},
        {"subject": "AW: Hello"},
        {"sender": "noreply@evil.example"},
        {"sender": "MAILER-DAEMON@evil.example"},
        {"headers": (("X-Auto-Response-Suppress", "OOF"),)},
        {"headers": (("List-Unsubscribe", "<https://evil.example>"),)},
        {"sender": f'"{PRIYA}" <{EVE}>, {PRIYA}'},
    ],
)
async def test_no_answer_to_whoever_may_not_have_written(
    harbor: Account, doubt: dict[str, object]
) -> None:
    await take(unknown(**doubt))
    assert await MailItem.all().count() == 0
    assert await ExceptionItem.filter(kind="unknown_sender", resolved_at=None).count() == 1


async def test_files_of_a_stranger_are_named_and_not_kept(harbor: Account) -> None:
    await take(unknown(files=(("invoice 4242424242424242.pdf", "application/pdf", b"%PDF-"),)))
    detail = (await ExceptionItem.get()).detail
    assert "Files, not kept: “invoice [card number removed, ends 4242].pdf”" in detail
    assert await Attachment.all().count() == 0


@pytest.mark.req("T06")
async def test_many_forged_senders_get_no_mail_and_have_to_wait(
    harbor: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "MOST_UNKNOWN", 30)
    later = 0
    for number in range(40):
        try:
            await take(unknown(sender=f"victim{number}@x.example", dmarc="fail"))
        except facts.TooMany:
            later += 1
    assert await MailItem.all().count() == 0
    assert await ExceptionItem.all().count() == 30
    assert later == 10


async def test_one_sender_is_slowed_down_and_nobody_else(harbor: Account) -> None:
    for _ in range(60):
        await take(Letter(dmarc="fail"))
    with pytest.raises(facts.TooMany):
        await take(Letter(dmarc="fail"))
    assert await take(Letter()) is Became.NEW
    assert await Case.all().count() == 1


async def test_mail_to_the_sender_address_is_taken_as_well(harbor: Account) -> None:
    assert await take(Letter(to=letters.SENDER)) is Became.NEW
    assert await Case.all().count() == 1
