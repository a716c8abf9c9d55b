"""An email that nobody vouched for: its customer, signed in, says whether they wrote it.

What came in stays as it is, among staff. Confirming it writes the same words once more, as the
customer's own: the portal adds rows and changes none.
"""

from dataclasses import dataclass
from datetime import datetime

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, moves, timeline
from amends.flow import correspondence_join, letters, outbox
from amends.flow import correspondence_once as taking
from amends.gateways import mail_contexts
from amends.models import Attachment, Case, Message, TimelineEntry
from amends.rules.people import ActorKind, Customer
from amends.rules.workflow import Status

CONFIRMED, DENIED = "confirm_email", "deny_email"


@dataclass(frozen=True)
class Email:
    """What the customer is asked about."""

    id: int
    body: str
    at: datetime


async def unconfirmed(case_id: int) -> tuple[Email, ...]:
    """Emails in the customer's name about which they have said nothing yet, oldest first."""
    rows = await _written(case_id).order_by("id").values("id", "body", "at")
    decided = await _decided(case_id) if rows else set()
    return tuple(Email(**row) for row in rows if row["id"] not in decided)


def _written(case_id: int):  # type: ignore[no-untyped-def]
    # What programs wrote is not verified either; nobody confirms that.
    return Message.filter(case_id=case_id, verified=False, author_kind=ActorKind.CUSTOMER)


async def _decided(case_id: int) -> set[int]:
    entries = TimelineEntry.filter(case_id=case_id, action__in=[CONFIRMED, DENIED])
    return {int(str(entry.data.get("message", 0))) for entry in await entries}


async def ask_its_customer(case: Case) -> None:
    """To the registered address only, without a word of what came in, and once until answered.

    A program that answers each mail at that address would otherwise be asked for ever.
    """
    if case.status is Status.DRAFT or len(await unconfirmed(case.id)) > 1:
        return
    if not await taking.may_acknowledge(case.contact_email):
        return
    now = clock.now()
    letter = mail_contexts.EmailToConfirm(
        letters.company(), letters.today(), await letters.head(case), now
    )
    await outbox.mail(case, letter, f"confirm:{now.isoformat()}")


async def confirm(case: Case, by: Customer, message_id: int) -> None:
    """It is the customer's word from now on: where we wait for an answer, it is the answer."""
    async with in_transaction():
        case, written = await _held(case, by, message_id)
        message = await Message.create(
            case_id=case.id,
            author_kind=by.kind,
            author_id=by.actor_id,
            author_name=by.name or by.organisation,
            audience="customer",
            body=written.body,
            at=clock.now(),
        )
        files = await _take_files(written, message, by)
        await _note(case, by, CONFIRMED, written)
        await correspondence_join.go_on(await Case.get(id=case.id), by, files)


async def _take_files(written: Message, message: Message, by: Customer) -> int:
    """The same files once more, under the customer's own message."""
    kept = await Attachment.filter(message_id=written.id, removed_at=None)
    for each in kept:
        await Attachment.create(
            case_id=each.case_id,
            message_id=message.id,
            name=each.name,
            content_type=each.content_type,
            size=each.size,
            sha256=each.sha256,
            store_key=each.store_key,
            audience="customer",
            state=each.state,
            uploaded_by=by.actor_id,
            at=clock.now(),
        )
    return len(kept)


async def deny(case: Case, by: Customer, message_id: int) -> None:
    """Somebody else wrote it. Staff read on the case and on the exceptions desk that it is so."""
    async with in_transaction():
        case, written = await _held(case, by, message_id)
        await _note(case, by, DENIED, written)
        await exceptions_desk.tell(
            "denied_email",
            f"message:{written.id}",
            f"{case.ref}: The customer says that they did not write an email that came in their "
            "name. Do nothing that it asks for. Tell Security if it wants money or another card.",
            case_id=case.id,
        )


async def _note(case: Case, by: Customer, action: str, written: Message) -> None:
    data: dict[str, object] = {"message": written.id}
    await moves.note(case, timeline.Entry(action, by, clock.now(), data=data))


async def _held(case: Case, by: Customer, message_id: int) -> tuple[Case, Message]:
    if case.account_id != by.account_id:
        raise facts.NotFound("There is no such request.")
    case = await Case.filter(id=case.id).select_for_update().get()
    message = await _written(case.id).filter(id=message_id).first()
    if message is None or message.id in await _decided(case.id):
        raise facts.AlreadyDecided("You have told us about this email already.")
    return case, message
