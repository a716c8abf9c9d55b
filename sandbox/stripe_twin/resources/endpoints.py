"""Webhook endpoints, through the API."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import ids, lists, metadata, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, delete, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_KIND = "webhook_endpoint"


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    secret = "whsec_" + ids.digest(f"{world.seed}:{params['url']}", 32)
    doc = world.webhooks.add_endpoint(params["url"], secret, params["enabled_events"])
    doc |= {"metadata": metadata.of(params), "description": params.get("description")}
    world.store.touch(doc)
    # Only this answer ever shows the secret.
    return {**doc, "secret": secret}


def _get(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, _KIND, request.id, "webhook_endpoint")


def _update(world: "World", request: Request) -> Doc:
    doc, params = _get(world, request), request.params
    shapes.assign(doc, params, ("url", "enabled_events", "description"))
    if "disabled" in params:
        doc["status"] = "disabled" if params["disabled"] else "enabled"
    doc["metadata"] = metadata.merged(doc["metadata"], params)
    world.store.touch(doc)
    return doc


def _delete(world: "World", request: Request) -> Doc:
    doc = _get(world, request)
    world.store.remove(_KIND, doc["id"])
    return {"id": doc["id"], "object": _KIND, "deleted": True}


def _list(world: "World", request: Request) -> Doc:
    return lists.page(world.store.table(_KIND), request)


ROUTES: tuple[Route, ...] = (
    write("/v1/webhook_endpoints", _create, Area.WEBHOOK),
    read("/v1/webhook_endpoints", _list, Area.WEBHOOK),
    read("/v1/webhook_endpoints/{webhook_endpoint}", _get, Area.WEBHOOK),
    write("/v1/webhook_endpoints/{webhook_endpoint}", _update, Area.WEBHOOK),
    delete("/v1/webhook_endpoints/{webhook_endpoint}", _delete, Area.WEBHOOK),
)
