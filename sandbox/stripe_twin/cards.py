"""Test cards: what each number does, the pm_card_ and tok_ names, and fingerprints.

Numbers are looked at once and never kept; only behaviour, last four and fingerprint stay.
"""

from dataclasses import dataclass
from enum import StrEnum

from sandbox.stripe_twin import ids


class Behaviour(StrEnum):
    """What a card does when it is charged or refunded."""

    GOOD = "good"
    PENDING_REFUND = "pending_refund"
    REFUND_FAILS = "refund_fails"
    DISPUTED = "disputed"
    INQUIRY = "inquiry"
    FRAUD_WARNING = "fraud_warning"
    SCA_UNLESS_SET_UP = "sca_unless_set_up"
    SCA_ALWAYS = "sca_always"
    DECLINES_AFTER_ATTACH = "declines_after_attach"
    DECLINED = "generic_decline"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    LOST = "lost_card"
    STOLEN = "stolen_card"
    EXPIRED = "expired_card"
    INCORRECT_CVC = "incorrect_cvc"
    PROCESSING_ERROR = "processing_error"


DECLINES = frozenset(
    {
        Behaviour.DECLINES_AFTER_ATTACH,
        Behaviour.DECLINED,
        Behaviour.INSUFFICIENT_FUNDS,
        Behaviour.LOST,
        Behaviour.STOLEN,
        Behaviour.EXPIRED,
        Behaviour.INCORRECT_CVC,
        Behaviour.PROCESSING_ERROR,
    }
)


@dataclass(frozen=True)
class Card:
    """A card without its number."""

    brand: str
    last4: str
    funding: str
    country: str
    fingerprint: str
    behaviour: Behaviour


_BEHAVIOURS = {
    "4000000000007726": Behaviour.PENDING_REFUND,
    "4000000000005126": Behaviour.REFUND_FAILS,
    "4000000000000259": Behaviour.DISPUTED,
    "4000000000001976": Behaviour.INQUIRY,
    "4000000000005423": Behaviour.FRAUD_WARNING,
    "4000002500003155": Behaviour.SCA_UNLESS_SET_UP,
    "4000002760003184": Behaviour.SCA_ALWAYS,
    "4000000000000341": Behaviour.DECLINES_AFTER_ATTACH,
    "4000000000000002": Behaviour.DECLINED,
    "4000000000009995": Behaviour.INSUFFICIENT_FUNDS,
    "4000000000009987": Behaviour.LOST,
    "4000000000009979": Behaviour.STOLEN,
    "4000000000000069": Behaviour.EXPIRED,
    "4000000000000127": Behaviour.INCORRECT_CVC,
    "4000000000000119": Behaviour.PROCESSING_ERROR,
}

# Numbers that simply work (docs: testing, cards by brand).
_GOOD = {
    "4242424242424242", "4012888888881881", "4000056655665556", "4111111111111111",
    "5555555555554444", "5454545454545454", "2223003122003222", "5200828282828210",
    "5105105105105100", "378282246310005", "371449635398431", "6011111111111117",
    "6011000990139424", "3056930009020004", "36227206271667", "3566002020360505",
    "6200000000000005",
}  # fmt: skip

_DEBIT = {"4000056655665556", "5200828282828210"}

# The names Stripe's documentation gives to test cards.
_NAMES = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "pendingRefund": "4000000000007726",
    "refundFail": "4000000000005126",
    "createDispute": "4000000000000259",
    "createDisputeInquiry": "4000000000001976",
    "createIssuerFraudRecord": "4000000000005423",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "chargeCustomerFail": "4000000000000341",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "chargeDeclinedStolenCard": "4000000000009979",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
}


def number_of(name: str) -> str | None:
    """The number behind pm_card_visa, tok_visa; None for anything else."""
    for prefix in ("pm_card_", "tok_"):
        if name.startswith(prefix):
            return _NAMES.get(name.removeprefix(prefix))
    return None


def digits(text: str) -> str:
    return "".join(sign for sign in text if sign not in " -\u00a0")


def is_test_number(number: str) -> bool:
    return number in _BEHAVIOURS or number in _GOOD


def passes_luhn(number: str) -> bool:
    if not number.isdigit() or not 12 <= len(number) <= 19:
        return False
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if position % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def read(number: str) -> Card:
    """What is kept of a number."""
    behaviour = _BEHAVIOURS.get(number, Behaviour.GOOD)
    fingerprint = ids.digest("fingerprint:" + number, 16)
    funding = "debit" if number in _DEBIT else "credit"
    return Card(brand(number), number[-4:], funding, "US", fingerprint, behaviour)


def brand(number: str) -> str:
    two, four = int(number[:2]), int(number[:4])
    if number[0] == "4":
        return "visa"
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return "mastercard"
    if two in (34, 37):
        return "amex"
    if two in (30, 36, 38, 39):
        return "diners"
    if two == 35:
        return "jcb"
    return "unionpay" if two == 62 else "discover"
