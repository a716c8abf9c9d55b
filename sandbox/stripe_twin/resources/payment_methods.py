"""Cards on file. What a card does is kept beside it, its number is not."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import cards, errors, events, lists, metadata, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.cards import Behaviour
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import customers
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_WHAT_IT_DOES = "_card"


def new(world: "World", number: str, exp_month: int, exp_year: int) -> Doc:
    """A card nobody has yet."""
    card = cards.read(number)
    doc = shapes.make(
        "payment_method",
        id=world.ids.new("pm_"),
        allow_redisplay="unspecified",
        billing_details=shapes.part("payment_method", "BillingDetails"),
        card=_card_part(card, exp_month, exp_year),
        created=world.clock.second(),
        livemode=False,
        metadata={},
        type="card",
    )
    world.store.add(doc)
    world.store.add(
        {
            "object": _WHAT_IT_DOES, "id": doc["id"], "created": doc["created"],
            "behaviour": card.behaviour.value, "set_up": False, "spent": False,
        }
    )  # fmt: skip
    return doc


def _card_part(card: cards.Card, exp_month: int, exp_year: int) -> Doc:
    return shapes.part(
        "payment_method",
        "Card",
        brand=card.brand,
        checks=shapes.part("payment_method", "Card.Checks", cvc_check="pass"),
        country=card.country,
        display_brand=card.brand,
        exp_month=exp_month,
        exp_year=exp_year,
        fingerprint=card.fingerprint,
        funding=card.funding,
        last4=card.last4,
        networks={"available": [card.brand], "preferred": None},
        regulated_status="unregulated",
        three_d_secure_usage={"supported": True},
    )


def renumber(world: "World", doc: Doc, number_or_name: str) -> None:
    """Another number behind the same id, as when a network updates an expired card."""
    number = cards.number_of(number_or_name) or cards.digits(number_or_name)
    previous = {"card": doc["card"]}
    card = cards.read(number)
    doc["card"] = _card_part(card, doc["card"]["exp_month"], doc["card"]["exp_year"] + 4)
    row = shapes.load(world.store, _WHAT_IT_DOES, doc["id"], "payment_method")
    row["behaviour"] = card.behaviour.value
    world.store.touch(row)
    events.emit(world, "payment_method.automatically_updated", doc, previous)


def get(world: "World", name: str, param: str = "payment_method") -> Doc:
    """The card of that id; pm_card_visa and its like make a new one."""
    number = cards.number_of(name)
    if number:
        return new(world, number, 12, 2034)
    return shapes.load(world.store, "payment_method", name, param, called="PaymentMethod")


def behaviour(world: "World", payment_method_id: str | None) -> Behaviour:
    row = world.store.get(_WHAT_IT_DOES, payment_method_id or "")
    return Behaviour(row["behaviour"]) if row else Behaviour.GOOD


def is_set_up(world: "World", payment_method_id: str) -> bool:
    """Whether the customer has agreed to later charges while being away."""
    row = world.store.get(_WHAT_IT_DOES, payment_method_id)
    return bool(row and row["set_up"])


def mark(world: "World", payment_method_id: str, what: str) -> None:
    """Remembers "set_up" (a mandate) or "spent" (used once or detached)."""
    row = world.store.get(_WHAT_IT_DOES, payment_method_id)
    if row and not row[what]:
        row[what] = True
        world.store.touch(row)


def refuse_spent(world: "World", doc: Doc) -> None:
    row = world.store.get(_WHAT_IT_DOES, doc["id"])
    if row and row["spent"] and doc["customer"] is None:
        raise errors.invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer "
            "attachment, shared with a connected account without Customer attachment, or was "
            "detached from a Customer. It may not be used again. To use a PaymentMethod multiple "
            "times, you must attach it to a Customer first.",
            param="payment_method",
            code="payment_method_unexpected_state",
        )


def attach(world: "World", doc: Doc, customer_id: str) -> None:
    if doc["customer"] == customer_id:
        return
    doc["customer"] = customer_id
    events.emit(world, "payment_method.attached", doc)


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    card = params.get("card")
    if params.get("type") != "card" or not isinstance(card, dict):
        raise errors.required("card")
    if "number" in card:
        raise errors.invalid(
            "Sending credit card numbers directly to the Stripe API is generally unsafe. We "
            "suggest you use test tokens that map to the test card you are using, see "
            "https://docs.stripe.com/testing.",
            status=402,
        )
    number = cards.number_of(str(card.get("token", "")))
    if number is None:
        raise errors.missing("token", str(card.get("token", "")), "card[token]")
    doc = new(world, number, 12, 2034)
    doc["metadata"] = metadata.of(params)
    doc["billing_details"] |= params.get("billing_details", {})
    world.store.touch(doc)
    return doc


def _attach(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    customers.get(world, request.params["customer"])
    if doc["customer"] is not None:
        raise errors.invalid(
            "The payment method you provided has already been attached to a customer."
        )
    refuse_spent(world, doc)
    what = behaviour(world, doc["id"])
    if what in cards.DECLINES - {Behaviour.DECLINES_AFTER_ATTACH}:
        # Recorded: attaching a declining card is always a generic decline.
        raise errors.ApiError(
            402,
            {
                "code": "card_declined",
                "decline_code": "generic_decline",
                "doc_url": "https://docs.stripe.com/error-codes/card-declined",
                "message": "Your card was declined.",
                "param": "",
                "type": "card_error",
            },
        )
    attach(world, doc, request.params["customer"])
    return doc


def _detach(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    if doc["customer"] is None:
        raise errors.invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    previous = {"customer": doc["customer"]}
    _forget_default(world, doc["customer"], doc["id"])
    doc["customer"] = None
    mark(world, doc["id"], "spent")
    events.emit(world, "payment_method.detached", doc, previous)
    return doc


def _forget_default(world: "World", customer_id: str, payment_method_id: str) -> None:
    customer = world.store.get("customer", customer_id)
    if customer and customer["invoice_settings"]["default_payment_method"] == payment_method_id:
        customers.set_default_card(world, customer, None)


def _update(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    doc["metadata"] = metadata.merged(doc["metadata"], request.params)
    doc["billing_details"] |= request.params.get("billing_details", {})
    doc["card"] |= request.params.get("card", {})
    events.emit(world, "payment_method.updated", doc)
    return doc


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _list(world: "World", request: Request) -> Doc:
    wanted = request.params.get("type", "card")
    return lists.page(
        world.store.table("payment_method"),
        request,
        by=("customer",),
        keep=lambda doc: doc["type"] == wanted and doc["customer"] is not None,
    )


def _of_customer(world: "World", request: Request) -> Doc:
    customers.get(world, request.id)
    table = world.store.table("payment_method")
    return lists.cut(table, table.keys_where("customer", request.id), request, lists.everything)


def _one_of_customer(world: "World", request: Request) -> Doc:
    doc = get(world, request.ids[1])
    if doc["customer"] != request.id:
        raise errors.missing("PaymentMethod", request.ids[1], "payment_method")
    return doc


ROUTES: tuple[Route, ...] = (
    write("/v1/payment_methods", _create, Area.PAYMENT_METHOD),
    read("/v1/payment_methods", _list, Area.PAYMENT_METHOD),
    read("/v1/payment_methods/{payment_method}", _retrieve, Area.PAYMENT_METHOD),
    write("/v1/payment_methods/{payment_method}", _update, Area.PAYMENT_METHOD),
    write("/v1/payment_methods/{payment_method}/attach", _attach, Area.PAYMENT_METHOD),
    write("/v1/payment_methods/{payment_method}/detach", _detach, Area.PAYMENT_METHOD),
    read("/v1/customers/{customer}/payment_methods", _of_customer, Area.PAYMENT_METHOD),
    read(
        "/v1/customers/{customer}/payment_methods/{payment_method}",
        _one_of_customer,
        Area.PAYMENT_METHOD,
    ),
)
