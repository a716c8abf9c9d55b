"""The customer's own balance: negative is credit, used up by the next invoice."""

from typing import TYPE_CHECKING, Any

from sandbox.stripe_twin import errors, events, ledger, lists, metadata, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import customers, payment_intents
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_KIND = "customer_balance_transaction"


def change(
    world: "World", customer: Doc, amount_minor: int, currency: str, kind: str, **more: Any
) -> Doc:
    """Adds to the balance and writes it down."""
    previous = {"balance": customer["balance"]}
    customer["balance"] += amount_minor
    customer["currency"] = customer.get("currency") or currency
    doc = shapes.make(
        _KIND,
        id=world.ids.new("cbtxn_"),
        amount=amount_minor,
        created=world.clock.second(),
        currency=currency,
        customer=customer["id"],
        ending_balance=customer["balance"],
        livemode=False,
        metadata={},
        type=kind,
    )
    doc |= more
    world.store.add(doc)
    ledger.write(world, "credit", doc, amount_minor)
    events.emit(world, "customer.updated", customer, previous)
    return doc


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    customer = customers.get(world, request.id)
    currency = payment_intents.check_currency(params["currency"])
    if customer.get("currency") not in (None, currency):
        raise errors.invalid(
            f"The customer's balance is kept in {customer['currency']}, not in {currency}.",
            param="currency",
        )
    return change(
        world, customer, params["amount"], currency, "adjustment",
        description=params.get("description"), metadata=metadata.of(params),
    )  # fmt: skip


def _retrieve(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, _KIND, request.ids[1], "transaction")


def _list(world: "World", request: Request) -> Doc:
    customers.get(world, request.id)
    table = world.store.table(_KIND)
    invoice = request.params.get("invoice")
    return lists.cut(
        table,
        table.keys_where("customer", request.id),
        request,
        lambda doc: invoice in (None, doc["invoice"]),
    )


ROUTES: tuple[Route, ...] = (
    write("/v1/customers/{customer}/balance_transactions", _create, Area.CUSTOMER),
    read("/v1/customers/{customer}/balance_transactions", _list, Area.CUSTOMER),
    read("/v1/customers/{customer}/balance_transactions/{transaction}", _retrieve, Area.CUSTOMER),
)
