"""A mail joins its case: as the customer's own word, or as one that a person has to look at."""

from tortoise.expressions import F

from amends import clock, exceptions_desk, moves, timeline
from amends.flow import attachment, correspondence_words
from amends.flow import correspondence_files as mail_files
from amends.flow import correspondence_once as taking
from amends.flow.correspondence_match import Placed
from amends.gateways.inbox_mail import Mail
from amends.models import Case, Message
from amends.rules.people import ActorKind, Customer, System
from amends.rules.workflow import FINAL, Action, Status

INBOX = System("inbox")


async def verified(mail: Mail, placed: Placed) -> None:
    """The customer's own word: where we wait for an answer, it is the answer."""
    by = placed.customer
    accepted, refused = await mail_files.check(mail.files, placed.case)
    async with attachment.stored(accepted) as kept, taking.once(mail):
        case = await _locked(placed.case)
        message = await Message.create(
            case_id=case.id,
            author_kind=by.kind,
            author_id=by.actor_id,
            author_name=by.name or by.organisation,
            audience="customer",
            body=correspondence_words.message(mail, case.ref, refused),
            mail_message_id=mail.message_id,
            at=clock.now(),
        )
        await mail_files.keep(case, kept, by.actor_id, "customer", message.id)
        await go_on(case, by, len(kept))


async def _locked(case: Case) -> Case:
    """The case as it is now; nobody else moves it until the transaction ends."""
    return await Case.filter(id=case.id).select_for_update().get()


async def go_on(case: Case, by: Customer, files: int) -> None:
    """What the customer's own word by email does to its case. Joins the caller's transaction."""
    data: dict[str, object] = {"channel": "email", "files": files}
    if case.status is Status.NEEDS_CUSTOMER:
        await moves.move(case, Action.ANSWER, by, data=data)
        return
    await moves.note(case, timeline.Entry("write", by, clock.now(), data=data))
    # A decision on a page without this message is out of date.
    await Case.filter(id=case.id).update(version=F("version") + 1)
    if case.status in FINAL:
        await _tell(case, "closed_case_mail", "The customer wrote by email on a closed case.")
    elif case.status is Status.DRAFT:
        await _tell_of_draft(case)


async def unverified(mail: Mail, placed: Placed) -> None:
    """Kept where staff see it, marked as not confirmed. It moves nothing and outdates nothing."""
    accepted, refused = await mail_files.check(mail.files, placed.case)
    async with attachment.stored(accepted) as kept, taking.once(mail):
        case = await _locked(placed.case)
        author = taking.author_id(mail)
        message = await Message.create(
            case_id=case.id,
            author_kind=ActorKind.CUSTOMER,
            author_id=author,
            author_name=correspondence_words.sender(mail)[:200],
            # Not for the customer's page: a stranger must not put words there.
            audience="staff",
            body=correspondence_words.message(mail, case.ref, refused),
            verified=False,
            mail_message_id=mail.message_id,
            at=clock.now(),
        )
        await mail_files.keep(case, kept, author, "staff", message.id)
        data: dict[str, object] = {"channel": "email", "verified": False, "dmarc": str(mail.dmarc)}
        await moves.note(case, timeline.Entry("write", INBOX, clock.now(), data=data))
        await _ask_to_look(case)


async def _ask_to_look(case: Case) -> None:
    if case.status is Status.DRAFT:
        await _tell_of_draft(case)
        return
    waits = " We wait for an answer, and this may be it." if _waits(case) else ""
    await _tell(
        case,
        "unverified_mail",
        "An email came in whose sender is not confirmed. It changed nothing."
        f"{waits} Read it on the case. On the request page its customer is asked whose it is.",
    )


def _waits(case: Case) -> bool:
    return case.status is Status.NEEDS_CUSTOMER


async def _tell(case: Case, kind: str, detail: str) -> None:
    await exceptions_desk.tell(kind, f"case:{case.id}", f"{case.ref}: {detail}", case_id=case.id)


async def _tell_of_draft(case: Case) -> None:
    """A draft is not on the desk, so the exception says what there is to know."""
    await exceptions_desk.tell(
        "draft_answered",
        f"case:{case.id}",
        f"{case.contact_name or 'A customer'} ({case.contact_email}) answered by email instead of "
        "signing in to confirm the request that an earlier email began. Nothing was sent to us "
        "yet: write to the registered address.",
    )
