"""The whole state of one pretend Stripe account, and the verbs tests and the demo use on it."""

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from sandbox.stripe_twin import api, ids, ledger
from sandbox.stripe_twin.balance import Balance
from sandbox.stripe_twin.builders import Builders
from sandbox.stripe_twin.calls import Answer, Call, Request
from sandbox.stripe_twin.clock import DAY, HOUR, MINUTE, TwinClock
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.faults import Faults
from sandbox.stripe_twin.idempotency import Idempotency
from sandbox.stripe_twin.jobs import Jobs
from sandbox.stripe_twin.journal import Journal
from sandbox.stripe_twin.ledger import LedgerRow
from sandbox.stripe_twin.limits import Limits
from sandbox.stripe_twin.mishaps import Mishaps
from sandbox.stripe_twin.store import Store
from sandbox.stripe_twin.webhooks import Delivery, Mode, Outcome, Webhooks

DeliverInside = Callable[[Delivery], Awaitable[None]]

_META = "_meta"


@dataclass
class Delays:
    """How long things take that the outside world decides, in twin seconds."""

    pending_refund_s: float = DAY
    refund_failure_s: float = 3 * DAY
    dispute_s: float = MINUTE
    verdict_s: float = HOUR
    search_s: float = MINUTE


class World(Builders, Mishaps):
    """One account. Everything is in memory; with a state file it is also on disk."""

    def __init__(
        self,
        *,
        seed: int = 1,
        now: Callable[[], float] = time.time,
        state_file: Path | None = None,
        public_url: str = "http://twin.test",
    ) -> None:
        self.seed = seed
        self.public_url = public_url.rstrip("/")
        self.clock = TwinClock(now)
        self.ids = ids.Ids(seed)
        self.store = Store()
        self.jobs = Jobs(self)
        self.faults = Faults()
        self.limits = Limits(self)
        self.webhooks = Webhooks(self)
        self.idempotency = Idempotency(self)
        self.balance = Balance(self)
        self.delays = Delays()
        self.latency_s = 0.0
        self.sleep: Callable[[float], Awaitable[None]] = anyio.sleep
        self.drift: list[str] = []
        self.drift_every = 1
        self.answers = 0
        self.webhook_mode: Mode | str = Mode.MANUAL
        self.webhook_callback: DeliverInside | None = None
        self.request_id: str | None = None
        self.idempotency_key: str | None = None
        self._counts: dict[str, int] = {}
        self._journal = Journal(state_file, self.store) if state_file else None
        if self._journal:
            self._load(self._journal)

    # Calls

    async def handle(self, call: Call) -> Answer:
        """One API call. Raises faults.Hangup or faults.Silence when no answer arrives."""
        return await api.handle(self, call)

    @contextmanager
    def serving(self, request: Request) -> Iterator[None]:
        """Events made inside name this request."""
        self.request_id, self.idempotency_key = request.request_id, request.idempotency_key
        try:
            yield
        finally:
            self.request_id = self.idempotency_key = None

    def secret_of(self, intent_id: str) -> str:
        return f"{intent_id}_secret_{ids.digest(f'{self.seed}:{intent_id}', 25)}"

    def count(self, name: str) -> int:
        """The next number of a sequence: 1, 2, 3, …"""
        self._counts[name] = self._counts.get(name, 0) + 1
        return self._counts[name]

    # Time

    def now(self) -> float:
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Moves twin time forward; everything due on the way happens in order."""
        self.clock.offset += seconds
        self._remember()
        self._remember()
        self.run_due()

    def run_due(self) -> None:
        """For callers whose own clock moved: runs what is due by now."""
        self.jobs.run_due()
        self.save()

    # Webhooks

    def add_endpoint(self, url: str, secret: str, events: Sequence[str] = ("*",)) -> Doc:
        """Registers (or replaces, same url) an endpoint."""
        doc = self.webhooks.add_endpoint(url, secret, list(events))
        self.save()
        return doc

    def take_deliveries(self) -> list[Delivery]:
        """Manual mode: the signed deliveries that are due, in order."""
        self.jobs.run_due()
        return self.webhooks.take()

    async def deliver_inside(self) -> None:
        """Inside mode: hands everything due to the callback."""
        for delivery in self.webhooks.take():
            if self.webhook_callback is not None:
                await self.webhook_callback(delivery)
                self.webhooks.delivered(delivery)

    @property
    def events(self) -> list[Doc]:
        """All events, oldest first."""
        return list(self.store.table("event").oldest_first())

    @property
    def deliveries(self) -> list[Outcome]:
        """What became of deliveries that were reported delivered or failed."""
        return self.webhooks.outcomes

    # Money

    def ledger(self) -> list[LedgerRow]:
        """Every money movement in order."""
        return ledger.rows(self)

    # Disk

    def save(self) -> None:
        """Writes what changed; does nothing without a state file."""
        if self._journal and self.store.changed:
            self._remember()
            self._journal.save()

    def _remember(self) -> None:
        """What is in no table: counters, and how far the clock was moved."""
        meta: Doc = {
            "object": _META, "id": "meta", "created": 0, "ids": self.ids.counts,
            "counts": self._counts, "offset": self.clock.offset,
        }  # fmt: skip
        self.store.put(meta)

    def _load(self, journal: Journal) -> None:
        journal.load()
        meta = self.store.get(_META, "meta")
        if meta:
            self.ids.counts = dict(meta["ids"])
            self._counts = dict(meta["counts"])
            self.clock.offset = meta["offset"]
        self.jobs.reload()
        for event in self.events:
            if event["pending_webhooks"]:
                self.webhooks.resend(event["id"])
