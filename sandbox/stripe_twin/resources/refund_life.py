"""What happens to a refund after it was made: it settles, fails late, gets its bank reference."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, ledger
from sandbox.stripe_twin.cards import Behaviour
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.jobs import job
from sandbox.stripe_twin.resources import charges

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_LONGEST_REFERENCE_DAYS = 7
_OPEN = ("pending", "succeeded")
_REASONS = (
    "lost_or_stolen_card", "expired_or_canceled_card", "charge_for_pending_refund_disputed",
    "insufficient_funds", "declined", "merchant_request", "unknown",
)  # fmt: skip


def hold(doc: Doc, reason: str) -> None:
    """Not yet."""
    doc["status"] = "pending"
    doc["pending_reason"] = reason
    doc["destination_details"]["card"] = {"type": "pending"}


def book(world: "World", doc: Doc) -> None:
    """Takes the money from our balance."""
    transaction = world.balance.post(
        "refund", doc["id"], -doc["amount"], doc["currency"], description="REFUND FOR CHARGE"
    )
    doc["balance_transaction"] = transaction["id"]


def begin(world: "World", doc: Doc, behaviour: Behaviour) -> None:
    """Plans what this card's refunds do later."""
    if doc.get("pending_reason") == "processing":
        world.jobs.add(world.delays.pending_refund_s, "refund_settles", doc["id"])
    if doc["status"] == "succeeded":
        _plan_reference(world, doc)
    if behaviour is Behaviour.REFUND_FAILS:
        world.jobs.add(world.delays.refund_failure_s, "refund_fails", doc["id"])


def announce(world: "World", doc: Doc, previous: Doc | None = None) -> None:
    """Both names of the same news; the second one is deprecated but still sent."""
    events.emit(world, "refund.updated", doc, previous or {})
    events.emit(world, "charge.refund.updated", doc, previous or {})


def settle(world: "World", doc: Doc) -> None:
    """Pending becomes succeeded."""
    if doc["status"] != "pending":
        return
    if doc["balance_transaction"] is None:
        book(world, doc)
    reason = doc.pop("pending_reason", None)
    doc["status"] = "succeeded"
    doc["destination_details"]["card"] = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    _plan_reference(world, doc)
    announce(world, doc, {"status": "pending", "pending_reason": reason})


def settle_waiting(world: "World", currency: str) -> None:
    """Our balance grew: refunds that waited for it go out, oldest first, while it lasts."""
    for doc in list(world.store.table("refund").oldest_first()):
        waits = doc.get("pending_reason") == "insufficient_funds" and doc["currency"] == currency
        if waits and world.balance.covers(doc["amount"], currency):
            settle(world, doc)


def fail(world: "World", doc: Doc, reason: str) -> None:
    """The bank sends it back, perhaps weeks later. No refund.updated on failure (recorded)."""
    if reason not in _REASONS:
        raise errors.not_one_of("reason", _REASONS)
    _undo(world, doc, "failed", reason)
    events.emit(world, "refund.failed", doc)
    events.emit(world, "charge.refund.updated", doc)


def cancel_in_dashboard(world: "World", doc: Doc) -> None:
    """What the Dashboard allows for a short time and the API does not."""
    _undo(world, doc, "canceled", "merchant_request")
    announce(world, doc)


def _undo(world: "World", doc: Doc, status: str, reason: str) -> None:
    if doc["status"] not in _OPEN:
        raise errors.invalid(f"Refund {doc['id']} is already {doc['status']}.")
    charge = charges.get(world, doc["charge"])
    doc.pop("pending_reason", None)
    doc["status"] = status
    doc["failure_reason"] = reason
    if doc["balance_transaction"] is not None:
        back = world.balance.post(
            "refund_failure", doc["id"], doc["amount"], doc["currency"],
            description="REFUND FAILURE",
        )  # fmt: skip
        doc["failure_balance_transaction"] = back["id"]
    card = doc["destination_details"]["card"]
    if card.get("reference_status") == "pending":
        card["reference_status"] = "unavailable"
    ledger.write(world, "refund_failure", doc, doc["amount"], charge)
    charges.count_refund(world, charge, -doc["amount"])
    world.store.touch(doc)


def set_reference(world: "World", doc: Doc, number: str) -> None:
    """The bank's reference became known."""
    doc["destination_details"]["card"] = {
        "reference": number,
        "reference_status": "available",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    announce(world, doc)


def _plan_reference(world: "World", doc: Doc) -> None:
    """After one to seven business days, always the same for the same refund."""
    if doc["destination_details"]["card"]["type"] != "refund":
        return
    days = 1 + blake2b(doc["id"].encode()).digest()[0] % _LONGEST_REFERENCE_DAYS
    due = after_business_days(world.clock.now(), days)
    world.jobs.add_at(due, "reference_arrives", doc["id"])


def after_business_days(start: float, days: int) -> float:
    """Monday to Friday count; the time of day stays."""
    moment = datetime.fromtimestamp(start, UTC)
    while days > 0:
        moment += timedelta(days=1)
        days -= moment.weekday() < 5
    return moment.timestamp()


@job("refund_settles")
def _settles(world: "World", refund_id: str) -> None:
    doc = world.store.get("refund", refund_id)
    if doc:
        settle(world, doc)


@job("refund_fails")
def _fails(world: "World", refund_id: str) -> None:
    doc = world.store.get("refund", refund_id)
    if doc and doc["status"] in _OPEN:
        fail(world, doc, "expired_or_canceled_card")


@job("reference_arrives")
def _reference_arrives(world: "World", refund_id: str) -> None:
    doc = world.store.get("refund", refund_id)
    if doc is None or doc["status"] != "succeeded":
        return
    if doc["destination_details"]["card"].get("reference_status") == "pending":
        digits = str(int.from_bytes(blake2b(refund_id.encode()).digest()[:9], "big"))
        set_reference(world, doc, "7" + digits.zfill(22)[:22])
