"""Every money movement in order, with the card it touched: what tests compare our books with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


@dataclass(frozen=True)
class LedgerRow:
    """One movement, signed from the merchant's side. `status` is the object's status now."""

    at: int
    kind: str
    object_id: str
    charge_id: str | None
    card_last4: str | None
    card_brand: str | None
    amount_minor: int
    currency: str
    status: str


def write(
    world: "World", kind: str, source: Doc, amount_minor: int, charge: Doc | None = None
) -> None:
    """Adds a row; `source` is the object that moved the money."""
    number = world.count("ledger")
    world.store.add(
        {
            "object": "_ledger",
            "id": f"row_{number}",
            # Rows keep the order in which they were written.
            "created": number,
            "at": world.clock.second(),
            "kind": kind,
            "source": source["id"],
            "table": source["object"],
            "charge": charge["id"] if charge else None,
            "amount": amount_minor,
            "currency": source["currency"],
        }
    )


def rows(world: "World") -> list[LedgerRow]:
    """All rows by time, then by order of writing."""
    found = list(_rows(world))
    return sorted(found, key=lambda row: row.at)


def _rows(world: "World") -> Iterator[LedgerRow]:
    store = world.store
    for row in store.table("_ledger").oldest_first():
        charge = store.get("charge", row["charge"] or "")
        card = charge["payment_method_details"]["card"] if charge else {}
        source = store.get(row["table"], row["source"]) or {}
        yield LedgerRow(
            row["at"],
            row["kind"],
            row["source"],
            row["charge"],
            card.get("last4"),
            card.get("brand"),
            row["amount"],
            row["currency"],
            str(source.get("status", "posted")),
        )
