"""Our balance at Stripe: every movement is a balance transaction and a ledger row."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import money, shapes
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# Card payments become available two days later.
AVAILABLE_AFTER_S = 2 * DAY

_CATEGORY = {
    "payment_refund": "refund",
    "adjustment": "dispute",
}


class Balance:
    """What is available per currency; without a limit until set_available_balance() sets one."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def limit(self, currency: str) -> int | None:
        """The available amount, None where nobody set one: then it is always enough."""
        row = self._world.store.get("_available", currency)
        return int(row["amount"]) if row else None

    def set_limit(self, currency: str, amount_minor: int) -> None:
        created = self._world.clock.second()
        self._world.store.put(
            {"object": "_available", "id": currency, "created": created, "amount": amount_minor}
        )

    def covers(self, amount_minor: int, currency: str) -> bool:
        limit = self.limit(currency)
        return limit is None or limit >= amount_minor

    def post(
        self,
        kind: str,
        source: str,
        amount_minor: int,
        currency: str,
        *,
        fee_minor: int = 0,
        category: str = "",
        description: str | None = None,
    ) -> Doc:
        """A balance transaction. A charge becomes available later, the rest moves at once."""
        now = self._world.clock.second()
        waits = kind == "charge"
        doc = shapes.make(
            "balance_transaction",
            id=self._world.ids.new("txn_"),
            amount=amount_minor,
            available_on=now + (AVAILABLE_AFTER_S if waits else 0),
            balance_type="payments",
            created=now,
            currency=currency,
            description=description,
            fee=fee_minor,
            fee_details=_fee_details(fee_minor, currency),
            net=amount_minor - fee_minor,
            reporting_category=category or kind,
            source=source,
            status="pending" if waits else "available",
            type=kind,
        )
        self._world.store.add(doc)
        limit = self.limit(currency)
        if limit is not None and not waits:
            self.set_limit(currency, limit + amount_minor - fee_minor)
        return doc

    def mature(self, doc: Doc) -> None:
        """A charge's money has become available, if its time has come."""
        if doc["status"] == "pending" and doc["available_on"] <= self._world.clock.now():
            doc["status"] = "available"
            self._world.store.touch(doc)


def _fee_details(fee_minor: int, currency: str) -> list[Doc]:
    if not fee_minor:
        return []
    return [
        {
            "amount": fee_minor,
            "application": None,
            "currency": currency,
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]


def charge_fee(amount_minor: int, currency: str) -> int:
    return money.fee(amount_minor, currency)
