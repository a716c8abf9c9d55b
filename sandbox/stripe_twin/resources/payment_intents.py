"""PaymentIntents."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, lists, metadata, money, search, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import customers, payment_methods, payments
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_PLAIN = (
    "description", "receipt_email", "setup_future_usage", "shipping", "statement_descriptor",
    "statement_descriptor_suffix", "transfer_group",
)  # fmt: skip
_CANCELABLE = (
    "requires_payment_method", "requires_capture", "requires_confirmation", "requires_action",
    "processing",
)  # fmt: skip
_MOST = 99_999_999


def new(world: "World", params: Doc) -> Doc:
    """An unconfirmed intent, stored but not announced."""
    if params.get("capture_method") == "manual":
        raise errors.not_in_the_twin("POST", "/v1/payment_intents with capture_method=manual")
    currency = check_currency(params["currency"])
    _check_amount(params["amount"], currency)
    card_id = _check_card(world, params)
    intent_id = world.ids.new("pi_")
    types = params.get("allowed_payment_method_types")
    doc = shapes.make(
        "payment_intent",
        id=intent_id,
        allowed_payment_method_types=types,
        amount=params["amount"],
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        automatic_payment_methods=None if types else {"allow_redirects": "always", "enabled": True},
        capture_method=params.get("capture_method", "automatic_async"),
        client_secret=world.secret_of(intent_id),
        confirmation_method=params.get("confirmation_method", "automatic"),
        created=world.clock.second(),
        currency=currency,
        customer=params.get("customer"),
        livemode=False,
        metadata=metadata.of(params),
        payment_method=card_id,
        payment_method_options={"card": shapes.part(
            "payment_intent", "PaymentMethodOptions.Card", request_three_d_secure="automatic"
        )},
        payment_method_types=types or ["card"],
        status="requires_confirmation" if card_id else "requires_payment_method",
    )  # fmt: skip
    shapes.assign(doc, params, _PLAIN)
    world.store.add(doc)
    return doc


def check_currency(currency: str) -> str:
    lowered = currency.lower()
    if lowered not in money.SUPPORTED:
        raise errors.invalid(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(money.SUPPORTED))}",
            param="currency",
        )
    return lowered


def _check_amount(amount: int, currency: str) -> None:
    if amount < 1:
        raise errors.unstored(errors.too_small("amount", 1))
    if amount < money.minimum(currency):
        raise errors.invalid(
            f"Amount must be at least {money.text(money.minimum(currency), currency)} {currency}",
            param="amount",
            code="amount_too_small",
        )
    if amount > _MOST:
        raise errors.invalid(
            f"Amount must be no more than {money.text(_MOST, currency)}",
            param="amount",
            code="amount_too_large",
        )


def _check_card(world: "World", params: Doc) -> str | None:
    if params.get("customer"):
        customers.get(world, params["customer"])
    if not params.get("payment_method"):
        return None
    card = payment_methods.get(world, params["payment_method"])
    payments.check_owner(world, card, params.get("customer"))
    return str(card["id"])


def get(world: "World", intent_id: str) -> Doc:
    return shapes.load(world.store, "payment_intent", intent_id, "intent")


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    if params.get("off_session") and not params.get("confirm"):
        raise errors.invalid(
            "The parameter `off_session` cannot be passed when creating a PaymentIntent unless "
            "`confirm` is set to true.",
            param="off_session",
        )
    doc = new(world, params)
    events.emit(world, "payment_intent.created", doc)
    return payments.confirm(world, doc, params) if params.get("confirm") else doc


def _confirm(world: "World", request: Request) -> Doc:
    return payments.confirm(world, get(world, request.id), request.params)


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _update(world: "World", request: Request) -> Doc:
    doc, params = get(world, request.id), request.params
    frozen = [name for name in params if name not in ("metadata", "description", "expand")]
    if doc["status"] in ("succeeded", "canceled") and frozen:
        raise payments.unexpected_state(
            doc,
            f"This PaymentIntent's {frozen[0]} could not be updated because it has a status of "
            f"{doc['status']}. You may only update the {frozen[0]} of a PaymentIntent with one of "
            "the following statuses: requires_payment_method, requires_confirmation, "
            "requires_action.",
        )
    if "amount" in params:
        _check_amount(params["amount"], doc["currency"])
    shapes.assign(doc, params, (*_PLAIN, "amount", "customer"))
    doc["metadata"] = metadata.merged(doc["metadata"], params)
    if params.get("payment_method"):
        card = payment_methods.get(world, params["payment_method"])
        payments.check_owner(world, card, doc["customer"])
        doc |= {"payment_method": card["id"], "status": "requires_confirmation"}
    world.store.touch(doc)
    return doc


def _cancel(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    if doc["status"] not in _CANCELABLE:
        raise payments.unexpected_state(
            doc,
            f"You cannot cancel this PaymentIntent because it has a status of {doc['status']}. "
            "Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(_CANCELABLE)}.",
        )
    doc |= {
        "canceled_at": world.clock.second(), "next_action": None, "status": "canceled",
        "cancellation_reason": request.params.get("cancellation_reason"),
    }  # fmt: skip
    events.emit(world, "payment_intent.canceled", doc)
    return doc


def _capture(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    raise payments.unexpected_state(
        doc,
        f"This PaymentIntent could not be captured because it has a status of {doc['status']}. "
        "Only a PaymentIntent with one of the following statuses may be captured: "
        "requires_capture.",
    )


def _list(world: "World", request: Request) -> Doc:
    return lists.page(world.store.table("payment_intent"), request, by=("customer",))


def _search(world: "World", request: Request) -> Doc:
    return search.page(world, "payment_intent", request)


ROUTES: tuple[Route, ...] = (
    write("/v1/payment_intents", _create, Area.PAYMENT_INTENT),
    read("/v1/payment_intents", _list, Area.PAYMENT_INTENT),
    read("/v1/payment_intents/search", _search, Area.PAYMENT_INTENT),
    read("/v1/payment_intents/{intent}", _retrieve, Area.PAYMENT_INTENT),
    write("/v1/payment_intents/{intent}", _update, Area.PAYMENT_INTENT),
    write("/v1/payment_intents/{intent}/confirm", _confirm, Area.PAYMENT_INTENT),
    write("/v1/payment_intents/{intent}/cancel", _cancel, Area.PAYMENT_INTENT),
    write("/v1/payment_intents/{intent}/capture", _capture, Area.PAYMENT_INTENT),
)
