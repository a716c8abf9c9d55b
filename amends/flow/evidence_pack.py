"""The facts of an evidence pack: what was written, what happened, and the papers behind it."""

from collections.abc import Sequence

from amends.flow import proof_facts
from amends.gateways import document_data as documents
from amends.gateways.customer_facts import Card
from amends.models import Attachment, BankDispute, Case, Deposit, Document, Message, TimelineEntry
from amends.rules.money import Money

# What a bank reads of our history; notes, names of staff and inner steps are not its business.
_HAPPENED = {
    "submit": "The customer's request arrived",
    "approve": "A refund or credit was approved",
    "refund_succeeded": "A refund was confirmed by our payment provider",
    "recharge_succeeded": "The new card was charged",
    "credit_added": "A credit was added to the customer's account",
    "resolve": "The request was closed",
    "decline": "The request was declined",
    "lock_chargeback": "The bank's process began",
}
NAMES = {
    "proof_of_refund": "Proof of refund",
    "receipt": "Payment receipt",
    "request_summary": "The customer's request",
    "cancellation_confirmation": "Confirmation of the cancellation",
}
TYPES = ("application/pdf", "image/png", "image/jpeg")


async def papers_of(case: Case) -> list[Document]:
    """Documents we made for the customer, of this case and of others about the same order."""
    found = Document.filter(state="made", superseded_at=None, kind__in=list(NAMES))
    own = found.filter(case_id=case.id)
    if case.order_id is not None:
        own = found.filter(case__order_id=case.order_id, case__account_id=case.account_id)
    return await own.order_by("created_at")


async def files_of(case: Case) -> list[Attachment]:
    """Files that a bank can read."""
    return await Attachment.filter(
        case_id=case.id, removed_at=None, state="clean", content_type__in=list(TYPES)
    ).order_by("at")


async def exhibits(
    case: Case, papers: Sequence[str], files: Sequence[str]
) -> tuple[documents.Exhibit, ...]:
    """What was ticked, of what the case has; anything else is left out."""
    made = [
        documents.Exhibit(NAMES[each.kind], each.store_key, "application/pdf", 60_000)
        for each in await papers_of(case)
        if str(each.id) in papers
    ]
    sent = [
        documents.Exhibit(each.name, each.store_key, each.content_type, each.size)
        for each in await files_of(case)
        if str(each.id) in files
    ]
    return (*made, *sent)


async def lines(case: Case, *, letters: bool, history: bool) -> tuple[documents.Event, ...]:
    """What happened and what was written, by its time."""
    found: list[documents.Event] = []
    if history:
        rows = await TimelineEntry.filter(case_id=case.id).order_by("seq")
        found += [
            documents.Event(row.at, "", _HAPPENED[row.action])
            for row in rows
            if row.action in _HAPPENED
        ]
    if letters:
        written = await Message.filter(case_id=case.id, audience="customer").order_by("id")
        if case.story and case.submitted_at:
            found.append(documents.Event(case.submitted_at, "The customer", case.story))
        found += [
            documents.Event(
                each.at, "The customer" if each.author_kind == "customer" else "We", each.body
            )
            for each in written
        ]
    return tuple(sorted(found, key=lambda each: each.at))


async def document(
    case: Case,
    row: BankDispute,
    statement: str,
    rules: str,
    events: tuple[documents.Event, ...],
    exhibits: tuple[documents.Exhibit, ...],
) -> documents.EvidencePack:
    deposit = await Deposit.get_or_none(charge_id=row.charge_id)
    card = Card(deposit.card_brand, deposit.card_last4, deposit.card_funding) if deposit else None
    return documents.EvidencePack(
        await proof_facts.head(case),
        row.id,
        row.reason,
        Money(row.amount_minor, row.currency),
        card,
        deposit.charged_on if deposit else None,
        statement,
        rules,
        events,
        exhibits,
    )
