"""Refunds: who may be refunded how much, and the calls."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, ledger, lists, metadata, money, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.cards import Behaviour
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import (
    charges,
    fraud_warnings,
    payment_methods,
    payments,
    refund_life,
)
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


def refund(world: "World", charge: Doc, params: Doc) -> Doc:
    """A refund of a charge, whoever asked for it; refusals are Stripe's."""
    amount = _amount(world, charge, params)
    doc = _new(world, charge, amount, params)
    behaviour = payment_methods.behaviour(world, charge["payment_method"])
    _decide(world, doc, behaviour)
    world.store.add(doc)
    ledger.write(world, "refund", doc, -amount, charge)
    if params.get("reason") == "fraudulent":
        charge["fraud_details"] = {"user_report": "fraudulent"}
    previous = charges.count_refund(world, charge, amount)
    refund_life.begin(world, doc, behaviour)
    events.emit(world, "refund.created", doc)
    events.emit(world, "charge.refunded", charge, previous)
    if doc["status"] == "succeeded":
        refund_life.announce(world, doc)
    fraud_warnings.review(world, charge)
    return doc


def _amount(world: "World", charge: Doc, params: Doc) -> int:
    """What is asked for, or the rest; refused when there is not so much left."""
    if charge["status"] != "succeeded":
        raise errors.invalid(
            f"Charge {charge['id']} has not been paid, so it cannot be refunded.", param="charge"
        )
    if _charged_back(world, charge):
        raise errors.invalid(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
        )
    rest = charge["amount_captured"] - charge["amount_refunded"]
    if rest == 0:
        raise errors.invalid(
            f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = int(params.get("amount", rest))
    if amount < 1:
        raise errors.unstored(errors.too_small("amount", 1))
    if amount > rest:
        asked, left = (money.text(value, charge["currency"]) for value in (amount, rest))
        raise errors.invalid(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({left})",
            param="amount",
        )
    return amount


def _charged_back(world: "World", charge: Doc) -> bool:
    found = world.store.table("dispute").where("charge", charge["id"])
    return any(not dispute["is_charge_refundable"] for dispute in found)


def _new(world: "World", charge: Doc, amount: int, params: Doc) -> Doc:
    return shapes.make(
        "refund",
        id=world.ids.new("re_"),
        amount=amount,
        charge=charge["id"],
        created=world.clock.second(),
        currency=charge["currency"],
        customer=charge["customer"],
        destination_details={"card": _destination(charge, world.clock.second()), "type": "card"},
        metadata=metadata.of(params),
        payment_intent=charge["payment_intent"],
        payment_method=charge["payment_method"],
        reason=params.get("reason"),
        status="succeeded",
    )


def _destination(charge: Doc, now: int) -> Doc:
    """A refund on the day of the charge undoes it: no credit line, so no bank reference."""
    if charge["created"] // DAY == now // DAY:
        return {"type": "reversal"}
    return {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }


def _decide(world: "World", doc: Doc, behaviour: Behaviour) -> None:
    """Pending where the bank is slow or our balance is short."""
    if not world.balance.covers(doc["amount"], doc["currency"]):
        refund_life.hold(doc, "insufficient_funds")
        return
    if behaviour is Behaviour.PENDING_REFUND:
        refund_life.hold(doc, "processing")
    refund_life.book(world, doc)


def get(world: "World", refund_id: str, param: str = "refund") -> Doc:
    return shapes.load(world.store, "refund", refund_id, param)


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    if "charge" in params:
        charge = charges.get(world, params["charge"])
        if params.get("payment_intent") not in (None, charge["payment_intent"]):
            raise errors.invalid(
                f"Charge {charge['id']} does not belong to PaymentIntent "
                f"{params['payment_intent']}.",
                param="payment_intent",
            )
    elif "payment_intent" in params:
        charge = _charge_of(world, params["payment_intent"])
    else:
        raise errors.unstored(
            errors.invalid(
                "One of the following params should be provided for this request: payment_intent "
                "or charge."
            )
        )
    return refund(world, charge, params)


def _charge_of(world: "World", intent_id: str) -> Doc:
    intent = shapes.load(world.store, "payment_intent", intent_id, "payment_intent")
    if intent["status"] != "succeeded":
        raise payments.unexpected_state(
            intent,
            f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.",
        )
    return charges.get(world, intent["latest_charge"])


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _update(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    previous = {"metadata": doc["metadata"]}
    doc["metadata"] = metadata.merged(doc["metadata"], request.params)
    events.emit(world, "refund.updated", doc, previous)
    return doc


def _cancel(world: "World", request: Request) -> Doc:
    get(world, request.id)
    # Cards never reach requires_action, the only state in which the API cancels.
    raise errors.invalid("Canceling this refund is unsupported.")


def _list(world: "World", request: Request) -> Doc:
    table = world.store.table("refund")
    return lists.page(table, request, by=("charge", "payment_intent"))


ROUTES: tuple[Route, ...] = (
    write("/v1/refunds", _create, Area.CHARGE),
    read("/v1/refunds", _list, Area.CHARGE),
    read("/v1/refunds/{refund}", _retrieve, Area.CHARGE),
    write("/v1/refunds/{refund}", _update, Area.CHARGE),
    write("/v1/refunds/{refund}/cancel", _cancel, Area.CHARGE),
)
