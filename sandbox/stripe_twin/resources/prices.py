"""Prices and products, made by the builders for subscriptions."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import lists, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, read

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


def new(
    world: "World", product: str, amount_minor: int, currency: str, interval: str, count: int
) -> Doc:
    """A recurring price of a product of that name; the product is made if it is new."""
    doc = shapes.make(
        "price",
        id=world.ids.new("price_"),
        active=True,
        billing_scheme="per_unit",
        created=world.clock.second(),
        currency=currency,
        livemode=False,
        metadata={},
        product=_product(world, product)["id"],
        recurring=shapes.part(
            "price", "Recurring", interval=interval, interval_count=count, usage_type="licensed"
        ),
        tax_behavior="unspecified",
        type="recurring",
        unit_amount=amount_minor,
        unit_amount_decimal=str(amount_minor),
    )
    return world.store.add(doc)


def _product(world: "World", name: str) -> Doc:
    table = world.store.table("product")
    for row in table.rows.values():
        if row["name"] == name:
            return row
    now = world.clock.second()
    doc = shapes.make(
        "product",
        id=world.ids.new("prod_"),
        active=True,
        created=now,
        images=[],
        livemode=False,
        marketing_features=[],
        metadata={},
        name=name,
        type="service",
        updated=now,
    )
    return world.store.add(doc)


def as_plan(price: Doc) -> Doc:
    """The older shape of a price, still part of subscription items."""
    recurring = price["recurring"]
    return shapes.make(
        "plan",
        id=price["id"],
        active=price["active"],
        amount=price["unit_amount"],
        amount_decimal=price["unit_amount_decimal"],
        billing_scheme=price["billing_scheme"],
        created=price["created"],
        currency=price["currency"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
        livemode=False,
        metadata={},
        product=price["product"],
        usage_type="licensed",
    )


def product_name(world: "World", price: Doc) -> str:
    product = world.store.get("product", price["product"])
    return str(product["name"]) if product else "Plan"


def _retrieve(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, "price", request.id, "price")


def _list(world: "World", request: Request) -> Doc:
    return lists.page(world.store.table("price"), request)


def _retrieve_product(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, "product", request.id, "id")


ROUTES: tuple[Route, ...] = (
    read("/v1/prices", _list, Area.PRICE),
    read("/v1/prices/{price}", _retrieve, Area.PRICE),
    read("/v1/products/{id}", _retrieve_product, Area.PRICE),
)
