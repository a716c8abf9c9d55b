"""Stripe's v1 idempotency: the first answer to a key is kept for a day and given again."""

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.calls import Answer, Call
from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

KEPT_S = DAY
_TABLE = "_idempotency"


class Idempotency:
    """Keys are per account, so all API keys of the twin share them."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._running: set[str] = set()

    def begin(self, key: str, call: Call) -> Answer | None:
        """The kept answer, or None: then the caller goes on and must call finish or forget."""
        if len(key) > 255:
            raise errors.key_too_long()
        self._prune()
        kept = self._world.store.get(_TABLE, key)
        if kept and kept["fingerprint"] != fingerprint(call):
            raise errors.key_reused(key)
        if kept:
            headers = {**kept["headers"], "idempotent-replayed": "true"}
            return Answer(kept["status"], kept["body"].encode(), headers)
        if key in self._running:
            raise errors.key_in_use(key)
        self._running.add(key)
        return None

    def forget(self, key: str) -> None:
        """The endpoint never began: the key is free again."""
        self._running.discard(key)

    def finish(self, key: str, call: Call, answer: Answer) -> None:
        self._running.discard(key)
        row: Doc = {
            "object": _TABLE, "id": key, "created": self._world.clock.second(),
            "fingerprint": fingerprint(call), "status": answer.status,
            "body": answer.body.decode(), "headers": answer.headers,
        }  # fmt: skip
        self._world.store.add(row)

    def _prune(self) -> None:
        table = self._world.store.table(_TABLE)
        limit = self._world.clock.now() - KEPT_S
        while table.order and table.order[0][0] <= limit:
            self._world.store.remove(_TABLE, table.order[0][2])


def fingerprint(call: Call) -> str:
    """Equal for equal method, path and parameters, whatever their order."""
    if "multipart" in call.headers.get("content-type", ""):
        # The boundary is random, so a file upload is compared by its size.
        parts = [f"multipart {len(call.body)}"]
    else:
        parts = sorted(call.body.decode().split("&"))
    text = json.dumps([call.method, call.path, sorted(call.query.split("&")), parts])
    return blake2b(text.encode(), digest_size=16).hexdigest()
