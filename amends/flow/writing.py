"""The customer writes on a case that was sent: a message, an answer, or that it is not solved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.expressions import F
from tortoise.transactions import in_transaction

from amends import access, clock, facts, moves, timeline
from amends.flow import attachment, intake_answers
from amends.flow.attachment import Upload
from amends.gateways import uploads
from amends.models import Case, Message
from amends.rules.people import Customer
from amends.rules.workflow import FINAL, Action, Status

LONGEST_MESSAGE = 8000
MOST_MESSAGES_AN_HOUR = 20
_AN_HOUR_S = 60 * 60
REOPENABLE = frozenset({Status.RESOLVED, Status.DECLINED})


@dataclass(frozen=True)
class Unsolved:
    """What the customer names when a closed case is not solved; text, never an instruction."""

    order: str
    old_last4: str
    new_last4: str
    amount: str
    story: str

    def words(self) -> str:
        lines = [
            ("Order number", self.order),
            ("Card we charged ends in", self.old_last4),
            ("New card ends in", self.new_last4),
            ("Amount in dispute", self.amount),
        ]
        named = "\n".join(f"{name}: {value}" for name, value in lines if value)
        return f"{named}\n\n{self.story}".strip()


async def case_of(by: Customer, ref: str) -> Case:
    """The customer's own case, once it was sent."""
    found = await Case.filter(
        ref=ref, account_id=by.account_id, submitted_at__not_isnull=True
    ).first()
    if found is None:
        raise facts.NotFound("There is no such request.")
    return found


async def write_message(
    case: Case, by: Customer, body: str, uploaded: Sequence[Upload] = ()
) -> Case:
    """A message from the customer; where we wait for an answer, it is the answer."""
    _must_own(case, by)
    if case.status in FINAL:
        raise facts.Refused("This request is closed. Tell us below if it is not solved.")
    text = _checked("body", body, "Write your message")
    accepted = await _accepted(by, uploaded)
    async with attachment.stored(accepted) as kept, in_transaction():
        await _add(case, by, text, kept)
        if case.status is Status.NEEDS_CUSTOMER:
            return await moves.move(case, Action.ANSWER, by)
        await _note(case, by, "write", len(accepted))
    return await Case.get(id=case.id)


async def reopen(
    case: Case, by: Customer, unsolved: Unsolved, uploaded: Sequence[Upload] = ()
) -> Case:
    """Still not solved: the closed case comes back to us with all that is known."""
    _must_own(case, by)
    if case.status not in REOPENABLE:
        raise facts.Refused("This request is not closed. Write to us on its page.")
    _checked("story", unsolved.story, "Tell us what is not solved")
    intake_answers.refuse_card_numbers(order=unsolved.order, amount=unsolved.amount)
    accepted = await _accepted(by, uploaded)
    async with attachment.stored(accepted) as kept, in_transaction():
        reopened = await moves.move(case, Action.REOPEN, by)
        await _add(reopened, by, unsolved.words(), kept)
    return reopened


def _must_own(case: Case, by: Customer) -> None:
    if case.account_id != by.account_id or case.status is Status.DRAFT:
        raise facts.NotFound("There is no such request.")


def _checked(field: str, text: str, missing: str) -> str:
    plain = text.strip()
    if not plain:
        raise facts.InvalidInput({field: missing})
    if len(plain) > LONGEST_MESSAGE:
        raise facts.InvalidInput({field: f"Shorten this to {LONGEST_MESSAGE:,} characters"})
    intake_answers.refuse_card_numbers(**{field: plain})
    return plain


async def _accepted(by: Customer, uploaded: Sequence[Upload]) -> list[uploads.Accepted]:
    at = int(clock.now().timestamp())
    start = at - at % _AN_HOUR_S
    written = await access.hit_limit(f"message:account:{by.account_id}", start)
    if written > MOST_MESSAGES_AN_HOUR:
        raise facts.TooMany("Too many messages in a short time.", start + _AN_HOUR_S - at)
    return await attachment.check(uploaded)


async def _add(case: Case, by: Customer, body: str, kept: Sequence[attachment.Stored]) -> None:
    message = await Message.create(
        case_id=case.id,
        author_kind=by.kind,
        author_id=by.actor_id,
        author_name=by.name or by.organisation,
        audience="customer",
        body=body,
        at=clock.now(),
    )
    await attachment.add(case, by, kept, message.id)


async def _note(case: Case, by: Customer, action: str, file_count: int) -> None:
    """History, and a newer version: a decision on a page without the message is out of date."""
    data: dict[str, Any] = {"files": file_count}
    await moves.note(case, timeline.Entry(action, by, clock.now(), data=data))
    await Case.filter(id=case.id).update(version=F("version") + 1)
