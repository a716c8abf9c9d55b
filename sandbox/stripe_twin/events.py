"""Events: a snapshot of the object, kept 30 days, handed to the webhooks."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import documents, sdk
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

KEPT_S = 30 * DAY
# Old events are dropped in batches, because dropping one from a long list is not free.
_BATCH = 500


def emit(world: "World", kind: str, doc: Doc, previous: Doc | None = None) -> Doc:
    """Records that something happened to an object, and sends it to the endpoints."""
    world.store.put(doc)
    data: Doc = {"object": documents.copy(doc)}
    if previous is not None:
        data["previous_attributes"] = documents.copy(previous)
    event: Doc = {
        "id": world.ids.new("evt_"),
        "object": "event",
        "api_version": sdk.api_version(),
        "created": world.clock.second(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": world.request_id, "idempotency_key": world.idempotency_key},
        "type": kind,
    }
    world.store.add(event)
    world.webhooks.announce(event)
    _forget_old(world)
    return event


def _forget_old(world: "World") -> None:
    table = world.store.table("event")
    limit = world.clock.now() - KEPT_S
    if len(table.order) > _BATCH and table.order[_BATCH][0] < limit:
        for key in table.order[:_BATCH]:
            world.store.remove("event", key[2])
