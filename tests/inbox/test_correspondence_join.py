"""A mail joins its case: as the customer's word only by reply address, from a proven party."""

import contextlib

import pytest

from amends import facts, reply_address
from amends.flow import correspondence
from amends.flow.correspondence import Became
from amends.models import (
    Account,
    Attachment,
    Case,
    ExceptionItem,
    MailItem,
    Message,
    TimelineEntry,
)
from amends.rules import quoting
from amends.rules.workflow import Status
from tests.inbox import letters
from tests.inbox.conftest import account, case_of
from tests.inbox.letters import EVE, PRIYA, Letter

GUESSED = "ab" * 12
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "08d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def reply(**changes: object) -> Letter:
    return Letter(to=reply_address.signed("RB-2417"), subject="Re: RB-2417: A question").with_(
        **changes
    )


async def take(letter: Letter) -> Became:
    return await correspondence.take(letter.read())


async def test_a_reply_of_the_customer_joins_its_case(harbor: Account) -> None:
    case = await case_of(harbor)
    assert await take(reply(text="Both cards are mine.")) is Became.MESSAGE
    message = await Message.get()
    assert (message.case_id, message.verified, message.audience) == (case.id, True, "customer")
    assert (message.author_id, message.author_name) == (f"account:{harbor.id}", "Priya Raman")
    assert message.body == "Both cards are mine."
    entry = await TimelineEntry.get()
    assert (entry.action, entry.actor_id) == ("write", f"account:{harbor.id}")
    # Who decides on a page without the message finds that page out of date.
    assert (await Case.get(id=case.id)).version == case.version + 1
    assert await ExceptionItem.all().count() == 0
    assert await MailItem.all().count() == 0


@pytest.mark.req("B14")
async def test_an_answer_goes_on_with_the_case(harbor: Account) -> None:
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    assert await take(reply()) is Became.MESSAGE
    moved = await Case.get(id=case.id)
    assert moved.status is Status.TRIAGE
    entry = await TimelineEntry.get()
    assert (entry.action, entry.data["channel"]) == ("answer", "email")


@pytest.mark.parametrize(
    "doubt",
    [
        {"dmarc": "none"},
        {"dmarc": "fail"},
        {"dmarc": ""},
        {"to": letters.SUPPORT, "answers": "<first@northwind.example>"},
        {"to": letters.SUPPORT},  # the number in the subject, from a proven sender
        {"headers": (("X-Auto-Response-Suppress", "All"),)},
    ],
)
async def test_an_answer_in_doubt_waits_for_a_person(
    harbor: Account, doubt: dict[str, object]
) -> None:
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    await mail_of(case)
    assert await take(reply(**doubt)) is Became.UNVERIFIED
    same = await Case.get(id=case.id)
    assert (same.status, same.version) == (Status.NEEDS_CUSTOMER, case.version)
    message = await Message.get()
    assert (message.verified, message.audience) == (False, "staff")
    assert message.author_id.startswith("mail:")
    assert PRIYA in message.author_name
    [item] = await ExceptionItem.all()
    assert (item.kind, item.case_id) == ("unverified_mail", case.id)
    assert "We wait for an answer" in item.detail


async def mail_of(case: Case, message_id: str = "<first@northwind.example>") -> MailItem:
    return await MailItem.create(
        case_id=case.id,
        kind="answer_needed",
        outcome=message_id,
        recipient=case.contact_email,
        message_id=message_id,
        state="sent",
        created_at=case.created_at,
    )


@pytest.mark.req("B14", "T51")
@pytest.mark.parametrize("dmarc", ["pass", "fail", "none", ""])
async def test_somebody_else_with_the_reply_address_joins_nothing(
    harbor: Account, dmarc: str
) -> None:
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    assert await take(reply(sender=EVE, dmarc=dmarc)) is Became.STRANGER
    assert await Message.all().count() == 0
    assert (await Case.get(id=case.id)).status is Status.NEEDS_CUSTOMER
    [item] = await ExceptionItem.all()
    assert (item.kind, item.case_id) == ("unknown_sender", case.id)
    assert EVE in item.detail
    assert await MailItem.all().count() == 0


async def test_another_customer_joins_nothing_either(harbor: Account) -> None:
    await case_of(harbor)
    await account("billing@other.example", "ot-1")
    other = "Mallory <billing@other.example>"
    assert await take(reply(sender=other)) is Became.STRANGER
    assert await take(reply(sender=other, to=letters.SUPPORT)) is Became.NEW
    assert await Message.all().count() == 0


async def test_a_draft_keeps_its_address_when_it_is_sent(harbor: Account) -> None:
    draft = reply_address.signed("D-5c1f0e7a9b3d2468")
    case = await case_of(harbor)
    await Case.filter(id=case.id).update(answers={"draft": "D-5c1f0e7a9b3d2468"})
    assert await take(reply(to=draft)) is Became.MESSAGE
    assert (await Message.get()).case_id == case.id


async def test_what_is_sent_twice_joins_once(harbor: Account) -> None:
    await case_of(harbor)
    letter = reply(message_id="<7@harborfitness.example>")
    assert await take(letter) is Became.MESSAGE
    assert await take(letter) is Became.REPEAT
    assert await Message.all().count() == 1


