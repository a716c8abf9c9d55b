"""2 An agent takes a case, corrects its reason, writes to the customer, asks, declines."""

from collections.abc import Sequence
from datetime import timedelta

from tortoise.expressions import F, Q
from tortoise.transactions import in_transaction

from amends import clock, facts, moves
from amends.flow import chargeback, desk, desk_letters, fraud, freshness, identity, outbox, sighting
from amends.models import Case, Message, Person
from amends.rules import policy, workflow
from amends.rules.people import Role, Staff
from amends.rules.workflow import Action, Reason, Status

# A case that somebody took and left alone for a day is free again for "take the next case".
CLAIM_LASTS = timedelta(hours=24)
_FREE = (Status.SUBMITTED, Status.REOPENED, Status.TRIAGE)
PAPERS = "Identification or business papers"


async def claim_next(by: Staff) -> Case | None:
    """The most urgent case that nobody works on, for this person alone; None if there is none.

    The row is locked and rows that others are taking are passed over, so no two people get one.
    """
    desk.must_work(by)
    async with in_transaction():
        free = (
            Case.filter(
                _nobody_works_on_it(), _not_for_others(by), _awake(), status__in=list(_FREE)
            )
            .order_by("due_at", "id")
            .select_for_update(skip_locked=True, of=("case_",))
        )
        case = await free.first()
        return await _take(case, by) if case else None


def _nobody_works_on_it() -> Q:
    return Q(owner_id=None) | Q(status=Status.TRIAGE, owned_since__lt=clock.now() - CLAIM_LASTS)


def _awake() -> Q:
    """Not set aside, or something happened since, or its day has come."""
    return (
        Q(mark__snoozed_until__isnull=True)
        | Q(mark__snoozed_until__lte=clock.now())
        | ~Q(mark__snoozed_at=F("version"))
    )


def _not_for_others(by: Staff) -> Q:
    """Cases of a card that was not recognised go to Security and managers only."""
    if by.roles & policy.INVESTIGATORS:
        return Q()
    return ~Q(reason=Reason.NOT_RECOGNISED) | Q(reason=None)


async def claim(case: Case, by: Staff) -> Case:
    """Take this very case. Somebody else's is handed over by them or by a lead."""
    desk.must_work(by)
    if case.owner_id == by.person_id:
        return case
    if case.owner_id is not None and not by.roles & policy.LEADS:
        holder = await Person.get(id=case.owner_id)
        raise facts.Refused(f"{holder.name} has this case. A lead or manager can hand it over.")
    return await _take(case, by)


async def _take(case: Case, by: Staff) -> Case:
    columns = {"owner_id": by.person_id, "owned_since": clock.now()}
    if workflow.target(case.status, Action.CLAIM) is not None:
        return await moves.move(case, Action.CLAIM, by, changes=columns)
    if case.status not in workflow.OPEN:
        raise facts.Refused("This case is closed; there is nothing to take.")
    return await desk.change(case, by, desk.entry("take", by), **columns)


async def release(case: Case, by: Staff) -> Case:
    """Give the case back, so that somebody else takes it."""
    desk.must_work(by)
    if case.owner_id is None:
        return case
    if case.owner_id != by.person_id and not by.roles & policy.LEADS:
        raise facts.Refused("Only who has the case, a lead or a manager gives it back.")
    return await desk.change(case, by, desk.entry("give_back", by), owner_id=None, owned_since=None)


async def assign(case: Case, by: Staff, to: int) -> Case:
    """Hand the case to somebody who may work on it. Leads and managers, or who has it."""
    desk.must_work(by)
    if case.owner_id != by.person_id and not by.roles & policy.LEADS:
        raise facts.Refused("Only who has the case, a lead or a manager hands it over.")
    person = await Person.get_or_none(id=to, active=True)
    if person is None or not {Role(role) for role in person.roles} & desk.WORKERS:
        raise facts.InvalidInput({"to": "Choose somebody who works on cases"})
    if workflow.target(case.status, Action.CLAIM) is not None:
        case = await moves.move(case, Action.CLAIM, by)
    data: dict[str, object] = {"to": person.id, "name": person.name}
    return await desk.change(
        case, by, desk.entry("assign", by, data=data), owner_id=person.id, owned_since=clock.now()
    )


