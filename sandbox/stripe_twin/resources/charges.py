"""Charges: made by payments, read by everyone."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, ledger, lists, metadata, money, search, shapes
from sandbox.stripe_twin.balance import AVAILABLE_AFTER_S
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.cards import Behaviour
from sandbox.stripe_twin.declines import Decline
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.jobs import job
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import payment_methods
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World


def succeed(world: "World", intent: Doc, card: Doc) -> Doc:
    """Takes the intent's amount from the card."""
    doc = _new(world, intent, card)
    charge_id = doc["id"]
    doc |= {
        "amount_captured": doc["amount"], "captured": True, "paid": True, "status": "succeeded",
        "outcome": _outcome(world, card),
        "receipt_url": f"{world.public_url}/pages/receipts/{charge_id}",
    }  # fmt: skip
    fee = money.fee(doc["amount"], doc["currency"])
    transaction = world.balance.post(
        "charge", charge_id, doc["amount"], doc["currency"],
        fee_minor=fee, description=doc["description"],
    )  # fmt: skip
    doc["balance_transaction"] = transaction["id"]
    world.store.add(doc)
    ledger.write(world, "charge", doc, doc["amount"], doc)
    world.jobs.add(AVAILABLE_AFTER_S, "charge_becomes_available", transaction["id"])
    _plan_trouble(world, doc, payment_methods.behaviour(world, card["id"]))
    return doc


def fail(world: "World", intent: Doc, card: Doc, decline: Decline) -> Doc:
    """The bank said no."""
    doc = _new(world, intent, card)
    doc |= {
        "failure_code": decline.code, "failure_message": decline.message,
        "outcome": shapes.part(
            "charge", "Outcome", advice_code=decline.advice_code,
            network_decline_code=decline.network_code,
            network_status="declined_by_network", reason=decline.decline_code,
            risk_level="normal", risk_score=12,
            seller_message="The bank did not return any further details with this decline.",
            type="issuer_declined",
        ),
    }  # fmt: skip
    world.store.add(doc)
    return doc


def _new(world: "World", intent: Doc, card: Doc) -> Doc:
    return shapes.make(
        "charge",
        id=world.ids.new("ch_"),
        amount=intent["amount"],
        amount_captured=0,
        amount_refunded=0,
        billing_details=card["billing_details"],
        calculated_statement_descriptor="AMENDS SANDBOX",
        captured=False,
        created=world.clock.second(),
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        fraud_details={},
        livemode=False,
        metadata=dict(intent["metadata"]),
        paid=False,
        payment_intent=intent["id"],
        payment_method=card["id"],
        payment_method_details={"card": _card_details(world, intent, card), "type": "card"},
        receipt_email=intent["receipt_email"],
        refunded=False,
        statement_descriptor=intent["statement_descriptor"],
        status="failed",
    )


def _card_details(world: "World", intent: Doc, card: Doc) -> Doc:
    told = card["card"]
    return shapes.part(
        "charge",
        "PaymentMethodDetails.Card",
        amount_authorized=intent["amount"],
        authorization_code=f"{world.count('authorization'):06d}",
        brand=told["brand"],
        checks=shapes.part("charge", "PaymentMethodDetails.Card.Checks", cvc_check="pass"),
        country=told["country"],
        exp_month=told["exp_month"],
        exp_year=told["exp_year"],
        extended_authorization={"status": "disabled"},
        fingerprint=told["fingerprint"],
        funding=told["funding"],
        incremental_authorization={"status": "unavailable"},
        last4=told["last4"],
        multicapture={"status": "unavailable"},
        network=told["brand"],
        network_token={"used": False},
        overcapture={"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        regulated_status="unregulated",
    )


def _outcome(world: "World", card: Doc) -> Doc:
    risky = payment_methods.behaviour(world, card["id"]) is Behaviour.FRAUD_WARNING
    return shapes.part(
        "charge",
        "Outcome",
        network_status="approved_by_network",
        risk_level="elevated" if risky else "normal",
        risk_score=68 if risky else 12,
        seller_message="Payment complete.",
        type="authorized",
    )


def _plan_trouble(world: "World", doc: Doc, behaviour: Behaviour) -> None:
    """Test cards that are disputed or reported by themselves."""
    jobs = {
        Behaviour.DISPUTED: "dispute_opens",
        Behaviour.INQUIRY: "inquiry_opens",
        Behaviour.FRAUD_WARNING: "fraud_is_reported",
    }
    if behaviour in jobs:
        world.jobs.add(world.delays.dispute_s, jobs[behaviour], doc["id"])


@job("charge_becomes_available")
def _mature(world: "World", transaction_id: str) -> None:
    transaction = world.store.get("balance_transaction", transaction_id)
    if transaction:
        world.balance.mature(transaction)


def get(world: "World", charge_id: str, param: str = "charge") -> Doc:
    return shapes.load(world.store, "charge", charge_id, param)


def count_refund(world: "World", charge: Doc, amount_minor: int) -> Doc:
    """Adds to (or, when a refund fails, takes from) what was refunded; returns what it was."""
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += amount_minor
    assert 0 <= charge["amount_refunded"] <= charge["amount_captured"]
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    world.store.touch(charge)
    return previous


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _update(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    previous = shapes.assign(doc, request.params, ("description", "receipt_email", "shipping"))
    merged = metadata.merged(doc["metadata"], request.params)
    if merged != doc["metadata"]:
        previous["metadata"], doc["metadata"] = doc["metadata"], merged
    report = (request.params.get("fraud_details") or {}).get("user_report")
    if report:
        doc["fraud_details"] = {"user_report": report}
    if "customer" in request.params:
        raise errors.invalid("You cannot change the customer of this charge.", param="customer")
    events.emit(world, "charge.updated", doc, previous)
    return doc


def _list(world: "World", request: Request) -> Doc:
    return lists.page(world.store.table("charge"), request, by=("payment_intent", "customer"))


def _search(world: "World", request: Request) -> Doc:
    return search.page(world, "charge", request)


ROUTES: tuple[Route, ...] = (
    read("/v1/charges", _list, Area.CHARGE),
    read("/v1/charges/search", _search, Area.CHARGE),
    read("/v1/charges/{charge}", _retrieve, Area.CHARGE),
    write("/v1/charges/{charge}", _update, Area.CHARGE),
)
