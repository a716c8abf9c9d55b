"""Early fraud warnings: the issuer says that a payment may be fraudulent."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import events, lists, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.jobs import job
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, read

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_KIND = "radar.early_fraud_warning"


def warn(world: "World", charge: Doc) -> Doc:
    doc = shapes.make(
        _KIND,
        id=world.ids.new("issfr_"),
        actionable=not charge["refunded"] and not charge["disputed"],
        charge=charge["id"],
        created=world.clock.second(),
        fraud_type="unauthorized_use_of_card",
        livemode=False,
        payment_intent=charge["payment_intent"],
    )
    events.emit(world, "radar.early_fraud_warning.created", doc)
    return doc


def review(world: "World", charge: Doc) -> None:
    """A warning can be acted on until the payment is disputed or fully refunded."""
    if not (charge["refunded"] or charge["disputed"]):
        return
    for doc in world.store.table(_KIND).where("charge", charge["id"]):
        if doc["actionable"]:
            doc["actionable"] = False
            events.emit(world, "radar.early_fraud_warning.updated", doc, {"actionable": True})


@job("fraud_is_reported")
def _reported(world: "World", charge_id: str) -> None:
    charge = world.store.get("charge", charge_id)
    if charge:
        warn(world, charge)


def _retrieve(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, _KIND, request.id, "early_fraud_warning")


def _list(world: "World", request: Request) -> Doc:
    return lists.page(world.store.table(_KIND), request, by=("charge", "payment_intent"))


ROUTES: tuple[Route, ...] = (
    read("/v1/radar/early_fraud_warnings", _list, Area.FRAUD_WARNING),
    read("/v1/radar/early_fraud_warnings/{early_fraud_warning}", _retrieve, Area.FRAUD_WARNING),
)
