"""Files: evidence is uploaded here before a dispute names it."""

import base64
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, lists, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_MOST_BYTES = 5 * 1024 * 1024
_EVIDENCE_TYPES = ("jpeg", "jpg", "pdf", "png")


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    given = params["file"]
    if not isinstance(given, dict) or "data" not in given:
        raise errors.invalid("Invalid file: must be an uploaded file", param="file")
    name, data = given["name"], given["data"]
    kind = name.rpartition(".")[2].lower()
    _check(params["purpose"], kind, len(data))
    file_id = world.ids.new("file_")
    doc = shapes.make(
        "file",
        id=file_id,
        created=world.clock.second(),
        expires_at=world.clock.second() + 270 * DAY,
        filename=name,
        links=lists.of([], f"/v1/file_links?file={file_id}", has_more=False),
        purpose=params["purpose"],
        size=len(data),
        type="jpg" if kind == "jpeg" else kind,
        url=f"{world.public_url}/v1/files/{file_id}/contents",
    )
    text = base64.b64encode(data).decode()
    world.store.add(
        {"object": "_file_data", "id": file_id, "created": doc["created"], "data": text}
    )
    events.emit(world, "file.created", doc)
    return doc


def _check(purpose: str, kind: str, size: int) -> None:
    if purpose == "dispute_evidence" and kind not in _EVIDENCE_TYPES:
        raise errors.invalid(
            f"Files with the purpose 'dispute_evidence' must be one of the following types: "
            f"{', '.join(_EVIDENCE_TYPES)}.",
            param="file",
        )
    if size > _MOST_BYTES:
        raise errors.invalid(
            f"The file you provided is too large; files with the purpose '{purpose}' may have up "
            "to 5 MB.",
            param="file",
        )


def content(world: "World", file_id: str) -> bytes:
    """What was uploaded."""
    row = shapes.load(world.store, "_file_data", file_id, "file", called="file")
    return base64.b64decode(row["data"])


def _retrieve(world: "World", request: Request) -> Doc:
    return shapes.load(world.store, "file", request.id, "file", called="file")


def _list(world: "World", request: Request) -> Doc:
    return lists.page(world.store.table("file"), request, by=("purpose",))


ROUTES: tuple[Route, ...] = (
    write("/v1/files", _create, Area.FILE),
    read("/v1/files", _list, Area.FILE),
    read("/v1/files/{file}", _retrieve, Area.FILE),
)
