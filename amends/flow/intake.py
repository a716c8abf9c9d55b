"""1 The customer files a case: a draft kept answer by answer, sent once, written on, withdrawn."""

import re
import secrets
from datetime import timedelta

from tortoise import connections
from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, moves
from amends.flow import (
    attachment,
    chargeback,
    fraud,
    intake_answers,
    intake_letters,
    intake_steps,
    outbox,
)
from amends.flow.intake_answers import Answer, Changes, OrderChosen
from amends.flow.intake_steps import Step
from amends.models import Case, Deposit, Order, Plan
from amends.rules.people import Customer
from amends.rules.workflow import OPEN, Action, Kind, Reason, Status

MOST_DRAFTS = 10
# Guessing digits of a card through many requests is looked at by a person; nothing is answered.
MOST_MISMATCHES = 3
_GUESSING_WINDOW = timedelta(hours=24)
_LIKE_A_CARD = re.compile(r"[0-9]{13}")


class Incomplete(facts.Fact):
    """A question is still open; `step` is its page."""

    def __init__(self, step: Step) -> None:
        super().__init__("A question has no answer yet.")
        self.step = step


class NotCovered(facts.Fact):
    """The order has no live subscription; the door explains it and says what can be done."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"Order {order.number} has no active or pending subscription.")
        self.order_id = order.id


def _draft_ref() -> str:
    """A random name, drawn again in the rare case that it could be read as a card number."""
    name = secrets.token_hex(8)
    return f"D-{name}" if not _LIKE_A_CARD.search(name) else _draft_ref()


async def start_draft(by: Customer, kind: Kind) -> Case:
    """A new draft, known by a random name until it is sent."""
    drafts = await Case.filter(account_id=by.account_id, status=Status.DRAFT).count()
    if drafts >= MOST_DRAFTS:
        raise facts.Refused("You have ten unfinished requests. Continue or delete one of them.")
    return await Case.create(
        ref=_draft_ref(),
        account_id=by.account_id,
        kind=kind,
        reason=Reason.CANCEL_ORDER if kind is Kind.CANCELLATION else None,
        status=Status.DRAFT,
        contact_name=by.name,
        contact_email=by.email,
        answers={"asked_as": kind.value, "done": []},
        created_at=clock.now(),
    )


async def draft(by: Customer, ref: str) -> Case:
    """The customer's own draft."""
    found = await Case.filter(ref=ref, account_id=by.account_id, status=Status.DRAFT).first()
    if found is None:
        raise facts.NotFound("There is no such draft.")
    return found


async def save_answer(case: Case, by: Customer, answer: Answer) -> Case:
    """Keep one answer. Raises InvalidInput with a sentence per field, or NotCovered; nothing is
    kept then."""
    if isinstance(answer, OrderChosen):
        await _check_order(case, by, answer)
    return await _write(case, by, intake_answers.changes(case, answer))


async def keep_story(case: Case, by: Customer, story: str) -> Case:
    """Keep what was typed so far; the page goes on."""
    return await _write(case, by, intake_answers.story_kept(story))


async def ask_about_the_charge(case: Case, by: Customer, order_id: int) -> Case:
    """The draft goes on as a question about a charge of this order, which any order may have."""
    await _write(case, by, intake_answers.as_dispute(case))
    return await save_answer(await draft(by, case.ref), by, await own_order(by, order_id))


async def _write(case: Case, by: Customer, change: Changes) -> Case:
    async with in_transaction():
        locked = (
            await Case.filter(id=case.id, account_id=by.account_id, status=Status.DRAFT)
            .select_for_update()
            .first()
        )
        if locked is None:
            raise facts.Stale("This request was sent meanwhile. Open your requests to see it.")
        answers = intake_answers.merged(locked, change)
        await Case.filter(id=case.id).update(**change.columns, answers=answers)
    return await Case.get(id=case.id)


async def own_order(by: Customer, order_id: int, deposit_id: int | None = None) -> OrderChosen:
    """An order of the customer's, with all its payments or one of them."""
    order = await Order.filter(id=order_id, account_id=by.account_id).first()
    if order is None:
        raise facts.InvalidInput({"order": "Choose one of your orders"})
    deposits = await Deposit.filter(order_id=order.id).order_by("position")
    chosen = [deposit for deposit in deposits if deposit_id in (None, deposit.id)]
    total = sum(deposit.amount_minor for deposit in chosen) if chosen else order.total_minor
    return OrderChosen(
        order.id,
        order.number,
        tuple(deposit.id for deposit in chosen),
        total,
        order.currency,
        min((deposit.charged_on for deposit in chosen), default=order.placed_on),
    )


async def order_by_number(by: Customer, number: str) -> OrderChosen | None:
    """The customer's own order with this number; what others ordered is never looked at."""
    order = await Order.filter(account_id=by.account_id, number__iexact=number).first()
    return await own_order(by, order.id) if order else None


