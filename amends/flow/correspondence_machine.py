"""Mail that programs wrote: delivery reports, automatic replies, our own mails. Never answered."""

from amends import clock, exceptions_desk, moves, timeline
from amends.flow import correspondence_once as taking
from amends.flow import correspondence_words
from amends.flow.correspondence_join import INBOX
from amends.flow.correspondence_match import Placed
from amends.gateways.inbox_mail import Bounce, Mail
from amends.models import Case, ExceptionItem, MailItem, Message

BOUNCED = "bounced"
# Mails to people we do not know; that they do not arrive is nobody's task.
_NO_LOSS = frozenset({"email_not_matched"})


async def record(mail: Mail, placed: Placed | None) -> None:
    """Kept quietly: as a note among staff on its case, or as an exception closed already."""
    async with taking.once(mail):
        text = correspondence_words.automatic(mail)
        if placed is not None and placed.case.submitted_at is not None:
            await _note(placed.case, mail, text)
        else:
            await _closed_exception(mail, text)


async def _note(case: Case, mail: Mail, text: str) -> None:
    await Message.create(
        case_id=case.id,
        author_kind=INBOX.kind,
        author_id=INBOX.actor_id,
        author_name="Inbox",
        audience="staff",
        body=text,
        verified=False,
        mail_message_id=mail.message_id,
        at=clock.now(),
    )
    await moves.note(case, timeline.Entry("note", INBOX, clock.now()))


async def _closed_exception(mail: Mail, text: str) -> None:
    await ExceptionItem.create(
        kind="automatic_mail",
        key=taking.key(mail),
        detail=text,
        opened_at=clock.now(),
        resolved_at=clock.now(),
        resolved_by="the inbox",
        resolution="Written by a program: kept, not answered.",
    )


async def bounce(mail: Mail, report: Bounce) -> None:
    """A mail of ours came back: said on its case, and told to whoever looks after such mails."""
    item = await MailItem.filter(message_id__in=report.mails).order_by("-created_at").first()
    if item is None:
        await record(mail, None)
        return
    async with taking.once(mail):
        reason = report.reason or "no reason given"
        changed = (
            await MailItem.filter(id=item.id)
            .exclude(state=BOUNCED)
            .update(state=BOUNCED, error=reason)
        )
        if changed and item.kind not in _NO_LOSS:
            await _tell(mail, item, reason)


async def _tell(mail: Mail, item: MailItem, reason: str) -> None:
    words = item.kind.replace("_", " ")
    text = f"Mail could not be delivered: “{words}” to {item.recipient}. {reason}"
    await exceptions_desk.tell("mail_failed", str(item.id), text, case_id=item.case_id)
    case = await Case.get_or_none(id=item.case_id) if item.case_id else None
    if case is not None:
        await _note(case, mail, text)
