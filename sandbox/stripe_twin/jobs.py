"""What happens later by itself: settlements, late failures, renewals, retries. In time order."""

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors
from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

Handler = Callable[["World", str], None]

_HANDLERS: dict[str, Handler] = {}


def job(name: str) -> Callable[[Handler], Handler]:
    """Names a function so that a saved job finds it again after a restart."""

    def register(handler: Handler) -> Handler:
        _HANDLERS[name] = handler
        return handler

    return register


class Jobs:
    """A heap of (due, number); each job names a function and one object."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._heap: list[tuple[float, int, str]] = []
        self._running = False
        # Jobs whose object had gone meanwhile; kept so that a puzzled reader finds them.
        self.failures: list[str] = []

    def add(self, delay_s: float, name: str, object_id: str) -> None:
        self.add_at(self._world.clock.now() + delay_s, name, object_id)

    def add_at(self, due: float, name: str, object_id: str) -> None:
        number = self._world.count("job")
        doc: Doc = {
            "object": "_job", "id": f"job_{number}", "created": number,
            "due": due, "name": name, "for": object_id,
        }  # fmt: skip
        self._world.store.add(doc)
        heapq.heappush(self._heap, (due, number, doc["id"]))

    def reload(self) -> None:
        """After the store was read from disk."""
        rows = self._world.store.table("_job").rows.values()
        self._heap = [(row["due"], row["created"], row["id"]) for row in rows]
        heapq.heapify(self._heap)

    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def run_due(self) -> None:
        """Runs all that is due, each at its own moment. Jobs may add jobs."""
        if self._running or not self._heap or self._heap[0][0] > self._world.clock.now():
            return
        self._running = True
        try:
            self._drain(self._world.clock.now())
        finally:
            self._running = False

    def _drain(self, until: float) -> None:
        store = self._world.store
        while self._heap and self._heap[0][0] <= until:
            due, _, row_id = heapq.heappop(self._heap)
            doc = store.get("_job", row_id)
            assert doc is not None
            store.remove("_job", row_id)
            with self._world.clock.at(due):
                self._run(doc)

    def _run(self, doc: Doc) -> None:
        try:
            _HANDLERS[doc["name"]](self._world, doc["for"])
        except errors.ApiError as error:
            self.failures.append(f"{doc['name']} {doc['for']}: {error}")
