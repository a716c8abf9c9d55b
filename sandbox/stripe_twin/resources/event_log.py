"""The Events API."""

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, lists, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.events import KEPT_S
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, read

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_MOST_TYPES = 20


def _list(world: "World", request: Request) -> Doc:
    params = request.params
    wanted = params.get("types") or ([params["type"]] if "type" in params else [])
    if len(wanted) > _MOST_TYPES:
        raise errors.invalid("You may only specify up to 20 types.", param="types")
    horizon = world.clock.now() - KEPT_S

    def keep(doc: Doc) -> bool:
        if doc["created"] < horizon:
            return False
        if wanted and not any(fnmatchcase(doc["type"], kind) for kind in wanted):
            return False
        if "delivery_success" in params:
            delivered: bool = doc["pending_webhooks"] == 0
            return delivered is params["delivery_success"]
        return True

    return lists.page(world.store.table("event"), request, keep=keep)


def _retrieve(world: "World", request: Request) -> Doc:
    doc = shapes.load(world.store, "event", request.id, "id")
    if doc["created"] < world.clock.now() - KEPT_S:
        raise errors.missing("event", request.id, "id")
    return doc


ROUTES: tuple[Route, ...] = (
    read("/v1/events", _list, Area.EVENT),
    read("/v1/events/{id}", _retrieve, Area.EVENT),
)
