"""What the chargeback desk decides: what goes to the bank, handing it in, or accepting."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import uuid4

from tortoise.transactions import in_transaction

from amends import clock, facts, jobs, moves
from amends.flow import desk, evidence_pack, outbox, step_up
from amends.gateways import stripe_disputes
from amends.models import Account, BankDispute, Case, Order
from amends.rules import policy
from amends.rules.money import Money, format_money
from amends.rules.people import Staff
from amends.rules.workflow import Status


class Wish(StrEnum):
    """What the worker shall do at Stripe."""

    NONE = ""
    STAGE = "stage"
    SUBMIT = "submit"
    ACCEPT = "accept"


_WANTS = frozenset({"needs_response", "warning_needs_response"})


@dataclass(frozen=True)
class Choice:
    """What goes into the pack. `papers` and `files` are ids of the case's documents and files."""

    statement: str
    policy: str = ""
    letters: bool = True
    history: bool = True
    papers: Sequence[str] = ()
    files: Sequence[str] = ()


def may_act(by: Staff) -> bool:
    return bool(by.roles & policy.LEADS)


def is_open(row: BankDispute) -> bool:
    """Whether evidence can still be chosen and handed in."""
    return row.closed_at is None and row.status in _WANTS and row.submissions == 0


async def choose(dispute_id: str, by: Staff, choice: Choice) -> None:
    """Assemble the pack and stage it at Stripe; nothing is handed in by that."""
    row, case = await _must_act(dispute_id, by)
    if row.wish not in (Wish.NONE, Wish.STAGE):
        raise facts.AlreadyDecided("It is being handed in or accepted already.")
    statement = desk.words(choice.statement, "statement", "Write what happened, for the bank")
    rules = desk.words(choice.policy, "policy", "") if choice.policy.strip() else ""
    exhibits = await evidence_pack.exhibits(case, choice.papers, choice.files)
    if sum(each.size for each in exhibits) > stripe_disputes.MOST_EXHIBITS:
        raise facts.InvalidInput({"files": "Choose fewer files: the bank takes 5 MB in all"})
    lines = await evidence_pack.lines(case, letters=choice.letters, history=choice.history)
    pack = await evidence_pack.document(case, row, statement, rules, lines, exhibits)
    texts = await _texts(case, row, statement, rules)
    if sum(len(text) for text in texts.values()) > stripe_disputes.MOST_SIGNS:
        raise facts.InvalidInput({"statement": "Shorten the texts to 150,000 characters in all"})
    async with in_transaction():
        made = await outbox.document(case, pack, f"{row.id}:{uuid4()}"[:80])
        await _wish(
            row, by, Wish.STAGE, document_id=made, evidence=texts, file_id="", staged_at=None
        )
        await _note(case, by, "evidence_chosen", row, exhibits=len(exhibits))


async def _texts(case: Case, row: BankDispute, statement: str, rules: str) -> dict[str, str]:
    """The fields that Stripe has for texts; the pack says the same in full."""
    account = await Account.get(id=case.account_id)
    order = await Order.get_or_none(id=case.order_id) if case.order_id else None
    return {
        "customer_name": case.contact_name or account.organisation,
        "customer_email_address": account.billing_email,
        "product_description": order.description if order else "",
        "refund_policy_disclosure": rules,
        "uncategorized_text": statement,
    }


async def submit(dispute_id: str, by: Staff, document_id: str) -> None:
    """Hand in exactly the pack that was seen. Possible once; a second click finds it taken."""
    row, case = await _must_act(dispute_id, by)
    await step_up.must_be_fresh(by)
    if row.staged_at is None or str(row.document_id) != document_id:
        raise facts.Stale("The pack is not the one you saw any more. Look at it again.")
    async with in_transaction():
        await _wish(row, by, Wish.SUBMIT, key_number=0, last_sent_at=None)
        await _note(case, by, "evidence_confirmed", row, pdf=document_id)


async def accept(dispute_id: str, by: Staff, reason: str) -> None:
    """Give in; the money stays with the customer. Final."""
    row, case = await _must_act(dispute_id, by)
    await step_up.must_be_fresh(by)
    reason = desk.words(reason, "reason", "Say why we accept it")
    async with in_transaction():
        await _wish(row, by, Wish.ACCEPT, key_number=0, last_sent_at=None)
        await _note(case, by, "dispute_accepted", row, reason=reason)


async def _must_act(dispute_id: str, by: Staff) -> tuple[BankDispute, Case]:
    if not may_act(by):
        raise facts.Refused("Only a lead or a manager works on what goes to the bank.")
    row = await BankDispute.get_or_none(id=dispute_id)
    if row is None:
        raise facts.NotFound("There is no such dispute.")
    case = await Case.get(id=row.case_id)
    if not is_open(row):
        raise facts.AlreadyDecided("The bank takes no evidence for this any more.")
    if case.status is not Status.LOCKED_CHARGEBACK:
        raise facts.Refused("This case is not with the bank now.")
    return row, case


async def _wish(row: BankDispute, by: Staff, wish: Wish, **columns: Any) -> None:
    """Take the dispute as it was seen; whoever was faster wins."""
    same = BankDispute.filter(
        id=row.id, wish=row.wish, document_id=row.document_id, submissions=0, closed_at=None
    )
    free = row.wish in (Wish.NONE, Wish.STAGE)
    taken = free and await same.update(
        wish=wish, wished_by_id=by.person_id, wished_at=clock.now(), **columns
    )
    if not taken:
        raise facts.AlreadyDecided("Somebody was faster: it is being handed in or accepted.")


async def _note(
    case: Case, by: Staff, action: str, row: BankDispute, reason: str = "", **data: object
) -> None:
    amount = format_money(Money(row.amount_minor, row.currency))
    told: dict[str, object] = {"dispute": row.id, "amount": amount, **data}
    await Case.filter(id=case.id).update(next_check_at=clock.now())
    await moves.note(case, desk.entry(action, by, reason, told), [jobs.advance(case.id)])
