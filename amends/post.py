"""Sends queued mails: at least once, with a fixed Message-ID, never in the way of money."""

from datetime import timedelta

from amends import clock, exceptions_desk, reply_address, settings
from amends.flow import attachment
from amends.gateways import inbox_mail, mail, mail_contexts
from amends.models import Case, Document, MailItem, Message

_FILE_NAMES = {
    "proof_of_refund": "proof-of-refund",
    "receipt": "receipt",
    "request_summary": "request",
    "cancellation_confirmation": "cancellation",
}
# Tries over about three days; then a person is told. The portal has the same words meanwhile.
_WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440, 1440))


async def send(mail_id: str) -> None:
    """Send one mail if it is still to be sent and its documents are made."""
    item = await MailItem.get_or_none(id=mail_id, state="queued")
    if item is None or (item.next_try_at is not None and item.next_try_at > clock.now()):
        return
    attachments = await _attachments(item)
    if attachments is None:
        await _later(item, "its documents are not made yet", counted=False)
        return
    try:
        await _send(item, attachments)
    except mail.TryLater as error:
        await _later(item, str(error), counted=True)
    except mail.Undeliverable as error:
        await _give_up(item, str(error))
    else:
        await MailItem.filter(id=item.id).update(state="sent", sent_at=clock.now(), error="")


async def _attachments(item: MailItem) -> list[mail.Attachment] | None:
    """The PDFs of the mail; None while one is not made."""
    made = await Document.filter(id__in=list(item.document_ids))
    if any(each.state != "made" for each in made):
        return None
    store = attachment.store()
    case = await Case.get_or_none(id=item.case_id) if item.case_id else None
    name = case.ref if case else ""
    return [
        mail.Attachment(
            f"{name}-{_FILE_NAMES.get(each.kind, each.kind)}.pdf",
            "application/pdf",
            await store.get(each.store_key),
        )
        for each in made
    ]


async def _send(item: MailItem, attachments: list[mail.Attachment]) -> None:
    known = settings.load()
    case = await Case.get_or_none(id=item.case_id) if item.case_id else None
    envelope = mail.Envelope(
        item.recipient,
        known.mail_from,
        reply_address.signed(case.ref) if case else known.support_address,
        item.message_id,
        item.created_at,
        *(await _thread(item, case) if case else ("", ())),
    )
    letter = mail_contexts.unpack(item.kind, item.context)
    await mail.send(mail.compose(letter, envelope, attachments), known.smtp_url)


async def _thread(item: MailItem, case: Case) -> tuple[str, tuple[str, ...]]:
    """A case's mails hang together: each refers to the first, and answers the customer's last."""
    first = await MailItem.filter(case_id=case.id).order_by("created_at", "id").first()
    written = await (
        Message.filter(case_id=case.id, verified=True, author_kind="customer")
        .exclude(mail_message_id=None)
        .order_by("-id")
        .first()
    )
    theirs = written.mail_message_id if written else case.answers.get("mail")
    known = [first.message_id] if first is not None and first.id != item.id else []
    if isinstance(theirs, str) and not theirs.endswith(inbox_mail.UNNAMED):
        known.append(theirs)
    return (known[-1] if known else ""), tuple(known)


async def _later(item: MailItem, why: str, *, counted: bool) -> None:
    tries = item.tries + (1 if counted else 0)
    if tries > len(_WAITS):
        await _give_up(item, why)
        return
    wait = _WAITS[tries - 1] if counted else timedelta(seconds=5)
    await MailItem.filter(id=item.id, state="queued").update(
        tries=tries, error=why[:500], next_try_at=clock.now() + wait
    )


async def _give_up(item: MailItem, why: str) -> None:
    await MailItem.filter(id=item.id).update(state="failed", error=why[:500])
    await exceptions_desk.tell(
        "mail_failed",
        str(item.id),
        f"The mail '{item.kind}' could not be delivered: {why}",
        case_id=item.case_id,
    )