async def set_reason(case: Case, by: Staff, reason: Reason) -> Case:
    """Correct why the customer writes. Not once a plan waits or runs: it rests on the reason.

    A card that was not recognised freezes the account at once and goes to Security.
    """
    desk.must_prepare(case, by)
    if case.status not in workflow.PLANNABLE | {Status.SUBMITTED, Status.NEEDS_CUSTOMER}:
        raise facts.Refused(f"This case is {moves.words(case.status)}; its reason stays.")
    if reason is case.reason:
        return case
    data: dict[str, object] = {"from": str(case.reason or ""), "to": str(reason)}
    async with in_transaction():
        changed = await desk.change(
            case, by, desk.entry("set_reason", by, data=data), reason=reason
        )
        if reason is Reason.NOT_RECOGNISED:
            await fraud.flag(changed, by, "The customer does not recognize the charge.")
    return await Case.get(id=case.id)


async def note(case: Case, by: Staff, body: str) -> None:
    """A note among staff; the customer never sees it."""
    desk.must_work(by)
    text = desk.words(body, "body", "Write the note")
    async with in_transaction():
        await _write(case, by, text, "staff")
        await moves.note(case, desk.entry("note", by))


async def reply(case: Case, by: Staff, body: str) -> None:
    """Write to the customer: on the request page, and by mail."""
    desk.must_work(by)
    text = desk.words(body, "body", "Write your reply")
    async with in_transaction():
        message = await _write(case, by, text, "customer")
        letter = await desk_letters.message(case, by, text)
        await outbox.mail(case, letter, f"message:{message.id}")
        await moves.note(case, desk.entry("reply", by))


async def ask_customer(case: Case, by: Staff, question: str, papers: Sequence[str] = ()) -> Case:
    """Ask, and wait for the answer. `papers` open the verification that a plan then waits for."""
    desk.must_prepare(case, by)
    text = desk.words(question, "told", "Write what you need to know")
    async with in_transaction():
        moved = await moves.move(case, Action.ASK_CUSTOMER, by)
        message = await _write(case, by, text, "customer")
        if papers:
            await identity.ask_for_papers(moved, by, text)
        letter = await desk_letters.question(case, text, papers)
        await outbox.mail(case, letter, f"question:{message.id}")
    return moved


async def decline(case: Case, by: Staff, reason: str, told: str) -> Case:
    """Say no. `reason` is for the desk and the audit, `told` is what the customer reads."""
    desk.must_prepare(case, by)
    if case.status is Status.PROPOSED:
        raise facts.Refused("A plan waits for a decision; who approves plans may decline it.")
    reason = desk.words(reason, "why", "Say why, for the audit log")
    return await refuse(case, by, reason, told)


async def refuse(case: Case, by: Staff, reason: str, told: str) -> Case:
    """The case ends as declined, with a mail. Both the desk's and the approver's way out."""
    text = desk.words(told, "told", "Write what the customer will read")
    async with in_transaction():
        moved = await moves.move(
            case, Action.DECLINE, by, reason=reason, changes={"outcome_reason": text}
        )
        await _write(case, by, text, "customer")
        await outbox.mail(moved, await desk_letters.declined(moved, text), f"v{moved.version}")
    return moved


async def hand_to_bank_desk(case: Case, by: Staff) -> Case:
    """Stripe shows a dispute: the bank's process takes over and manual money is locked."""
    desk.must_work(by)
    reading = await sighting.read_claim(case, by)
    dispute = next((one for seen in reading.charges for one in seen.blocking), None)
    if dispute is None:
        raise facts.Refused("Stripe shows no open dispute on the charges of this case.")
    return await chargeback.lock_for(case, by, dispute)


async def _write(case: Case, by: Staff, text: str, audience: str) -> Message:
    return await Message.create(
        case_id=case.id,
        author_kind=by.kind,
        author_id=by.actor_id,
        author_name=by.name,
        audience=audience,
        body=text,
        at=clock.now(),
    )


async def expect(ref: str, version: int) -> Case:
    """The case as the form saw it. Raises Stale, with who changed what, when it moved on."""
    case = await Case.filter(ref=ref).exclude(status=Status.DRAFT).first()
    if case is None:
        raise facts.NotFound(f"There is no case {ref}.")
    if case.version != version:
        raise await freshness.stale(case.id)
    return case
