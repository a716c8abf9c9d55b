"""Customers."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, lists, metadata, search, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, delete, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_PLAIN = (
    "business_name", "description", "email", "individual_name", "name", "phone",
    "preferred_locales", "shipping", "tax_exempt",
)  # fmt: skip


def new(world: "World", params: Doc) -> Doc:
    doc = shapes.make(
        "customer",
        id=world.ids.new("cus_"),
        address=shapes.address(params.get("address")),
        balance=params.get("balance", 0),
        created=world.clock.second(),
        currency=None,
        delinquent=False,
        invoice_prefix=f"{world.count('prefix'):08X}",
        invoice_settings=shapes.part("customer", "InvoiceSettings"),
        livemode=False,
        metadata=metadata.of(params),
        name=None,
        next_invoice_sequence=1,
        phone=None,
        preferred_locales=[],
        tax_exempt="none",
    )
    shapes.assign(doc, params, _PLAIN)
    return doc


def get(world: "World", customer_id: str, param: str = "customer") -> Doc:
    """A customer that can be used; a deleted one cannot."""
    if world.store.get("_deleted", customer_id):
        raise errors.missing("customer", customer_id, param)
    return shapes.load(world.store, "customer", customer_id, param)


def set_default_card(world: "World", customer: Doc, payment_method_id: str | None) -> None:
    """What invoices are charged to."""
    settings = customer["invoice_settings"]
    previous = {"invoice_settings": dict(settings)}
    settings["default_payment_method"] = payment_method_id
    events.emit(world, "customer.updated", customer, previous)


def _create(world: "World", request: Request) -> Doc:
    doc = new(world, request.params)
    settings = request.params.get("invoice_settings") or {}
    doc["invoice_settings"] |= settings
    events.emit(world, "customer.created", doc)
    return doc


def _retrieve(world: "World", request: Request) -> Doc:
    if world.store.get("_deleted", request.id):
        return {"id": request.id, "object": "customer", "deleted": True}
    return shapes.load(world.store, "customer", request.id, "id")


def _update(world: "World", request: Request) -> Doc:
    doc = get(world, request.id, "id")
    previous = shapes.assign(doc, request.params, (*_PLAIN, "balance"))
    if "address" in request.params:
        previous["address"] = doc["address"]
        doc["address"] = shapes.address(request.params["address"] or None)
    merged = metadata.merged(doc["metadata"], request.params)
    if merged != doc["metadata"]:
        previous["metadata"], doc["metadata"] = doc["metadata"], merged
    settings = request.params.get("invoice_settings") or {}
    changed = {k: v or None for k, v in settings.items() if doc["invoice_settings"].get(k) != v}
    if changed:
        _check_default(world, doc, changed)
        previous["invoice_settings"] = dict(doc["invoice_settings"])
        doc["invoice_settings"] |= changed
    if previous:
        events.emit(world, "customer.updated", doc, previous)
    return doc


def _check_default(world: "World", doc: Doc, settings: Doc) -> None:
    wanted = settings.get("default_payment_method")
    if not wanted:
        return
    card = shapes.load(
        world.store, "payment_method", wanted,
        "invoice_settings[default_payment_method]", called="PaymentMethod",
    )  # fmt: skip
    if card["customer"] != doc["id"]:
        raise errors.invalid(
            f"The customer does not have a payment method with the ID {wanted}. The payment "
            "method must be attached to the customer.",
            param="invoice_settings[default_payment_method]",
        )


def _delete(world: "World", request: Request) -> Doc:
    doc = get(world, request.id, "id")
    for card in list(world.store.table("payment_method").where("customer", doc["id"])):
        card["customer"] = None
        world.store.touch(card)
    world.store.add({"object": "_deleted", "id": doc["id"], "created": world.clock.second()})
    events.emit(world, "customer.deleted", doc)
    world.jobs.add(0, "customer_leaves", doc["id"])
    return {"id": doc["id"], "object": "customer", "deleted": True}


def _list(world: "World", request: Request) -> Doc:
    gone = world.store.table("_deleted").rows
    table = world.store.table("customer")
    return lists.page(table, request, by=("email",), keep=lambda doc: doc["id"] not in gone)


def _search(world: "World", request: Request) -> Doc:
    gone = world.store.table("_deleted").rows
    return search.page(world, "customer", request, keep=lambda doc: doc["id"] not in gone)


ROUTES: tuple[Route, ...] = (
    write("/v1/customers", _create, Area.CUSTOMER),
    read("/v1/customers", _list, Area.CUSTOMER),
    read("/v1/customers/search", _search, Area.CUSTOMER),
    read("/v1/customers/{customer}", _retrieve, Area.CUSTOMER),
    write("/v1/customers/{customer}", _update, Area.CUSTOMER),
    delete("/v1/customers/{customer}", _delete, Area.CUSTOMER),
)
