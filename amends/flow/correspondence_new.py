"""A mail that belongs to no case: a draft for its customer to confirm, or a look by a person."""

from typing import Final

from amends import clock, exceptions_desk, facts, moves, settings, timeline
from amends.flow import attachment, correspondence_words, intake, intake_answers, letters, outbox
from amends.flow import correspondence_files as mail_files
from amends.flow import correspondence_once as taking
from amends.flow.correspondence_join import INBOX
from amends.flow.correspondence_match import Placed
from amends.gateways import mail_contexts
from amends.gateways.inbox_mail import File, Mail, Origin
from amends.gateways.inbox_sender import Dmarc
from amends.models import Account, Case
from amends.rules import card_numbers
from amends.rules.people import Customer
from amends.rules.workflow import Kind, Status

# More than these, and a person looks: either nobody reads our mails there, or a program writes.
MOST_EMAIL_DRAFTS: Final = 2
UNKNOWN: Final = "unknown_sender"
_CANCEL: Final = ("cancel", "terminate", "end my subscription", "end our subscription")
_NEW_CARD: Final = (
    "another card", "other card", "new card", "different card", "change card", "change the card",
    "change my card", "change our card", "wrong card", "payment method", "re-bill", "rebill",
)  # fmt: skip
# Mailboxes that no person reads.
_NOBODY: Final = frozenset(
    {"mailer-daemon", "postmaster", "abuse", "root", "bounce", "bounces", "noreply", "no-reply"}
    | {"do-not-reply", "donotreply", "daemon", "nobody", "www-data", "list", "majordomo"}
)


async def draft(mail: Mail, account: Account) -> None:
    """A draft with the story filled in, and a mail that asks to sign in, check and send it."""
    by = Customer(account.id, account.billing_email, account.contact_name, account.organisation)
    files = await mail_files.check(_files(mail))
    async with attachment.stored(files[0]) as kept, taking.once(mail):
        case = await intake.start_draft(by, _kind(mail))
        story = correspondence_words.story(mail, files[1])[: intake_answers.LONGEST_STORY]
        await Case.filter(id=case.id).update(
            channel="email",
            story=story,
            answers={**case.answers, "mail": mail.message_id},
        )
        await mail_files.keep(case, kept, taking.author_id(mail), "customer")
        data: dict[str, object] = {"channel": "email", "dmarc": str(mail.dmarc)}
        await moves.note(case, timeline.Entry("begin_by_email", INBOX, clock.now(), data=data))
        await _ask_to_confirm(case)


def _files(mail: Mail) -> tuple[File, ...]:
    """With the whole text as a file, when the story cannot hold it."""
    fits = len(correspondence_words.story(mail, ())) <= intake_answers.LONGEST_STORY
    if (fits and not mail.quoted) or any(file.name == "email.txt" for file in mail.files):
        return mail.files
    text = correspondence_words.whole(mail).encode()
    return (*mail.files, File("email.txt", "text/plain", text))


def _kind(mail: Mail) -> Kind:
    """Which questions the customer is asked first. A guess: they see it, and nothing follows."""
    text = f"{mail.subject}\n{mail.own}".lower()
    if any(words in text for words in _NEW_CARD):
        return Kind.REBILL
    return Kind.CANCELLATION if any(words in text for words in _CANCEL) else Kind.DISPUTE


async def _ask_to_confirm(case: Case) -> None:
    if not await taking.may_acknowledge(case.contact_email):
        return
    page = f"{settings.load().portal_url}/requests/new/{case.ref}"
    letter = mail_contexts.ConfirmEmail(letters.company(), letters.today(), clock.now(), page)
    await outbox.mail(case, letter, case.ref)


async def has_room(account: Account) -> bool:
    """Whether another draft may be begun by mail."""
    drafts = Case.filter(account_id=account.id, status=Status.DRAFT)
    if await drafts.count() >= intake.MOST_DRAFTS:
        return False
    return await drafts.filter(channel="email").count() < MOST_EMAIL_DRAFTS


async def unknown(mail: Mail, account: Account | None) -> None:
    """No case and nobody to ask: a person reads it."""
    await taking.slow_down_unknown()
    async with taking.once(mail):
        await _to_the_desk(mail, _why(mail, account))
        if account is None and await _may_acknowledge(mail):
            letter = mail_contexts.EmailNotMatched(letters.company(), letters.today(), clock.now())
            await outbox.mail_to(mail.sender, letter)


def _why(mail: Mail, account: Account | None) -> str:
    if not mail.sender:
        return "An email whose sender cannot be told."
    if account is None:
        return "An email from an address that belongs to no account."
    if mail.dmarc is Dmarc.FAIL:
        return f"An email in the name of {account.organisation} that was not sent from there."
    if mail.origin is Origin.UNSURE:
        return f"An email from {account.organisation} that may come from a program."
    return (
        f"An email from {account.organisation}, which already has requests begun by email that "
        "nobody confirmed."
    )


async def stranger(mail: Mail, placed: Placed) -> None:
    """Somebody else has the case's reply address: a colleague, or whoever it was forwarded to."""
    why = (
        f"An email to the reply address of {placed.case.ref} from somebody who is not its contact."
    )
    await taking.slow_down_unknown()
    async with taking.once(mail):
        case_id = placed.case.id if placed.case.submitted_at else None
        await _to_the_desk(mail, why, case_id)


async def _to_the_desk(mail: Mail, why: str, case_id: int | None = None) -> None:
    detail = correspondence_words.detail(mail, why)
    await exceptions_desk.tell(UNKNOWN, taking.key(mail), detail, case_id=case_id)


async def _may_acknowledge(mail: Mail) -> bool:
    """Never to an address that may be forged, to a program, or in answer to an answer."""
    proven = mail.dmarc is Dmarc.PASS and mail.origin is Origin.PERSON and not mail.is_reply
    local = mail.sender.partition("@")[0].partition("+")[0]
    if not proven or local in _NOBODY or card_numbers.contains(mail.sender):
        return False
    return await taking.may_acknowledge(mail.sender)


async def draft_or_desk(mail: Mail, account: Account) -> None:
    """As many drafts as the account may have; then a person."""
    if mail.origin is Origin.PERSON and await has_room(account):
        try:
            await draft(mail, account)
        except facts.Refused:
            await unknown(mail, account)
    else:
        await unknown(mail, account)