async def _check_order(case: Case, by: Customer, answer: OrderChosen) -> None:
    order = await Order.filter(id=answer.order_id, account_id=by.account_id).first()
    if order is None:
        raise facts.InvalidInput({"order": "Choose one of your orders"})
    kind = intake_answers.asked_as(case)
    if kind not in intake_steps.ABOUT_THE_ORDER:
        return
    if not intake_steps.covers(order.subscription_status, order.cancelled_on):
        raise NotCovered(order)
    others = Case.filter(account_id=by.account_id, order_id=order.id).exclude(id=case.id)
    same = await others.filter(kind=kind, status__in=list(OPEN)).first()
    if same is not None:
        sentence = f"Your request {same.ref} is about this order already. Write to us there"
        raise facts.InvalidInput({"order": sentence})


async def submit(case: Case, by: Customer) -> Case:
    """Send the draft: it gets its reference, and cannot be edited any more."""
    asked_as = intake_answers.asked_as(case)
    open_step = intake_steps.missing(case.kind, asked_as, intake_answers.done(case.answers))
    if open_step is not None:
        raise Incomplete(open_step)
    if case.order_id is not None:
        await _check_order(case, by, await own_order(by, case.order_id))
    async with in_transaction():
        sent = await _send(case, by)
        summary = await intake_letters.summary(sent)
        document = await outbox.document(sent, summary, sent.ref)
        letter = await intake_letters.received(sent)
        await outbox.mail(sent, letter, sent.ref, (document,))
        await _notice_guessing(sent)
        if sent.kind is Kind.CHARGEBACK:
            reason = "The customer wrote that the bank was asked to reverse the charge."
            sent = await chargeback.lock(sent, by, reason)
        if sent.reason is Reason.NOT_RECOGNISED:
            await fraud.flag(sent, by, "The customer does not recognize the charge.")
            sent = await Case.get(id=sent.id)
    return sent


async def _send(case: Case, by: Customer) -> Case:
    return await moves.move(
        case,
        Action.SUBMIT,
        by,
        data={"kind": case.kind.value, "order": case.claimed_order, "draft": case.ref},
        changes={
            "ref": await _next_ref(),
            "submitted_at": clock.now(),
            "contact_name": by.name,
            "contact_email": by.email,
            "answers": {**case.answers, "draft": case.ref},
        },
    )


async def _next_ref() -> str:
    rows = await connections.get("default").execute_query_dict(
        "SELECT nextval('case_ref_seq') AS number"
    )
    return f"RB-{rows[0]['number']}"


async def _notice_guessing(case: Case) -> None:
    """A fourth request within a day whose digits fit no card of its order is flagged."""
    since = clock.now() - _GUESSING_WINDOW
    recent = await Case.filter(account_id=case.account_id, submitted_at__gte=since)
    wrong = [each for each in recent if await _last4_differs(each)]
    if len(wrong) > MOST_MISMATCHES and case.id in {each.id for each in wrong}:
        await exceptions_desk.tell(
            "last4_guessing",
            f"account:{case.account_id}",
            f"{len(wrong)} requests within a day name card digits that fit no charge.",
            case_id=case.id,
        )


async def _last4_differs(case: Case) -> bool:
    which = {"order_id": case.order_id} if case.order_id else {"order__account_id": case.account_id}
    known = {deposit.card_last4 for deposit in await Deposit.filter(**which)} - {""}
    return bool(known) and case.claimed_last4 not in known


async def delete_draft(case: Case, by: Customer) -> None:
    """The customer drops a draft: what was typed and the files are forgotten, the row is not."""
    if case.status is not Status.DRAFT:
        raise facts.Refused("This request was sent. You can withdraw it on its page.")
    forgotten = {"story": "", "answers": {}, "claimed_order": "", "claimed_last4": ""}
    await moves.move(case, Action.WITHDRAW, by, reason="The draft was deleted.", changes=forgotten)
    await attachment.drop_all(case)


async def sent_from(by: Customer, draft_ref: str) -> str | None:
    """The reference that a draft got when it was sent, for a second tab or a double click."""
    rows = await connections.get("default").execute_query_dict(
        "SELECT ref FROM case_ WHERE account_id = $1 AND answers->>'draft' = $2 LIMIT 1",
        [by.account_id, draft_ref],
    )
    return str(rows[0]["ref"]) if rows else None


async def withdraw(case: Case, by: Customer, reason: str) -> Case:
    """The customer takes the request back, as long as no manager has approved it."""
    if case.account_id != by.account_id:
        raise facts.NotFound("There is no such request.")
    if case.status in OPEN and not may_withdraw(case.status):
        raise facts.Refused("It is too late to withdraw this request. Write to us on its page.")
    intake_answers.refuse_card_numbers(reason=reason)
    async with in_transaction():
        withdrawn = await moves.move(case, Action.WITHDRAW, by, reason=reason)
        await Plan.filter(case_id=case.id, voided_at=None).update(
            voided_at=clock.now(), void_reason="The customer withdrew the request."
        )
        await outbox.mail(withdrawn, await intake_letters.withdrawn(withdrawn), "withdrawn")
    return withdrawn


def may_withdraw(status: Status) -> bool:
    """Nothing has moved, and nobody has approved that it shall."""
    return status in (Status.SUBMITTED, Status.TRIAGE, Status.NEEDS_CUSTOMER, Status.PROPOSED)
