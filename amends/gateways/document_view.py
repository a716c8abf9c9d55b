"""The words of a document, made once for the PDF and its HTML twin, so that both say the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from babel import dates

from amends.gateways import plain_text
from amends.gateways.document_data import (
    CancellationConfirmation,
    ChargeLine,
    Document,
    Event,
    EvidencePack,
    FileLine,
    Paper,
    ProofOfRefund,
    Receipt,
    RefundLine,
    RefundState,
    RequestSummary,
)
from amends.rules import money, promises

NO_TRACE_NUMBER: Final = "not yet reported by the bank"
_LOCALE: Final = "en_US"
_KILOBYTE: Final = 1024
# A document is read in any year, so its dates always name theirs.
_ANOTHER_YEAR: Final = date(1970, 1, 1)
_STATES: Final = {
    RefundState.WAITING: "Waiting for our payment provider",
    RefundState.SENT: "Sent, with the bank",
    RefundState.CONFIRMED: "Confirmed by our payment provider",
    RefundState.REVERSED: "Charge taken back before it settled; it disappears from the statement",
    RefundState.RETURNED: "Sent back by the bank",
}
# Money that did not leave or came back is not refunded, whatever the plan said.
_NOT_REFUNDED: Final = frozenset({RefundState.WAITING, RefundState.RETURNED})


@dataclass(frozen=True)
class Pair:
    """`code`: a value to be copied sign by sign, set in a type that tells 0 from O."""

    label: str
    value: str
    code: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a money table: the card, what is known about it, the amount."""

    what: str
    details: tuple[Pair, ...]
    amount: str


@dataclass(frozen=True)
class MoneyTable:
    heading: str
    lines: tuple[Line, ...]
    sums: tuple[Pair, ...]


@dataclass(frozen=True)
class View:
    """A document in strings, ready to be set. Empty parts are left out by the templates."""

    kind: str
    title: str
    statement: str
    company: str
    contact: str
    paper: Paper
    about: tuple[Pair, ...]
    issued: str
    issued_at: datetime
    reference: str
    record: str
    figure: Pair | None = None
    tables: tuple[MoneyTable, ...] = ()
    answers: tuple[Pair, ...] = ()
    story: tuple[str, ...] = ()
    files: tuple[Pair, ...] = ()
    steps: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def view(document: Document) -> View:
    """The words of any document. TypeError for a kind this module does not know."""
    match document:
        case ProofOfRefund():
            return _proof(document)
        case Receipt():
            return _receipt(document)
        case RequestSummary():
            return _summary(document)
        case CancellationConfirmation():
            return _cancellation(document)
        case EvidencePack():
            return _evidence(document)
        case _:
            raise TypeError(f"no words for {type(document).__name__}")


def _proof(proof: ProofOfRefund) -> View:
    total = _refunded(proof.refunds, proof.refunds[0].amount.currency)
    shown = money.format_money(total)
    cards = "the card" if len(proof.refunds) == 1 else "the cards"
    after = "Charged to the new card after every refund was confirmed"
    charge = (_charges(after, proof.charge, ()),) if proof.charge else ()
    return replace(
        _frame(proof, "Proof of refund"),
        statement=f"{_company(proof)} refunded {shown} to {cards} below. "
        "Every refund goes to the card that was charged first.",
        figure=Pair("Total refunded", shown),
        tables=(_refunds("Refunds", proof.refunds, Pair("Total refunded", shown)), *charge),
        notes=(*_refund_notes(proof.refunds), _contact_note(proof)),
    )


def _receipt(receipt: Receipt) -> View:
    charge = receipt.charge
    shown = money.format_money(charge.amount)
    bought = (Pair("For", plain_text.line(receipt.bought)),)
    return replace(
        _frame(receipt, "Payment receipt"),
        statement=f"{_company(receipt)} charged {shown} to {charge.card.words} "
        f"on {_day(charge.charged_on)}.",
        figure=Pair("Amount paid", shown),
        tables=(_charges("Payment", charge, bought), *_refunded_before(receipt)),
        notes=(_contact_note(receipt),),
    )


def _refunded_before(receipt: Receipt) -> tuple[MoneyTable, ...]:
    if not receipt.refunds:
        return ()
    paid = receipt.charge.amount
    total = _refunded(receipt.refunds, paid.currency)
    table = _refunds(
        "Refunded before this payment",
        receipt.refunds,
        Pair("Total refunded", money.format_money(total)),
        Pair("Difference", money.signed(paid - total)),
    )
    return (table,)


def _summary(summary: RequestSummary) -> View:
    frame = _frame(summary, "Your request")
    asked = Pair("Asked for", plain_text.line(summary.asked_for))
    received = Pair("Received", _moment(summary.received_at))
    return replace(
        frame,
        statement=f"This is what you sent to {_company(summary)}, as we received it.",
        about=(*frame.about, asked, received),
        answers=tuple(
            Pair(plain_text.line(each.question), plain_text.line(each.answer))
            for each in summary.answers
        ),
        story=tuple(part for part in plain_text.prose(summary.story).split("\n") if part),
        files=tuple(_file(each) for each in summary.files),
        steps=tuple(plain_text.line(step) for step in summary.next_steps),
        notes=(_contact_note(summary),),
    )


def _cancellation(done: CancellationConfirmation) -> View:
    frame = _frame(done, "Confirmation of your cancellation")
    facts = [
        Pair("Canceled", plain_text.line(done.what)),
        Pair("Internal audit", f"{_day(done.audited_from)} to {_day(done.audited_to)}"),
        Pair("Your contact", plain_text.line(done.contact)),
    ]
    tables: tuple[MoneyTable, ...] = ()
    if done.refunds:
        total = money.format_money(_refunded(done.refunds, done.refunds[0].amount.currency))
        tables = (_refunds("Refunds", done.refunds, Pair("Total refunded", total)),)
    return replace(
        frame,
        statement=_cancelled(done),
        about=(*frame.about, *(pair for pair in facts if pair.value)),
        tables=tables,
        notes=(*_refund_notes(done.refunds), _contact_note(done)),
    )


