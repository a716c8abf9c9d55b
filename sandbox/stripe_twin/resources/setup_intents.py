"""SetupIntents: a card is checked and attached, with leave for later charges."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import declines, documents, errors, events, lists, metadata, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.cards import DECLINES, Behaviour
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import customers, payment_methods, payments
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_SCA = (Behaviour.SCA_ALWAYS, Behaviour.SCA_UNLESS_SET_UP)


def new(world: "World", params: Doc) -> Doc:
    if params.get("customer"):
        customers.get(world, params["customer"])
    intent_id = world.ids.new("seti_")
    types = params.get("allowed_payment_method_types")
    card_id = None
    if params.get("payment_method"):
        card = payment_methods.get(world, params["payment_method"])
        payments.check_owner(world, card, params.get("customer"))
        card_id = card["id"]
    doc = shapes.make(
        "setup_intent",
        id=intent_id,
        allowed_payment_method_types=types,
        automatic_payment_methods=None if types else {"allow_redirects": "always", "enabled": True},
        client_secret=world.secret_of(intent_id),
        created=world.clock.second(),
        customer=params.get("customer"),
        description=params.get("description"),
        livemode=False,
        metadata=metadata.of(params),
        payment_method=card_id,
        payment_method_options={"card": shapes.part(
            "setup_intent", "PaymentMethodOptions.Card", request_three_d_secure="automatic"
        )},
        payment_method_types=types or ["card"],
        status="requires_confirmation" if card_id else "requires_payment_method",
        usage=params.get("usage", "off_session"),
    )  # fmt: skip
    world.store.add(doc)
    events.emit(world, "setup_intent.created", doc)
    return doc


def confirm(world: "World", intent: Doc, card: Doc, return_url: str | None) -> Doc:
    """Succeeds, asks for authentication, or raises the 402."""
    behaviour = payment_methods.behaviour(world, card["id"])
    intent["payment_method"] = card["id"]
    if behaviour in DECLINES - {Behaviour.DECLINES_AFTER_ATTACH}:
        raise _refuse(world, intent, card, declines.of(behaviour))
    if behaviour in _SCA:
        return _ask(world, intent, return_url)
    return succeed(world, intent)


def _refuse(world: "World", intent: Doc, card: Doc, told: declines.Decline) -> errors.ApiError:
    intent |= {
        "last_setup_error": declines.details(told, documents.copy(card), None),
        "next_action": None, "payment_method": None, "status": "requires_payment_method",
    }  # fmt: skip
    events.emit(world, "setup_intent.setup_failed", intent)
    return declines.refusal(told, documents.copy(card), None, setup_intent=documents.copy(intent))


def _ask(world: "World", intent: Doc, return_url: str | None) -> Doc:
    intent["status"] = "requires_action"
    if return_url:
        url = f"{world.public_url}/pages/authenticate/{intent['id']}"
        intent["next_action"] = {
            "redirect_to_url": {"return_url": return_url, "url": url},
            "type": "redirect_to_url",
        }
    else:
        intent["next_action"] = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    events.emit(world, "setup_intent.requires_action", intent)
    return intent


def succeed(world: "World", intent: Doc) -> Doc:
    """Attaches the card; the customer may be charged while away."""
    card = payment_methods.get(world, intent["payment_method"])
    intent |= {"last_setup_error": None, "next_action": None, "status": "succeeded"}
    if intent["usage"] == "off_session":
        payment_methods.mark(world, card["id"], "set_up")
    if intent["customer"]:
        payment_methods.attach(world, card, intent["customer"])
    events.emit(world, "setup_intent.succeeded", intent)
    return intent


def fail_authentication(world: "World", intent: Doc) -> None:
    card = payment_methods.get(world, intent["payment_method"])
    _refuse(world, intent, card, declines.SETUP_AUTHENTICATION_FAILED)


def get(world: "World", intent_id: str) -> Doc:
    return shapes.load(world.store, "setup_intent", intent_id, "intent")


def _create(world: "World", request: Request) -> Doc:
    doc = new(world, request.params)
    return _confirm_with(world, doc, request.params) if request.params.get("confirm") else doc


def _confirm(world: "World", request: Request) -> Doc:
    return _confirm_with(world, get(world, request.id), request.params)


def _confirm_with(world: "World", doc: Doc, params: Doc) -> Doc:
    if doc["status"] in ("succeeded", "canceled"):
        raise _unexpected_state(doc, "confirm")
    name = params.get("payment_method") or doc["payment_method"]
    if not name:
        raise errors.invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method. You can "
            "either update the SetupIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken.",
            code="setup_intent_unexpected_state",
        )
    card = payment_methods.get(world, name)
    payments.check_owner(world, card, doc["customer"])
    return confirm(world, doc, card, params.get("return_url"))


def _unexpected_state(doc: Doc, verb: str) -> errors.ApiError:
    past = "already succeeded" if doc["status"] == "succeeded" else f"a status of {doc['status']}"
    return errors.invalid(
        f"You cannot {verb} this SetupIntent because it has {past}.",
        code="setup_intent_unexpected_state",
    )


def _cancel(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    if doc["status"] in ("succeeded", "canceled"):
        raise _unexpected_state(doc, "cancel")
    doc |= {
        "cancellation_reason": request.params.get("cancellation_reason"),
        "next_action": None, "status": "canceled",
    }  # fmt: skip
    events.emit(world, "setup_intent.canceled", doc)
    return doc


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _list(world: "World", request: Request) -> Doc:
    table = world.store.table("setup_intent")
    return lists.page(table, request, by=("customer", "payment_method"))


ROUTES: tuple[Route, ...] = (
    write("/v1/setup_intents", _create, Area.SETUP_INTENT),
    read("/v1/setup_intents", _list, Area.SETUP_INTENT),
    read("/v1/setup_intents/{intent}", _retrieve, Area.SETUP_INTENT),
    write("/v1/setup_intents/{intent}/confirm", _confirm, Area.SETUP_INTENT),
    write("/v1/setup_intents/{intent}/cancel", _cancel, Area.SETUP_INTENT),
)
