"""Checkout Sessions, mode=setup: a hosted page on which a card is entered."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, lists, metadata, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.clock import DAY, MINUTE
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.jobs import job
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import customers, payment_intents, setup_intents
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

KIND = "checkout.session"
_SHORTEST_S = 30 * MINUTE
_LONGEST_S = DAY
# A caller's clock may differ a little from ours.
_SLACK_S = 5 * MINUTE


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    _check(world, params)
    intent = setup_intents.new(world, _intent_params(params))
    session_id = world.ids.new("cs_test_")
    customer = customers.get(world, params["customer"]) if params.get("customer") else None
    doc = shapes.make(
        KIND,
        id=session_id,
        allowed_payment_method_types=params.get("allowed_payment_method_types"),
        automatic_tax={"enabled": False, "liability": None, "provider": None, "status": None},
        cancel_url=params.get("cancel_url"),
        client_reference_id=params.get("client_reference_id"),
        created=world.clock.second(),
        currency=_currency(params),
        custom_fields=[],
        custom_text=shapes.part(KIND, "CustomText"),
        customer=params.get("customer"),
        customer_details=_customer_details(customer, params),
        customer_email=params.get("customer_email"),
        expires_at=params.get("expires_at", world.clock.second() + _LONGEST_S),
        livemode=False,
        locale=params.get("locale"),
        metadata=metadata.of(params),
        mode="setup",
        payment_method_collection="always",
        payment_method_options={"card": {"request_three_d_secure": "automatic"}},
        payment_method_types=["card"],
        payment_status="no_payment_required",
        setup_intent=intent["id"],
        shipping_options=[],
        status="open",
        success_url=params["success_url"],
        ui_mode="hosted_page",
        url=f"{world.public_url}/pages/checkout/{session_id}",
    )
    world.store.add(doc)
    world.jobs.add_at(doc["expires_at"], "checkout_session_expires", session_id)
    return doc


def _check(world: "World", params: Doc) -> None:
    mode = params.get("mode")
    if mode is None:
        raise errors.required("mode")
    if mode != "setup" or params.get("ui_mode", "hosted_page") != "hosted_page":
        raise errors.not_in_the_twin("POST", "/v1/checkout/sessions for anything but mode=setup")
    if "success_url" not in params:
        raise errors.required("success_url")
    if "currency" not in params and not params.get("allowed_payment_method_types"):
        raise errors.invalid(
            "You must provide `currency` or `allowed_payment_method_types` in `setup` mode.",
            param="currency",
        )
    if params.get("customer"):
        customers.get(world, params["customer"])
    if "expires_at" in params:
        _check_expiry(params["expires_at"] - world.clock.now())


def _check_expiry(seconds: float) -> None:
    if not _SHORTEST_S - _SLACK_S <= seconds <= _LONGEST_S + _SLACK_S:
        raise errors.invalid(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout "
            "Session creation.",
            param="expires_at",
        )


def _intent_params(params: Doc) -> Doc:
    given = params.get("setup_intent_data", {})
    wanted = {key: given[key] for key in ("description", "metadata") if key in given}
    if params.get("customer"):
        wanted["customer"] = params["customer"]
    if params.get("allowed_payment_method_types"):
        wanted["allowed_payment_method_types"] = params["allowed_payment_method_types"]
    return wanted


def _currency(params: Doc) -> str | None:
    given = params.get("currency")
    return payment_intents.check_currency(given) if given else None


def _customer_details(customer: Doc | None, params: Doc) -> Doc | None:
    email = customer["email"] if customer else params.get("customer_email")
    if email is None:
        return None
    return shapes.part(
        KIND, "CustomerDetails", email=email, name=customer and customer["name"], tax_ids=[]
    )


def complete(world: "World", doc: Doc) -> None:
    """The SetupIntent has succeeded."""
    doc |= {"status": "complete", "url": None}
    events.emit(world, "checkout.session.completed", doc)


def expire(world: "World", doc: Doc) -> None:
    doc |= {"status": "expired", "url": None}
    events.emit(world, "checkout.session.expired", doc)


@job("checkout_session_expires")
def _expires(world: "World", session_id: str) -> None:
    doc = world.store.get(KIND, session_id)
    if doc and doc["status"] == "open":
        expire(world, doc)


def get(world: "World", session_id: str) -> Doc:
    return shapes.load(world.store, KIND, session_id, "session")


def _expire(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    if doc["status"] != "open":
        raise errors.invalid(
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{doc['status']}`.",
        )
    expire(world, doc)
    return doc


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _list(world: "World", request: Request) -> Doc:
    return lists.page(world.store.table(KIND), request, by=("customer", "payment_intent", "status"))


ROUTES: tuple[Route, ...] = (
    write("/v1/checkout/sessions", _create, Area.CHECKOUT),
    read("/v1/checkout/sessions", _list, Area.CHECKOUT),
    read("/v1/checkout/sessions/{session}", _retrieve, Area.CHECKOUT),
    write("/v1/checkout/sessions/{session}/expire", _expire, Area.CHECKOUT),
)
