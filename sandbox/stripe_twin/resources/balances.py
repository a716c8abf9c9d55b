"""The balance and its transactions."""

from collections import Counter
from typing import TYPE_CHECKING

from sandbox.stripe_twin import lists, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, read

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


def _balance(world: "World", request: Request) -> Doc:
    totals: dict[str, Counter[str]] = {"available": Counter({"usd": 0}), "pending": Counter()}
    for doc in world.store.table("balance_transaction").rows.values():
        totals[doc["status"]][doc["currency"]] += doc["net"]
    for currency in totals["available"]:
        limit = world.balance.limit(currency)
        if limit is not None:
            totals["available"][currency] = limit
    return {
        "object": "balance",
        "available": _amounts(totals["available"]),
        "livemode": False,
        "pending": _amounts(totals["pending"]) or _amounts(Counter({"usd": 0})),
    }


def _amounts(totals: Counter[str]) -> list[Doc]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(totals.items())
    ]


def _retrieve(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, "balance_transaction", request.id, "id")


def _list(world: "World", request: Request) -> Doc:
    table = world.store.table("balance_transaction")
    return lists.page(table, request, by=("source", "type", "currency"))


ROUTES: tuple[Route, ...] = (
    read("/v1/balance", _balance, Area.BALANCE),
    read("/v1/balance_transactions", _list, Area.BALANCE),
    read("/v1/balance_transactions/{id}", _retrieve, Area.BALANCE),
)
