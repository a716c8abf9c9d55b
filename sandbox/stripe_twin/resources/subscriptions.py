"""Subscriptions: read, changed, cancelled."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, invoicing, lists, metadata, renewals, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, delete, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_CHANGEABLE = (
    "cancel_at_period_end", "cancellation_details", "default_payment_method", "description",
    "expand", "metadata", "pause_collection", "proration_behavior",
)  # fmt: skip
_AFTER_THE_END = ("cancellation_details", "metadata", "expand")


def get(world: "World", subscription_id: str, param: str = "id") -> Doc:
    return shapes.load(world.store, "subscription", subscription_id, param)


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _update(world: "World", request: Request) -> Doc:
    doc, params = get(world, request.id), request.params
    if doc["status"] == "canceled" and any(name not in _AFTER_THE_END for name in params):
        raise errors.invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    foreign = [name for name in params if name not in _CHANGEABLE]
    if foreign:
        raise errors.not_in_the_twin("POST", f"/v1/subscriptions/{{id}} with {foreign[0]}")
    previous = shapes.assign(doc, params, ("default_payment_method", "description"))
    _pause(doc, params, previous)
    _plan_end(world, doc, params, previous)
    if params.get("cancellation_details"):
        doc["cancellation_details"] |= params["cancellation_details"]
    merged = metadata.merged(doc["metadata"], params)
    if merged != doc["metadata"]:
        previous["metadata"], doc["metadata"] = doc["metadata"], merged
    events.emit(world, "customer.subscription.updated", doc, previous)
    return doc


def _pause(doc: Doc, params: Doc, previous: Doc) -> None:
    if "pause_collection" in params:
        previous["pause_collection"] = doc["pause_collection"]
        given = params["pause_collection"] or None
        doc["pause_collection"] = given and {"resumes_at": None, **given}


def _plan_end(world: "World", doc: Doc, params: Doc, previous: Doc) -> None:
    wanted = params.get("cancel_at_period_end")
    if wanted is None or wanted == doc["cancel_at_period_end"]:
        return
    for name in ("cancel_at_period_end", "cancel_at", "canceled_at"):
        previous[name] = doc[name]
    doc["cancel_at_period_end"] = wanted
    doc["cancel_at"] = renewals.period(doc)[1] if wanted else None
    doc["canceled_at"] = world.clock.second() if wanted else None
    doc["cancellation_details"]["reason"] = "cancellation_requested" if wanted else None


def _cancel(world: "World", request: Request) -> Doc:
    doc, params = get(world, request.id), request.params
    if doc["status"] == "canceled":
        raise errors.missing("subscription", doc["id"], "id")
    doc["cancellation_details"] |= params.get("cancellation_details") or {}
    if params.get("prorate"):
        lines = tuple(renewals.unused_lines(world, doc, world.clock.second()))
        if params.get("invoice_now"):
            _credit(world, doc, lines)
    renewals.end(world, doc, "cancellation_requested")
    return doc


def _credit(world: "World", doc: Doc, lines: tuple[invoicing.Line, ...]) -> None:
    """The unused time goes to the customer's balance; it is not a refund."""
    draft = renewals.draft(world, doc, lines, "subscription_update")
    invoice = invoicing.write(world, draft)
    doc["latest_invoice"] = invoice["id"]
    invoicing.collect(world, invoice, None)


def _list(world: "World", request: Request) -> Doc:
    params = request.params
    wanted = params.get("status")

    def keep(doc: Doc) -> bool:
        if wanted in (None, "all"):
            return wanted == "all" or bool(doc["status"] != "canceled")
        return bool(doc["status"] == ("canceled" if wanted == "ended" else wanted))

    return lists.page(world.store.table("subscription"), request, by=("customer",), keep=keep)


def _item(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, "subscription_item", request.id, "item")


ROUTES: tuple[Route, ...] = (
    read("/v1/subscriptions", _list, Area.SUBSCRIPTION),
    read("/v1/subscriptions/{subscription_exposed_id}", _retrieve, Area.SUBSCRIPTION),
    write("/v1/subscriptions/{subscription_exposed_id}", _update, Area.SUBSCRIPTION),
    delete("/v1/subscriptions/{subscription_exposed_id}", _cancel, Area.SUBSCRIPTION),
    read("/v1/subscription_items/{item}", _item, Area.SUBSCRIPTION),
)
