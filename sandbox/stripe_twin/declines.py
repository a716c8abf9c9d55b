"""What banks say no with: code, decline code, advice and the recorded words."""

from dataclasses import dataclass

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.cards import Behaviour
from sandbox.stripe_twin.documents import Doc

_LATER = "try_again_later"
_NEVER = "do_not_try_again"


@dataclass(frozen=True)
class Decline:
    """One kind of no."""

    code: str
    decline_code: str
    message: str
    advice_code: str | None = None
    network_code: str | None = None


AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)

AUTHENTICATION_FAILED = Decline(
    "payment_intent_authentication_failure",
    "",
    "We are unable to authenticate your payment method. Please choose a different payment method "
    "and try again.",
)

SETUP_AUTHENTICATION_FAILED = Decline(
    "setup_intent_authentication_failure",
    "",
    AUTHENTICATION_FAILED.message,
)

_GENERIC = Decline("card_declined", "generic_decline", "Your card was declined.", _LATER, "01")

_BY_BEHAVIOUR = {
    Behaviour.INSUFFICIENT_FUNDS: Decline(
        "card_declined", "insufficient_funds", "Your card has insufficient funds.", _LATER, "51"
    ),
    Behaviour.LOST: Decline("card_declined", "lost_card", "Your card was declined.", _NEVER, "41"),
    Behaviour.STOLEN: Decline(
        "card_declined", "stolen_card", "Your card was declined.", _NEVER, "43"
    ),
    Behaviour.EXPIRED: Decline(
        "expired_card", "expired_card", "Your card has expired.", _NEVER, "54"
    ),
    Behaviour.INCORRECT_CVC: Decline(
        "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.", None, "82"
    ),
    Behaviour.PROCESSING_ERROR: Decline(
        "processing_error",
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
        _LATER,
    ),
}


def of(behaviour: Behaviour) -> Decline:
    return _BY_BEHAVIOUR.get(behaviour, _GENERIC)


def details(decline: Decline, card: Doc | None, charge: Doc | None) -> Doc:
    """The error object as it stands in last_payment_error."""
    told: Doc = {
        "advice_code": decline.advice_code,
        "charge": charge["id"] if charge else None,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "doc_url": f"https://docs.stripe.com/error-codes/{decline.code.replace('_', '-')}",
        "message": decline.message,
        "network_decline_code": decline.network_code,
        "payment_method": card,
        "type": "card_error",
    }
    return {name: value for name, value in told.items() if value}


def refusal(
    decline: Decline, card: Doc | None, charge: Doc | None, **intent: Doc
) -> errors.ApiError:
    """The 402 with the intent inside."""
    return errors.ApiError(402, details(decline, card, charge) | intent)
