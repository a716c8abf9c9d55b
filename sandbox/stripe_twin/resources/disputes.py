"""Disputes: chargebacks and inquiries, evidence, and how they end."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, ledger, lists, metadata, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.jobs import job
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import charges, fraud_warnings, refund_life
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# Fee of a dispute in the recordings, minor units of the account's currency.
FEE_MINOR = 1500
_ANSWER_WITHIN_S = 9 * DAY
_MOST_TEXT = 150_000
_OVER = ("won", "lost", "warning_closed", "prevented")
_NETWORK_CODES = {"fraudulent": "10.4", "duplicate": "12.6.1", "product_not_received": "13.1"}
_VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}


def open_one(
    world: "World", charge: Doc, status: str, reason: str, amount_minor: int | None = None
) -> Doc:
    """A cardholder (or the bank) objects. A chargeback takes the money at once."""
    amount = amount_minor or charge["amount"]
    doc = _new(world, charge, status, reason, amount)
    world.store.add(doc)
    charge["disputed"] = True
    world.store.touch(charge)
    if not _is_inquiry(doc):
        _withdraw(world, doc, charge)
    events.emit(world, "charge.dispute.created", doc)
    if doc["balance_transactions"]:
        events.emit(world, "charge.dispute.funds_withdrawn", doc)
    fraud_warnings.review(world, charge)
    _stop_refunds(world, charge)
    return doc


def _new(world: "World", charge: Doc, status: str, reason: str, amount: int) -> Doc:
    now = world.clock.second()
    inquiry = status.startswith("warning_")
    card = charge["payment_method_details"]["card"]
    code = _NETWORK_CODES.get(reason, "13.7")
    return shapes.make(
        "dispute",
        id=world.ids.new("du_"),
        amount=amount,
        balance_transactions=[],
        charge=charge["id"],
        created=now,
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=shapes.part("dispute", "Evidence", enhanced_evidence={}),
        evidence_details={
            "due_by": now + _ANSWER_WITHIN_S, "enhanced_eligibility": {}, "has_evidence": False,
            "past_due": False, "submission_count": 0, "submission_method": "not_submitted",
        },
        intended_submission_method="manual",
        is_charge_refundable=inquiry,
        livemode=False,
        metadata={},
        network_reason_code=code,
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": card["brand"], "case_type": "inquiry" if inquiry else "chargeback",
                "network": card["brand"], "network_reason_code": code,
            },
            "type": "card",
        },
        reason=reason,
        status=status,
    )  # fmt: skip


def _is_inquiry(doc: Doc) -> bool:
    return bool(doc["status"].startswith("warning_"))


def _withdraw(world: "World", doc: Doc, charge: Doc) -> None:
    transaction = world.balance.post(
        "adjustment", doc["id"], -doc["amount"], doc["currency"],
        fee_minor=FEE_MINOR, category="dispute",
        description=f"Chargeback withdrawal for {charge['id']}",
    )  # fmt: skip
    doc["balance_transactions"] = [*doc["balance_transactions"], transaction]
    ledger.write(world, "dispute", doc, -doc["amount"], charge)


def _stop_refunds(world: "World", charge: Doc) -> None:
    """A refund still under way loses against the dispute."""
    for refund in list(world.store.table("refund").where("charge", charge["id"])):
        if refund["status"] == "pending" and not _refundable(world, charge):
            refund_life.fail(world, refund, "charge_for_pending_refund_disputed")


def _refundable(world: "World", charge: Doc) -> bool:
    found = world.store.table("dispute").where("charge", charge["id"])
    return all(dispute["is_charge_refundable"] for dispute in found)


def end(world: "World", doc: Doc, verdict: str) -> None:
    """The bank's decision; an inquiry just closes."""
    if doc["status"] in _OVER:
        raise errors.invalid(f"This dispute is already {doc['status']}.")
    previous = {"status": doc["status"]}
    inquiry = _is_inquiry(doc)
    doc["status"] = "warning_closed" if inquiry else verdict
    won = doc["status"] == "won"
    if won:
        _reinstate(world, doc)
        doc["is_charge_refundable"] = True
    events.emit(world, "charge.dispute.closed", doc, previous)
    if won:
        events.emit(world, "charge.dispute.funds_reinstated", doc)


