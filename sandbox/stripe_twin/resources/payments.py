"""What confirming a PaymentIntent does: pay, decline, or ask for authentication."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import declines, documents, errors, events
from sandbox.stripe_twin.cards import DECLINES, Behaviour
from sandbox.stripe_twin.declines import Decline
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.resources import charges, payment_methods

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def confirm(world: "World", intent: Doc, params: Doc) -> Doc:
    """Moves an intent on; raises the 402 when the bank says no."""
    _refuse_unconfirmable(intent)
    card = _card(world, intent, params)
    if params.get("receipt_email"):
        intent["receipt_email"] = params["receipt_email"]
    if params.get("setup_future_usage"):
        intent["setup_future_usage"] = params["setup_future_usage"]
    away = params.get("off_session") not in (None, False, "false", "")
    if away and params.get("setup_future_usage"):
        raise errors.invalid(
            "When `off_session` is set, `setup_future_usage` cannot be set.",
            param="setup_future_usage",
        )
    if not _needs_authentication(world, card):
        return pay(world, intent, card)
    if away:
        # Recorded: no charge, and the intent waits for a payment method again.
        raise decline(world, intent, card, declines.AUTHENTICATION_REQUIRED, None)
    return _challenge(world, intent, params.get("return_url"))


def _refuse_unconfirmable(intent: Doc) -> None:
    status = intent["status"]
    if status == "succeeded":
        raise unexpected_state(
            intent,
            "You cannot confirm this PaymentIntent because it has already succeeded after being "
            "previously confirmed.",
        )
    if status not in _CONFIRMABLE:
        raise unexpected_state(
            intent,
            f"You cannot confirm this PaymentIntent because it has a status of {status}. Only a "
            "PaymentIntent with one of the following statuses may be confirmed: "
            "requires_confirmation, requires_action.",
        )


def unexpected_state(intent: Doc, message: str) -> errors.ApiError:
    error = errors.invalid(message, code="payment_intent_unexpected_state")
    error.error["payment_intent"] = documents.copy(intent)
    return error


def _card(world: "World", intent: Doc, params: Doc) -> Doc:
    name = params.get("payment_method") or intent["payment_method"]
    if not name:
        raise unexpected_state(
            intent,
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
        )
    card = payment_methods.get(world, name)
    check_owner(world, card, intent["customer"])
    intent["payment_method"] = card["id"]
    return card


def check_owner(world: "World", card: Doc, customer_id: str | None) -> None:
    """A card of somebody else, or one that was detached, cannot pay."""
    payment_methods.refuse_spent(world, card)
    if card["customer"] is not None and card["customer"] != customer_id:
        raise errors.invalid(
            "The customer does not have a payment method with the ID "
            f"{card['id']}. The payment method must be attached to the customer."
            if customer_id
            else f"The payment method {card['id']} belongs to a customer. Please include the "
            "customer in the `customer` parameter on the PaymentIntent.",
            param="payment_method",
        )


def _needs_authentication(world: "World", card: Doc) -> bool:
    behaviour = payment_methods.behaviour(world, card["id"])
    if behaviour is Behaviour.SCA_ALWAYS:
        return True
    set_up = payment_methods.is_set_up(world, card["id"])
    return behaviour is Behaviour.SCA_UNLESS_SET_UP and not set_up


def _challenge(world: "World", intent: Doc, return_url: str | None) -> Doc:
    intent["status"] = "requires_action"
    if return_url:
        url = f"{world.public_url}/pages/authenticate/{intent['id']}"
        intent["next_action"] = {
            "redirect_to_url": {"return_url": return_url, "url": url},
            "type": "redirect_to_url",
        }
    else:
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    events.emit(world, "payment_intent.requires_action", intent)
    return intent


def authenticated(world: "World", intent: Doc) -> Doc:
    """The cardholder completed the challenge: now the bank is asked."""
    card = payment_methods.get(world, intent["payment_method"])
    try:
        return pay(world, intent, card)
    except errors.ApiError:
        return intent


def authentication_failed(world: "World", intent: Doc) -> None:
    card = payment_methods.get(world, intent["payment_method"])
    decline(world, intent, card, declines.AUTHENTICATION_FAILED, None)


def pay(world: "World", intent: Doc, card: Doc) -> Doc:
    """Asks the bank."""
    behaviour = payment_methods.behaviour(world, card["id"])
    if behaviour in DECLINES:
        told = declines.of(behaviour)
        charge = charges.fail(world, intent, card, told)
        raise decline(world, intent, card, told, charge)
    charge = charges.succeed(world, intent, card)
    intent |= {
        "amount_received": intent["amount"], "last_payment_error": None,
        "latest_charge": charge["id"], "next_action": None, "status": "succeeded",
    }  # fmt: skip
    _keep_card(world, intent, card)
    events.emit(world, "charge.succeeded", charge)
    events.emit(world, "payment_intent.succeeded", intent)
    return intent


def _keep_card(world: "World", intent: Doc, card: Doc) -> None:
    if intent["setup_future_usage"] and intent["customer"]:
        payment_methods.attach(world, card, intent["customer"])
        if intent["setup_future_usage"] == "off_session":
            payment_methods.mark(world, card["id"], "set_up")
    elif card["customer"] is None:
        payment_methods.mark(world, card["id"], "spent")


def decline(
    world: "World", intent: Doc, card: Doc, told: Decline, charge: Doc | None
) -> errors.ApiError:
    """Puts the intent back to waiting for a card and makes the 402."""
    intent |= {
        "last_payment_error": declines.details(told, documents.copy(card), charge),
        "next_action": None, "payment_method": None, "status": "requires_payment_method",
    }  # fmt: skip
    if charge:
        intent["latest_charge"] = charge["id"]
        events.emit(world, "charge.failed", charge)
    events.emit(world, "payment_intent.payment_failed", intent)
    return declines.refusal(
        told, documents.copy(card), charge, payment_intent=documents.copy(intent)
    )