def _cancelled(done: CancellationConfirmation) -> str:
    said = f"{_company(done)} canceled your order after its audit."
    if done.ended_on is None:
        return said
    return f"{said} The subscription ended on {_day(done.ended_on)} and does not renew."


def _evidence(pack: EvidencePack) -> View:
    frame, shown = _frame(pack, "Evidence"), money.format_money(pack.amount)
    known = [
        _code("Dispute", pack.dispute_id),
        Pair("The bank's reason", plain_text.line(pack.reason.replace("_", " "))),
        Pair("Card", plain_text.line(pack.card.words) if pack.card else ""),
        Pair("Charged", _day(pack.charged_on) if pack.charged_on else ""),
    ]
    return replace(
        frame,
        statement=f"{_company(pack)} answers the dispute of {shown} with what follows.",
        about=(*frame.about, *(pair for pair in known if pair.value)),
        figure=Pair("Disputed", shown),
        story=_paragraphs(pack.statement),
        steps=_paragraphs(pack.policy),
        answers=tuple(_event(each) for each in pack.events),
        files=tuple(
            Pair(str(number), plain_text.line(each.title))
            for number, each in enumerate(pack.exhibits, 1)
        ),
    )


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(part for part in plain_text.prose(text).split("\n") if part)


def _event(event: Event) -> Pair:
    words = plain_text.line(event.words)
    return Pair(_moment(event.at), f"{event.who} wrote: {words}" if event.who else words)


def _frame(document: Document, title: str) -> View:
    """What every kind shows the same way."""
    head = document.head
    record = f"Record: {head.reference} #{head.record.number} head={head.record.head}"
    about = [
        Pair("Customer", plain_text.line(head.customer)),
        Pair("Organization", plain_text.line(head.organisation)),
        _code("Order", head.order),
        _code("Request", head.reference),
        Pair("Issued", _moment(head.issued_at)),
    ]
    return View(
        kind=document.kind,
        title=title,
        statement="",
        company=_company(document),
        contact=plain_text.line(head.company.support_address),
        paper=head.paper,
        about=tuple(pair for pair in about if pair.value),
        issued=_moment(head.issued_at),
        # PDF dates have whole seconds; anything finer is refused.
        issued_at=head.issued_at.astimezone(UTC).replace(microsecond=0),
        reference=plain_text.line(head.reference),
        record=plain_text.line(record),
    )


def _code(label: str, value: str) -> Pair:
    return Pair(label, plain_text.line(value), code=True)


def _company(document: Document) -> str:
    return plain_text.line(document.head.company.name)


def _refunds(heading: str, refunds: Sequence[RefundLine], *sums: Pair) -> MoneyTable:
    lines = (
        Line(each.card.words, _details(each), money.format_money(each.amount)) for each in refunds
    )
    return MoneyTable(heading, tuple(lines), sums)


def _details(refund: RefundLine) -> tuple[Pair, ...]:
    known: list[Pair] = []
    if refund.charged_on:
        known.append(Pair("First charged", _day(refund.charged_on)))
    if refund.refund_id:
        known.append(_code("Refund ID", refund.refund_id))
    if refund.sent_on:
        known.append(Pair("Sent", _day(refund.sent_on)))
    known += _arrival(refund)
    return (*known, Pair("Status", _STATES[refund.state]))


def _arrival(refund: RefundLine) -> list[Pair]:
    """When the money shows and how the bank finds it; nothing for money that is not on its way."""
    if refund.window is None or refund.state in {RefundState.WAITING, RefundState.REVERSED}:
        return []
    window = promises.between_words(refund.window, _ANOTHER_YEAR)
    trace = plain_text.line(refund.trace_number)
    number = _code("Bank trace number", trace) if trace else None
    return [
        Pair("On the statement", window),
        number or Pair("Bank trace number", NO_TRACE_NUMBER),
    ]


def _charges(heading: str, charge: ChargeLine, more: tuple[Pair, ...]) -> MoneyTable:
    details = (
        *more,
        Pair("Charged", _day(charge.charged_on)),
    )
    amount = money.format_money(charge.amount)
    return MoneyTable(heading, (Line(charge.card.words, details, amount),), ())


def _refunded(refunds: Sequence[RefundLine], currency: str) -> money.Money:
    return money.total((r.amount for r in refunds if r.state not in _NOT_REFUNDED), currency)


def _refund_notes(refunds: Sequence[RefundLine]) -> tuple[str, ...]:
    first, last = promises.REFUND_FIRST_BUSINESS_DAYS, promises.REFUND_LAST_BUSINESS_DAYS
    days = (
        f"A refund shows on the statement {first}–{last} business days after it is sent. "
        "How fast depends on the bank."
    )
    trace = "A bank can find a refund with its trace number (ARN)."
    return (days, trace) if any(each.window for each in refunds) else (days,)


def _contact_note(document: Document) -> str:
    contact = plain_text.line(document.head.company.support_address)
    return f"Questions about this document: {contact}. We have no phone line and answer in writing."


def _file(file: FileLine) -> Pair:
    return Pair(plain_text.line(file.name), f"{max(1, round(file.size / _KILOBYTE)):,} kB")


def _day(day: date) -> str:
    return promises.day_words(day, _ANOTHER_YEAR)


def _moment(at: datetime) -> str:
    return dates.format_datetime(at.astimezone(UTC), "MMMM d, y, HH:mm 'UTC'", locale=_LOCALE)