def _reinstate(world: "World", doc: Doc) -> None:
    transaction = world.balance.post(
        "adjustment", doc["id"], doc["amount"], doc["currency"],
        category="dispute_reversal", description=f"Chargeback reversal for {doc['charge']}",
    )  # fmt: skip
    doc["balance_transactions"] = [*doc["balance_transactions"], transaction]
    ledger.write(world, "dispute_reversal", doc, doc["amount"], charges.get(world, doc["charge"]))


def escalate(world: "World", doc: Doc) -> None:
    """An inquiry becomes a chargeback."""
    if not _is_inquiry(doc) or doc["status"] in _OVER:
        raise errors.invalid("Only an open inquiry can be escalated.")
    previous = {"status": doc["status"]}
    charge = charges.get(world, doc["charge"])
    doc |= {"status": "needs_response", "is_charge_refundable": False}
    doc["payment_method_details"]["card"]["case_type"] = "chargeback"
    _withdraw(world, doc, charge)
    events.emit(world, "charge.dispute.updated", doc, previous)
    events.emit(world, "charge.dispute.funds_withdrawn", doc)
    _stop_refunds(world, charge)


@job("dispute_opens")
def _opens(world: "World", charge_id: str) -> None:
    open_one(world, charges.get(world, charge_id), "needs_response", "fraudulent")


@job("inquiry_opens")
def _inquires(world: "World", charge_id: str) -> None:
    open_one(world, charges.get(world, charge_id), "warning_needs_response", "fraudulent")


@job("dispute_is_decided")
def _decided(world: "World", dispute_id: str) -> None:
    doc = get(world, dispute_id)
    text = (doc["evidence"]["uncategorized_text"] or "").strip()
    if doc["status"] in _OVER:
        return
    if text == "escalate_inquiry_evidence" and _is_inquiry(doc):
        escalate(world, doc)
    elif text in _VERDICTS:
        end(world, doc, _VERDICTS[text])


def get(world: "World", dispute_id: str) -> Doc:
    return shapes.load(world.store, "dispute", dispute_id, "dispute")


def _update(world: "World", request: Request) -> Doc:
    doc, params = get(world, request.id), request.params
    if doc["status"] in _OVER:
        raise errors.invalid("This dispute is already closed.")
    if doc["evidence_details"]["submission_count"] and "evidence" in params:
        raise errors.invalid("You have already submitted evidence for this dispute.")
    if "evidence" in params:
        _add_evidence(world, doc, params["evidence"])
    doc["metadata"] = metadata.merged(doc["metadata"], params)
    # Recorded: `submit` defaults to true.
    if params.get("submit", "evidence" in params):
        _submit(world, doc)
    events.emit(world, "charge.dispute.updated", doc)
    return doc


def _add_evidence(world: "World", doc: Doc, given: Doc) -> None:
    evidence = {**doc["evidence"], **{k: v or None for k, v in given.items()}}
    length = sum(len(value) for value in evidence.values() if isinstance(value, str))
    if length > _MOST_TEXT:
        raise errors.invalid(
            f"The combined character count of your evidence is {length}; the limit is "
            f"{_MOST_TEXT}.",
            param="evidence",
        )
    for name, value in given.items():
        if isinstance(value, str) and value.startswith("file_"):
            shapes.load(world.store, "file", value, f"evidence[{name}]", called="file")
    doc["evidence"] = evidence
    doc["evidence_details"]["has_evidence"] = any(given.values())


def _submit(world: "World", doc: Doc) -> None:
    doc["status"] = "warning_under_review" if _is_inquiry(doc) else "under_review"
    doc["evidence_details"]["submission_count"] += 1
    doc["evidence_details"]["submission_method"] = "manual"
    world.jobs.add(world.delays.verdict_s, "dispute_is_decided", doc["id"])


def _close(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    end(world, doc, "lost")
    return doc


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _list(world: "World", request: Request) -> Doc:
    table = world.store.table("dispute")
    return lists.page(table, request, by=("charge", "payment_intent"))


ROUTES: tuple[Route, ...] = (
    read("/v1/disputes", _list, Area.DISPUTE),
    read("/v1/disputes/{dispute}", _retrieve, Area.DISPUTE),
    write("/v1/disputes/{dispute}", _update, Area.DISPUTE),
    write("/v1/disputes/{dispute}/close", _close, Area.DISPUTE),
)
