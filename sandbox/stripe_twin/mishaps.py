"""What the outside world does to us: disputes, fraud warnings, failing refunds, no money."""

from typing import TYPE_CHECKING, cast

from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.resources import (
    charges,
    disputes,
    files,
    fraud_warnings,
    payment_methods,
    refund_life,
    refunds,
)

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


class Mishaps:
    """Part of World. Each verb happens now and is saved."""

    @property
    def _world(self) -> "World":
        return cast("World", self)

    def open_dispute(
        self,
        charge_id: str,
        status: str = "needs_response",
        reason: str = "fraudulent",
        amount: int | None = None,
    ) -> Doc:
        """A chargeback, of the whole charge unless an amount is given."""
        charge = charges.get(self._world, charge_id)
        return self._saved(disputes.open_one(self._world, charge, status, reason, amount))

    def open_inquiry(self, charge_id: str) -> Doc:
        """The bank asks first; the charge stays refundable."""
        charge = charges.get(self._world, charge_id)
        doc = disputes.open_one(self._world, charge, "warning_needs_response", "fraudulent")
        return self._saved(doc)

    def close_dispute(self, dispute_id: str, verdict: str) -> Doc:
        """verdict: won or lost; an inquiry closes either way."""
        doc = disputes.get(self._world, dispute_id)
        disputes.end(self._world, doc, verdict)
        return self._saved(doc)

    def escalate_inquiry(self, dispute_id: str) -> Doc:
        """An inquiry becomes a chargeback."""
        doc = disputes.get(self._world, dispute_id)
        disputes.escalate(self._world, doc)
        return self._saved(doc)

    def warn_fraud(self, charge_id: str) -> Doc:
        """An early fraud warning."""
        charge = charges.get(self._world, charge_id)
        return self._saved(fraud_warnings.warn(self._world, charge))

    def fail_refund(self, refund_id: str, reason: str = "expired_or_canceled_card") -> Doc:
        """Also after it succeeded."""
        doc = refunds.get(self._world, refund_id)
        refund_life.fail(self._world, doc, reason)
        return self._saved(doc)

    def settle_refund(self, refund_id: str) -> Doc:
        """A pending refund succeeds now."""
        doc = refunds.get(self._world, refund_id)
        refund_life.settle(self._world, doc)
        return self._saved(doc)

    def cancel_refund_in_dashboard(self, refund_id: str) -> Doc:
        """Possible there for a short time, never through the API."""
        doc = refunds.get(self._world, refund_id)
        refund_life.cancel_in_dashboard(self._world, doc)
        return self._saved(doc)

    def set_reference(self, refund_id: str, number: str) -> Doc:
        """The bank reference arrives now."""
        doc = refunds.get(self._world, refund_id)
        refund_life.set_reference(self._world, doc, number)
        return self._saved(doc)

    def refund_in_dashboard(self, charge_id: str, amount: int | None = None) -> Doc:
        """Somebody refunds by hand, past our system."""
        charge = charges.get(self._world, charge_id)
        params = {} if amount is None else {"amount": amount}
        return self._saved(refunds.refund(self._world, charge, params))

    def set_available_balance(self, currency: str, minor: int) -> None:
        """Refunds above it wait; those that waited go out when it suffices."""
        self._world.balance.set_limit(currency, minor)
        refund_life.settle_waiting(self._world, currency)
        self._world.save()

    def replace_card(self, payment_method_id: str, number_or_test_card: str) -> Doc:
        """The bank issued a new card and the network told Stripe."""
        doc = payment_methods.get(self._world, payment_method_id)
        payment_methods.renumber(self._world, doc, number_or_test_card)
        return self._saved(doc)

    def file_content(self, file_id: str) -> bytes:
        """What was uploaded as a file."""
        return files.content(self._world, file_id)

    def _saved(self, doc: Doc) -> Doc:
        self._world.save()
        return doc
