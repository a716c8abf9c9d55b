"""Seed data: customers, cards and charges with a past."""

from typing import TYPE_CHECKING, cast

from sandbox.stripe_twin import cards, renewals
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.resources import (
    customers,
    invoices,
    payment_intents,
    payment_methods,
    payments,
)

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


class Builders:
    """Part of World. What is built in the past has its events in the past."""

    @property
    def _twin(self) -> "World":
        return cast("World", self)

    def add_customer(self, email: str, name: str, metadata: dict[str, str] | None = None) -> Doc:
        twin = self._twin
        doc = customers.new(twin, {"email": email, "name": name, "metadata": metadata or {}})
        twin.store.add(doc)
        twin.save()
        return doc

    def add_card(
        self,
        customer_id: str,
        number_or_test_card: str = "4242424242424242",
        exp_month: int = 12,
        exp_year: int = 2034,
    ) -> Doc:
        """A card set up for later charges; the first one becomes the default for invoices."""
        twin = self._twin
        customer = customers.get(twin, customer_id)
        number = cards.number_of(number_or_test_card) or cards.digits(number_or_test_card)
        doc = payment_methods.new(twin, number, exp_month, exp_year)
        doc["customer"] = customer_id
        payment_methods.mark(twin, doc["id"], "set_up")
        twin.store.touch(doc)
        if customer["invoice_settings"]["default_payment_method"] is None:
            customer["invoice_settings"]["default_payment_method"] = doc["id"]
            twin.store.touch(customer)
        twin.save()
        return doc

    def add_charge(
        self,
        customer_id: str,
        payment_method_id: str,
        amount: int,
        currency: str = "usd",
        created: float | None = None,
        description: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Doc:
        """A succeeded charge with its PaymentIntent and balance transaction; returns the charge."""
        twin = self._twin
        moment = twin.clock.now() if created is None else created
        with twin.clock.at(moment):
            intent = payment_intents.new(
                twin,
                {
                    "amount": amount, "currency": currency, "customer": customer_id,
                    "description": description, "metadata": metadata or {},
                    "payment_method": payment_method_id,
                },
            )  # fmt: skip
            payments.pay(twin, intent, payment_methods.get(twin, payment_method_id))
        twin.run_due()
        charge = twin.store.get("charge", intent["latest_charge"])
        assert charge is not None
        return charge

    def add_subscription(
        self,
        customer_id: str,
        amount: int,
        currency: str = "usd",
        *,
        interval: str = "month",
        interval_count: int = 1,
        quantity: int = 1,
        product: str = "Plan",
        status: str = "active",
        current_period_end: float | None = None,
        payment_method: str | None = None,
        metadata: dict[str, str] | None = None,
    ) -> Doc:
        """A subscription in the middle of a term; it renews when the clock passes the end."""
        twin = self._twin
        what = renewals.Terms(
            product,
            amount,
            currency,
            interval,
            interval_count,
            quantity,
            status,
            int(current_period_end) if current_period_end else None,
            payment_method,
            metadata or {},
        )
        doc = renewals.start(twin, customer_id, what)
        twin.run_due()
        return doc

    def add_invoice(
        self,
        customer_id: str,
        lines: list[tuple[str, int]],
        *,
        currency: str = "usd",
        paid_by: str | None = None,
        created: float | None = None,
    ) -> Doc:
        """An invoice of (description, amount) lines; paid_by is the id of a charge."""
        twin = self._twin
        with twin.clock.at(twin.clock.now() if created is None else created):
            doc = invoices.by_builder(twin, customer_id, lines, currency, paid_by)
        twin.save()
        return doc
