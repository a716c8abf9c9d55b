"""What the customer gets in writing about a request: the mails, and the facts of its summary."""

from datetime import date

from amends.flow import intake_words, letters, proof_facts
from amends.gateways import document_data as documents
from amends.gateways import mail_contexts as mails
from amends.gateways.customer_facts import Card
from amends.models import Attachment, Case
from amends.rules import promises
from amends.rules.money import Money, format_money
from amends.rules.workflow import Kind


async def received(case: Case) -> mails.RequestReceived:
    """The request is here; what was asked for, and when we write."""
    assert case.submitted_at is not None
    audit = None
    if case.kind is Kind.CANCELLATION:
        audit = promises.audit_window(letters.today(), letters.calendar())
    return mails.RequestReceived(
        letters.company(),
        letters.today(),
        await letters.head(case),
        case.kind,
        asked_for(case),
        case.submitted_at,
        promises.reply_by(case.submitted_at, letters.calendar(), letters.zone()),
        new_card(case),
        audit,
    )


async def withdrawn(case: Case) -> mails.Withdrawn:
    return mails.Withdrawn(
        letters.company(), letters.today(), await letters.head(case), letters.today()
    )


def new_card(case: Case) -> Card | None:
    """The card that was saved with the request, in the words of mails."""
    if case.card_payment_method_id is None:
        return None
    return Card(case.card_brand, case.card_last4, case.card_funding)


def asked_for(case: Case) -> str:
    """One line: Refund $2,000.00 and charge another card."""
    amount = _amount(case)
    match case.kind:
        case Kind.REBILL:
            return f"Refund {amount} and charge another card"
        case Kind.DISPUTE:
            return f"Look at a charge and refund {amount}"
        case Kind.CANCELLATION:
            return f"Cancel order {case.claimed_order} and refund {amount}"
        case Kind.CHARGEBACK:
            return f"{amount}, which your bank was asked to reverse"


def _amount(case: Case) -> str:
    if case.claimed_amount_minor is None:
        return "the charge"
    return format_money(Money(case.claimed_amount_minor, case.currency))


async def summary(case: Case) -> documents.RequestSummary:
    """What was sent, for the PDF and its page."""
    assert case.submitted_at is not None
    files = await Attachment.filter(case_id=case.id, removed_at=None).order_by("at")
    return documents.RequestSummary(
        await proof_facts.head(case),
        asked_for(case),
        case.submitted_at,
        tuple(documents.Answer(question, answer) for question, answer in _answers(case) if answer),
        case.story,
        tuple(documents.FileLine(file.name, file.size) for file in files),
        intake_words.next_steps(asked(case)),
    )


def _answers(case: Case) -> list[tuple[str, str]]:
    card = new_card(case)
    about = case.claimed_order or str(case.answers.get("about", ""))
    return [
        ("What you want", intake_words.WHAT_YOU_WANT[case.kind]),
        ("Order or charge", about),
        ("Charged on", _day(case.claimed_charge_date)),
        ("Why", intake_words.REASONS[case.reason][0] if case.reason else ""),
        ("Card we charged", f"Ends {case.claimed_last4}" if case.claimed_last4 else ""),
        ("Amount in dispute", _amount(case) if case.claimed_amount_minor else ""),
        ("Asked your bank to reverse it", "Yes" if case.bank_dispute_claimed else "No"),
        ("New card", f"{card.words}, saved and not charged" if card else ""),
    ]


def _day(day: date | None) -> str:
    return promises.day_words(day, letters.today()) if day else ""


def asked(case: Case) -> intake_words.Asked:
    """What decides the steps that follow."""
    assert case.submitted_at is not None
    card = new_card(case)
    return intake_words.Asked(
        case.kind,
        _amount(case) if case.claimed_amount_minor else "",
        card.words if card else "",
        promises.reply_by(case.submitted_at, letters.calendar(), letters.zone()),
        letters.today(),
    )
