"""One realistic example of every document, for the preview page and for tests."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

from amends.gateways import document_data as documents
from amends.gateways import mail_samples
from amends.gateways.customer_facts import Card
from amends.gateways.document_data import RefundState
from amends.rules import business_days, money, promises

_SENT_ON: Final = date(2026, 11, 24)
HEAD: Final = documents.DocumentHead(
    company=mail_samples.COMPANY,
    reference="RB-2417",
    customer="Priya Raman",
    organisation="Harbor Fitness LLC",
    order="SO-10482",
    issued_at=datetime(2026, 12, 1, 15, 2, tzinfo=UTC),
    record=documents.Record(14, "9f2c4be1" * 8),
)


def _refund(card: Card, minor: int, trace: str) -> documents.RefundLine:
    return documents.RefundLine(
        card=card,
        amount=money.Money(minor, "usd"),
        state=RefundState.CONFIRMED,
        refund_id=f"re_3SWq9tLkdIwHu7ix{card.last4}",
        charged_on=date(2026, 8, 14),
        sent_on=_SENT_ON,
        window=promises.refund_window(_SENT_ON, business_days.Calendar("US")),
        trace_number=trace,
    )


def _refunds() -> tuple[documents.RefundLine, ...]:
    return (
        _refund(Card("amex", "1005"), 120_000, "74850126329001"),
        _refund(Card("visa", "4242", "debit"), 80_000, ""),
    )


def _charge() -> documents.ChargeLine:
    card = Card("mastercard", "5454")
    day = date(2026, 12, 1)
    return documents.ChargeLine(
        card, money.Money(200_000, "usd"), "pi_3SYk2mLkdIwHu7ix0aB1cD2e", day
    )


def _proof() -> documents.Document:
    return documents.ProofOfRefund(HEAD, _refunds(), _charge())


def _receipt() -> documents.Document:
    return documents.Receipt(HEAD, _charge(), "Order SO-10482, body scanner", _refunds())


def _summary() -> documents.Document:
    answers = (
        documents.Answer("What do you need?", "A refund, and a charge to a different card"),
        documents.Answer("Last 4 digits of the card charged", "1005"),
        documents.Answer("How much?", "All of it, $2,000.00"),
        documents.Answer("Did you ask your bank to take the charge back?", "No"),
        documents.Answer("New card", "Mastercard ending 5454"),
    )
    return documents.RequestSummary(
        HEAD,
        asked_for="Refund $2,000.00 and charge another card",
        received_at=datetime(2026, 11, 20, 21, 40, tzinfo=UTC),
        answers=answers,
        story="We ordered in August. The unit is late, and we closed the card since.\n\n"
        "Refund both deposits and charge the new card.",
        files=(
            documents.FileLine("order confirmation.pdf", 82_431),
            documents.FileLine("mail from the carrier.eml", 12_020),
        ),
        next_steps=(
            "We check the charge and write to you by Mon, Nov 23.",
            "Then a manager decides. No money moves before that.",
            promises.unsent_sentence(),
        ),
    )


def _cancellation() -> documents.Document:
    return documents.CancellationConfirmation(
        HEAD,
        what="Order SO-10482, body scanner",
        audited_from=date(2026, 9, 1),
        audited_to=date(2026, 11, 24),
        ended_on=date(2026, 12, 1),
        contact="Ivy Lindqvist",
        refunds=_refunds(),
    )


def _evidence() -> documents.Document:
    at = datetime(2026, 11, 20, 21, 40, tzinfo=UTC)
    return documents.EvidencePack(
        HEAD,
        dispute_id="du_3SWq9tLkdIwHu7ix",
        reason="product_not_received",
        amount=money.Money(165_000, "usd"),
        card=Card("visa", "9047"),
        charged_on=date(2026, 8, 19),
        statement="The unit was handed over on August 25 and delivered on August 30.",
        policy="Deposits are refunded to the card they came from until the unit is handed over.",
        events=(
            documents.Event(at, "", "The customer's request arrived"),
            documents.Event(at, "The customer", "The scanner came five weeks late."),
        ),
        exhibits=(documents.Exhibit("Payment receipt", "documents/x", "application/pdf", 60_000),),
    )


_MAKERS: Final[dict[str, Callable[[], documents.Document]]] = {
    "proof_of_refund": _proof,
    "receipt": _receipt,
    "request_summary": _summary,
    "cancellation_confirmation": _cancellation,
    "evidence_pack": _evidence,
}
NAMES: Final = tuple(_MAKERS)


def sample(kind: str) -> documents.Document:
    """The example of this kind. KeyError for a kind that is not in NAMES."""
    return _MAKERS[kind]()
