"""One realistic example of every mail, for the preview page and for tests over all texts."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from typing import Final

from amends.gateways import mail_contexts as mails
from amends.gateways.customer_facts import Card, CaseHead, Company
from amends.rules import business_days, money, promises, workflow

COMPANY: Final = Company(
    name="Harborlight Scanners",
    support_address="billing@harborlight.example",
    portal_url="https://billing.harborlight.example",
    time_zone="America/New_York",
)
CASE: Final = CaseHead(
    reference="RB-2417",
    greeting="Priya Raman",
    page_url="https://billing.harborlight.example/requests/RB-2417",
    order="SO-10482",
)
TODAY: Final = date(2026, 11, 24)
_AT: Final = datetime(2026, 11, 24, 15, 2, tzinfo=UTC)
_AMEX: Final = Card("amex", "1005")
_VISA: Final = Card("visa", "4242", "debit")
_NEW: Final = Card("mastercard", "5454")
_CHARGE: Final = mails.PlannedMove(_NEW, money.Money(200_000, "usd"))
_REFUNDS: Final = (
    mails.PlannedMove(_AMEX, money.Money(120_000, "usd")),
    mails.PlannedMove(_VISA, money.Money(80_000, "usd")),
)


@cache
def _window() -> promises.Window:
    return promises.refund_window(TODAY, business_days.Calendar("US"))


def _sent(card: Card, minor: int, trace: str = "") -> mails.SentRefund:
    refund_id = f"re_3SWq9tLkdIwHu7ix{card.last4}"
    amount = money.Money(minor, "usd")
    return mails.SentRefund(card, amount, refund_id, _window(), trace_number=trace)


def _both(trace: str = "") -> tuple[mails.SentRefund, ...]:
    return _sent(_AMEX, 120_000, trace), _sent(_VISA, 80_000)


def _sign_in_code() -> mails.Mail:
    until = _AT.replace(minute=12)
    return mails.SignInCode(COMPANY, TODAY, code="48203917", asked_at=_AT, until=until)


def _new_sign_in() -> mails.Mail:
    page = f"{COMPANY.portal_url}/account"
    return mails.NewSignIn(COMPANY, TODAY, _AT, "Firefox on Windows", page)


def _history_anchor() -> mails.Mail:
    root = "9b2f6c0d51e84a7f33c1d8e0b7a64f2952ce10fd8b3a47e6915d0c7f24a8e3b6"
    return mails.HistoryAnchor(COMPANY, TODAY, _AT, 412, 5187, root, "none")


def _address_changed() -> mails.Mail:
    return mails.AddressChanged(
        COMPANY,
        TODAY,
        "Harbor Fitness LLC",
        "b…@harborfitness.example",
        "a…@harborfitness.example",
        _AT,
        date(2026, 12, 1),
    )


def _confirm_email() -> mails.Mail:
    page = f"{COMPANY.portal_url}/requests/new/D-5c1f0e7a9b3d2468"
    return mails.ConfirmEmail(COMPANY, TODAY, _AT, page)


def _email_to_confirm() -> mails.Mail:
    return mails.EmailToConfirm(COMPANY, TODAY, CASE, _AT)


def _email_not_matched() -> mails.Mail:
    return mails.EmailNotMatched(COMPANY, TODAY, _AT)


def _request_received() -> mails.Mail:
    return mails.RequestReceived(
        COMPANY,
        TODAY,
        CASE,
        asks=workflow.Kind.REBILL,
        asked_for="Refund $2,000.00 and charge another card",
        received_at=_AT,
        answer_by=date(2026, 11, 25),
        new_card=_NEW,
    )


def _answer_needed() -> mails.Mail:
    question = (
        "The name on the order is Harbor Fitness LLC. The new card is in another name.\n\n"
        "Who does the new card belong to?"
    )
    files = ("A letter or invoice with your business address",)
    return mails.AnswerNeeded(COMPANY, TODAY, CASE, question, date(2026, 12, 4), files)


def _message_from_us() -> mails.Mail:
    body = (
        "Thank you for the tracking page. The carrier confirms the delay.\n\n"
        "We found both deposits of your order and checked them against your cards."
    )
    return mails.MessageFromUs(COMPANY, TODAY, CASE, author="Sam", body=body)


def _approved() -> mails.Mail:
    return mails.Approved(COMPANY, TODAY, CASE, TODAY, _REFUNDS, charge=_CHARGE)


def _declined() -> mails.Mail:
    because = "The charge of Nov 2 paid for November. Your cancellation takes effect on Dec 1."
    return mails.Declined(COMPANY, TODAY, CASE, because)


def _withdrawn() -> mails.Mail:
    return mails.Withdrawn(COMPANY, TODAY, CASE, TODAY)


def _audit_progress() -> mails.Mail:
    audit = promises.audit_window(TODAY, business_days.Calendar("US"))
    return mails.AuditProgress(COMPANY, TODAY, CASE, audit, 20, "Ivy Lindqvist")


def _bank_dispute() -> mails.Mail:
    return mails.BankDispute(
        COMPANY,
        TODAY,
        CASE,
        mails.BankStep.DISPUTE,
        money.Money(120_000, "usd"),
        date(2026, 11, 23),
        card=_AMEX,
        charged_on=date(2026, 9, 14),
        papers_by=date(2026, 12, 2),
    )


def _refund_sent() -> mails.Mail:
    return mails.RefundSent(COMPANY, TODAY, CASE, _both(), charge=_CHARGE)


def _refund_confirmed_all() -> mails.Mail:
    return mails.RefundConfirmedAll(COMPANY, TODAY, CASE, _both("74850126329001"), _CHARGE)


def _refund_failed() -> mails.Mail:
    return mails.RefundFailed(
        COMPANY,
        TODAY,
        CASE,
        card=_VISA,
        amount=money.Money(80_000, "usd"),
        refund_id="re_3SWq9tLkdIwHu7ix4242",
        returned_on=TODAY,
        answer_by=date(2026, 11, 25),
    )


def _bank_reference() -> mails.Mail:
    return mails.BankReference(COMPANY, TODAY, CASE, _sent(_AMEX, 120_000, "74850126329001"))


def _new_card_declined() -> mails.Mail:
    page = f"{CASE.page_url}/card"
    because = "The bank says there is not enough money on the card."
    return mails.NewCardDeclined(COMPANY, TODAY, CASE, _CHARGE, page, because)


def _bank_confirmation_needed() -> mails.Mail:
    page = f"{CASE.page_url}/card"
    return mails.BankConfirmationNeeded(COMPANY, TODAY, CASE, _CHARGE, page, date(2026, 12, 8))


def _credit_added() -> mails.Mail:
    return mails.CreditAdded(COMPANY, TODAY, CASE, money.Money(5_000, "usd"), TODAY)


def _done() -> mails.Mail:
    return mails.Done(COMPANY, TODAY, CASE, _both("74850126329001"), _CHARGE, TODAY)


_MAKERS: Final[dict[str, Callable[[], mails.Mail]]] = {
    "sign_in_code": _sign_in_code,
    "new_sign_in": _new_sign_in,
    "history_anchor": _history_anchor,
    "address_changed": _address_changed,
    "confirm_email": _confirm_email,
    "email_to_confirm": _email_to_confirm,
    "email_not_matched": _email_not_matched,
    "request_received": _request_received,
    "answer_needed": _answer_needed,
    "message_from_us": _message_from_us,
    "approved": _approved,
    "declined": _declined,
    "withdrawn": _withdrawn,
    "audit_progress": _audit_progress,
    "bank_dispute": _bank_dispute,
    "refund_sent": _refund_sent,
    "refund_confirmed_all": _refund_confirmed_all,
    "refund_failed": _refund_failed,
    "bank_reference": _bank_reference,
    "new_card_declined": _new_card_declined,
    "bank_confirmation_needed": _bank_confirmation_needed,
    "credit_added": _credit_added,
    "done": _done,
}
NAMES: Final = tuple(_MAKERS)


def sample(name: str) -> mails.Mail:
    """The example of the mail called `name`. KeyError for a name that is not in NAMES."""
    return _MAKERS[name]()
