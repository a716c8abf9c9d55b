"""Billing portal sessions: a hosted page on which the customer picks the card for invoices."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import customers
from sandbox.stripe_twin.routing import Route, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

KIND = "billing_portal.session"


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    if "customer" not in params:
        raise errors.required("customer")
    if "flow_data" in params:
        raise errors.not_in_the_twin("POST", "/v1/billing_portal/sessions with flow_data")
    customers.get(world, params["customer"])
    session_id = world.ids.new("bps_")
    doc = shapes.make(
        KIND,
        id=session_id,
        configuration="bpc_1AmendsSandbox",
        created=world.clock.second(),
        customer=params["customer"],
        livemode=False,
        locale=params.get("locale"),
        return_url=params.get("return_url"),
        url=f"{world.public_url}/pages/portal/{session_id}",
    )
    return world.store.add(doc)


ROUTES: tuple[Route, ...] = (write("/v1/billing_portal/sessions", _create, Area.BILLING_PORTAL),)
