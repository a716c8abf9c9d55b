"""Seed data: customers, cards and charges with a past."""

from typing import TYPE_CHECKING, cast

from sandbox.stripe_twin import cards
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.resources import customers, payment_intents, payment_methods, payments

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


class Builders:
    """Part of World. Builders make no events for the past older than 30 days' worth of noise."""

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