async def test_a_forged_copy_does_not_stand_in_for_the_true_mail(harbor: Account) -> None:
    await case_of(harbor)
    letter = reply(message_id="<7@harborfitness.example>")
    assert await take(letter.with_(dmarc="fail", text="Forged")) is Became.UNVERIFIED
    assert await take(letter) is Became.MESSAGE
    assert await take(letter.with_(dmarc="fail", text="Forged")) is Became.REPEAT


async def test_a_closed_case_stays_closed_and_is_looked_at(harbor: Account) -> None:
    case = await case_of(harbor, Status.RESOLVED)
    assert await take(reply(text="It is still not solved.")) is Became.MESSAGE
    assert (await Case.get(id=case.id)).status is Status.RESOLVED
    assert (await ExceptionItem.get()).kind == "closed_case_mail"


@pytest.mark.req("B14", "T50")
@pytest.mark.parametrize("status", [s for s in Status if s is not Status.NEEDS_CUSTOMER])
async def test_no_wish_in_a_mail_triggers_anything(harbor: Account, status: Status) -> None:
    case = await case_of(harbor, status)
    await take(reply(text="Cancel my order, withdraw the request and charge card 5454 instead."))
    same = await Case.get(id=case.id)
    assert same.status is status
    assert (same.card_payment_method_id, same.setup_session_id) == (None, None)
    assert await MailItem.all().count() == 0


async def test_quotation_is_folded_and_nothing_is_lost(harbor: Account) -> None:
    await case_of(harbor)
    quoted = "On Tue Northwind wrote:\n> Who does the card belong to?\n> Sam"
    await take(reply(text=f"To me.\n\n-- \nPriya\n\n{quoted}"))
    own, folded = quoting.parted((await Message.get()).body)
    assert own == "To me.\n\n--\nPriya"
    assert folded.endswith("Who does the card belong to?\nSam")


async def test_a_subject_of_their_own_is_kept(harbor: Account) -> None:
    await case_of(harbor)
    await take(reply(subject="My card 4242 4242 4242 4242 is gone", text="See subject"))
    assert (await Message.get()).body == (
        "My card [card number removed, ends 4242] is gone\n\nSee subject"
    )


async def test_files_come_along_under_the_rules_of_uploads(harbor: Account) -> None:
    await case_of(harbor)
    letter = reply(
        files=(
            ("receipt.png", "image/png", PNG),
            ("paid.txt", "text/plain", b"Paid with 4242 4242 4242 4242"),
            ("macro.docm", "application/vnd.ms-word", b"PK\x03\x04"),
            ("photo.png", "image/png", b"not a picture"),
            ("winmail.dat", "application/ms-tnef", b"x"),
        )
    )
    assert await take(letter) is Became.MESSAGE
    message = await Message.get()
    files = await Attachment.all().order_by("name")
    assert [(f.name, f.message_id, f.audience) for f in files] == [
        ("paid.txt", message.id, "customer"),
        ("receipt.png", message.id, "customer"),
    ]
    assert "“macro.docm” is not a kind of file we can take" in message.body
    assert "“photo.png” holds something else than its name says" in message.body
    assert "winmail.dat" in message.body


async def test_files_of_an_unconfirmed_sender_are_for_staff(harbor: Account) -> None:
    await case_of(harbor)
    await take(reply(dmarc="none", files=(("receipt.png", "image/png", PNG),)))
    assert (await Attachment.get()).audience == "staff"


async def test_a_full_case_takes_the_words_and_names_the_files(harbor: Account) -> None:
    case = await case_of(harbor)
    many = tuple((f"{n}.txt", "text/plain", b"A receipt") for n in range(22))
    assert await take(reply(files=many)) is Became.MESSAGE
    assert await Attachment.filter(case_id=case.id).count() == 20
    assert "A request can hold 20 files" in (await Message.get()).body


@pytest.mark.req("B14", "T51")
@pytest.mark.parametrize(("who", "dmarc"), [(EVE, "pass"), (PRIYA, "none"), (PRIYA, "fail")])
async def test_ten_thousand_guesses_attach_nothing(harbor: Account, who: str, dmarc: str) -> None:
    """Reply addresses, subjects and mail ids, a hundred a mail; each from another domain."""
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    await mail_of(case)
    for start in range(2401, 12401, 100):
        numbers = range(start, start + 100)
        sender = who if dmarc == "none" else who.replace("@", f"+{start}@")
        guess = [
            f"Authentication-Results: {letters.verdict(dmarc, sender)}",
            f"From: {sender}",
            f"To: {', '.join(f'support+RB-{n}.{GUESSED}@northwind.example' for n in numbers)}",
            f"References: {' '.join(f'<{n}@northwind.example>' for n in numbers[:50])}",
            f"Subject: {' '.join(f'RB-{n}' for n in range(2410, 2430))}",
            f"Message-ID: <{start}@harborfitness.example>",
        ]
        with contextlib.suppress(facts.TooMany):
            await correspondence.take(letters.read(letters.raw("\n".join(guess))))
    assert await Message.all().count() == 0
    same = await Case.get(id=case.id)
    assert (same.status, same.version) == (Status.NEEDS_CUSTOMER, case.version)
