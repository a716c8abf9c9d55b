"""Programs that write to us: kept quietly, never answered, and no loop of two of them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from amends import clock, reply_address
from amends.flow import correspondence
from amends.flow.correspondence import Became
from amends.models import Account, Case, ExceptionItem, MailItem, Message, TimelineEntry
from amends.rules.workflow import Status
from tests.inbox import letters
from tests.inbox.conftest import case_of
from tests.inbox.letters import EVE, PRIYA, Letter

OURS = "<0f1e2d3c-first@northwind.example>"


async def sent(case: Case | None, message_id: str = OURS, kind: str = "answer_needed") -> MailItem:
    return await MailItem.create(
        case_id=case.id if case else None,
        kind=kind,
        outcome=message_id,
        recipient=PRIYA,
        message_id=message_id,
        state="sent",
        created_at=clock.now(),
    )


async def take_bounce(raw: bytes) -> Became:
    return await correspondence.take(letters.read(raw, "<>", [letters.SENDER]))


@pytest.mark.req("B14")
async def test_a_mail_that_came_back_is_said_on_its_case(harbor: Account) -> None:
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    mail = await sent(case)
    assert await take_bounce(letters.bounce(OURS)) is Became.BOUNCE
    again = await MailItem.get(id=mail.id)
    assert (again.state, again.error) == ("bounced", "smtp; 550 5.1.1 user unknown")
    note = await Message.get()
    assert (note.audience, note.author_kind) == ("staff", "system")
    assert note.body == (
        f"Mail could not be delivered: “answer needed” to {PRIYA}. smtp; 550 5.1.1 user unknown"
    )
    item = await ExceptionItem.get()
    assert (item.kind, item.case_id, item.key) == ("mail_failed", case.id, str(mail.id))
    assert (await Case.get()).status is Status.NEEDS_CUSTOMER
    assert await MailItem.all().count() == 1


async def test_a_second_report_of_the_same_mail_says_nothing_new(harbor: Account) -> None:
    await sent(await case_of(harbor))
    for _ in range(3):
        assert await take_bounce(letters.bounce(OURS)) is Became.BOUNCE
    assert await Message.all().count() == 1
    assert await ExceptionItem.all().count() == 1


async def test_a_code_that_came_back_is_told_without_a_case(harbor: Account) -> None:
    await sent(None, kind="sign_in_code")
    await take_bounce(letters.bounce(OURS))
    item = await ExceptionItem.get()
    assert (item.kind, item.case_id) == ("mail_failed", None)


async def test_an_answer_to_a_stranger_that_came_back_is_nobodys_task(harbor: Account) -> None:
    await sent(None, kind="email_not_matched")
    await take_bounce(letters.bounce(OURS))
    assert (await MailItem.get()).state == "bounced"
    assert await ExceptionItem.filter(resolved_at=None).count() == 0


async def test_a_report_of_a_mail_that_is_not_ours_is_kept_quietly(harbor: Account) -> None:
    await take_bounce(letters.bounce("<made-up@northwind.example>"))
    assert await ExceptionItem.filter(resolved_at=None).count() == 0
    assert (await ExceptionItem.get()).kind == "automatic_mail"
    assert await MailItem.all().count() == 0


@pytest.mark.req("T52")
async def test_a_bounce_storm_writes_no_mail(harbor: Account) -> None:
    case = await case_of(harbor)
    for number in range(50):
        await sent(case, f"<{number}@northwind.example>")
    for number in range(50):
        await take_bounce(letters.bounce(f"<{number}@northwind.example>"))
    assert await MailItem.filter(state="bounced").count() == 50
    assert await MailItem.all().count() == 50


AUTOMATIC = [
    (("Auto-Submitted", "auto-replied"),),
    (("Precedence", "auto_reply"),),
    (("Precedence", "bulk"),),
    (("X-Autoreply", "yes"),),
    (("Return-Path", "<>"),),
    (("List-Id", "<users.lists.example>"),),
]


@pytest.mark.parametrize("headers", AUTOMATIC, ids=lambda h: h[0][0] + " " + h[0][1])
async def test_an_automatic_reply_is_a_quiet_note_on_its_case(
    harbor: Account, headers: tuple[tuple[str, str], ...]
) -> None:
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    away = Letter(to=reply_address.signed(case.ref), text="I am away.", headers=headers)
    assert await correspondence.take(away.read()) is Became.AUTOMATIC
    note = await Message.get()
    assert (note.audience, note.verified) == ("staff", False)
    assert "I am away." in note.body
    same = await Case.get()
    assert (same.status, same.version) == (Status.NEEDS_CUSTOMER, case.version)
    assert (await TimelineEntry.get()).action == "note"
    assert await ExceptionItem.all().count() == await MailItem.all().count() == 0


@pytest.mark.parametrize("headers", AUTOMATIC, ids=lambda h: h[0][0] + " " + h[0][1])
@pytest.mark.parametrize("sender", [PRIYA, EVE])
async def test_without_a_case_it_is_kept_where_nobody_has_to_look(
    harbor: Account, headers: tuple[tuple[str, str], ...], sender: str
) -> None:
    letter = Letter(sender=sender, headers=headers)
    assert await correspondence.take(letter.read()) is Became.AUTOMATIC
    item = await ExceptionItem.get()
    assert item.kind == "automatic_mail"
    assert item.resolved_at is not None
    assert await correspondence.take(letter.with_(message_id="<2@x.example>").read())
    assert await Case.all().count() == await MailItem.all().count() == 0


@pytest.mark.parametrize("sender", [letters.SUPPORT, letters.SENDER])
async def test_our_own_mail_that_comes_back_is_kept_quietly(harbor: Account, sender: str) -> None:
    case = await case_of(harbor)
    letter = Letter(sender=sender, to=reply_address.signed(case.ref))
    assert await correspondence.take(letter.read()) is Became.AUTOMATIC
    await sent(case)
    copied = Letter(sender=EVE, message_id=OURS)
    assert await correspondence.take(copied.read()) is Became.AUTOMATIC
    assert await Message.all().count() == 0
    assert await ExceptionItem.filter(resolved_at=None).count() == 0


# --- Two responders --------------------------------------------------------------------------

Responder = Callable[[MailItem, str], Letter]


def polite(mail: MailItem, who: str) -> Letter:
    headers = (("Auto-Submitted", "auto-replied"),)
    return Letter(sender=who, subject="Away", answers=mail.message_id, headers=headers)


def threaded(mail: MailItem, who: str) -> Letter:
    return Letter(sender=who, subject="Re: We got your email", answers=mail.message_id)


def subject_only(mail: MailItem, who: str) -> Letter:
    return Letter(sender=who, subject="Re: We got your email")


def rude(mail: MailItem, who: str) -> Letter:
    """Tells nobody that it is a program, and forgets what it answers."""
    return Letter(sender=who, subject="Thank you for your message")


def to_reply_address(mail: MailItem, who: str) -> Letter:
    return rude(mail, who)


@pytest.mark.req("B14", "T52")
@pytest.mark.parametrize("responder", [polite, threaded, subject_only, rude])
@pytest.mark.parametrize("who", [PRIYA, EVE])
@pytest.mark.parametrize("pause", [timedelta(seconds=20), timedelta(minutes=61)])
async def test_two_responders_stop_after_two_mails(
    harbor: Account,
    monkeypatch: pytest.MonkeyPatch,
    responder: Responder,
    who: str,
    pause: timedelta,
) -> None:
    at = [datetime(2026, 11, 24, 9, 0, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[-1])
    await correspondence.take(Letter(sender=who).read())
    answered: set[str] = set()
    for _ in range(10):
        at.append(at[-1] + pause)
        for mail in await MailItem.exclude(message_id__in=list(answered)):
            answered.add(mail.message_id)
            await correspondence.take(responder(mail, who).read())
    assert await MailItem.all().count() <= 2


async def test_a_responder_at_the_reply_address_gets_one_mail_and_no_more(
    harbor: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registered address is asked once whether it wrote, not about answers to that."""
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    at = [datetime(2026, 11, 24, 9, 0, tzinfo=UTC)]
    monkeypatch.setattr(clock, "now", lambda: at[-1])
    for number in range(5):
        at.append(at[-1] + timedelta(minutes=61))
        made = EmailMessage(policy=SMTP)
        made["Authentication-Results"] = letters.verdict("none", PRIYA)
        made["From"], made["To"] = PRIYA, reply_address.signed(case.ref)
        made["Message-ID"] = f"<{number}@harborfitness.example>"
        made.set_content("Thank you for your message.")
        await correspondence.take(letters.read(made.as_bytes()))
    assert [mail.kind for mail in await MailItem.all()] == ["email_to_confirm"]
    assert (await Case.get()).status is Status.NEEDS_CUSTOMER
