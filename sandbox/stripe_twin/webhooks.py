"""Webhooks: endpoints, signed deliveries, and everything that can go wrong on the way."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import stripe

from sandbox.stripe_twin.clock import DAY, HOUR, MINUTE
from sandbox.stripe_twin.documents import Doc

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# Waits between tries; their sum is just under Stripe's three days.
RETRY_AFTER_S = (
    MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 12 * HOUR, 12 * HOUR, 12 * HOUR,
    12 * HOUR,
)  # fmt: skip
GIVE_UP_S = 3 * DAY


class Mode(StrEnum):
    """Who delivers."""

    MANUAL = "manual"  # the test takes them with take_deliveries()
    INSIDE = "inside"  # delivered to a callback before the API answers
    SERVER = "server"  # deliver.run() posts them


@dataclass(frozen=True)
class Delivery:
    """One signed message to one endpoint."""

    url: str
    body: bytes
    headers: dict[str, str]
    event_id: str = ""
    event_type: str = ""
    endpoint_id: str = ""
    attempt: int = 1
    first_try: float = 0.0


@dataclass(frozen=True)
class Pending:
    """A delivery that waits for its time; signed only when it leaves."""

    due: float
    number: int
    endpoint_id: str
    event_id: str
    attempt: int
    first_try: float


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery."""

    delivery: Delivery
    at: float
    ok: bool


@dataclass
class Weather:
    """What is armed to go wrong with coming deliveries."""

    held: bool = False
    drop: int = 0
    duplicate: int = 0
    bad_signature: int = 0
    delay_s: float = 0.0
    reverse: bool = False
    waiting: list[Pending] = field(default_factory=list)


def _not_before_now(twin_now: float) -> float:
    """Signatures are judged by real clocks, so one is never older than the real present."""
    return max(twin_now, time.time())


class Webhooks:
    """The queue of deliveries. Endpoints are rows in the store, so they survive a restart."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._queue: list[Pending] = []
        self._count = 0
        self.weather = Weather()
        self.outcomes: list[Outcome] = []
        self.sign_at: Callable[[float], float] = _not_before_now

    # Endpoints

    def add_endpoint(self, url: str, secret: str, events: list[str]) -> Doc:
        """One endpoint per address: adding it again replaces secret and events."""
        doc = self._at(url)
        doc["enabled_events"] = list(events)
        self._world.store.put(doc)
        self._world.store.put(
            {"object": "_secret", "id": doc["id"], "created": doc["created"], "text": secret}
        )
        return doc

    def _at(self, url: str) -> Doc:
        for row in self._world.store.table("webhook_endpoint").rows.values():
            if row["url"] == url:
                return row
        return {
            "id": self._world.ids.new("we_"),
            "object": "webhook_endpoint",
            "api_version": stripe.api_version,
            "application": None,
            "created": self._world.clock.second(),
            "description": None,
            "enabled_events": [],
            "livemode": False,
            "metadata": {},
            "status": "enabled",
            "url": url,
        }

    def _listening(self, kind: str) -> list[str]:
        rows = self._world.store.table("webhook_endpoint").rows.values()
        return [
            row["id"]
            for row in rows
            if row["status"] == "enabled"
            and any(fnmatchcase(kind, wanted) for wanted in row["enabled_events"])
        ]

    # Sending

    def announce(self, event: Doc) -> None:
        """Queues an event for every endpoint that wants it."""
        endpoints = self._listening(event["type"])
        event["pending_webhooks"] = len(endpoints)
        for endpoint_id in endpoints:
            for _ in range(self._copies()):
                self._queue_one(endpoint_id, event["id"])

    def _copies(self) -> int:
        if self.weather.drop > 0:
            self.weather.drop -= 1
            return 0
        if self.weather.duplicate > 0:
            self.weather.duplicate -= 1
            return 2
        return 1

    def _queue_one(self, endpoint_id: str, event_id: str) -> None:
        self._count += 1
        now = self._world.clock.now()
        due = now + self.weather.delay_s
        waiting = Pending(due, self._count, endpoint_id, event_id, 1, now)
        (self.weather.waiting if self.weather.held else self._queue).append(waiting)

    def take(self) -> list[Delivery]:
        """Signed deliveries whose time has come, in order; they leave the queue."""
        now = self._world.clock.now()
        due = [pending for pending in self._queue if pending.due <= now]
        if not due:
            return []
        self._queue = [pending for pending in self._queue if pending.due > now]
        due.sort(key=lambda pending: (pending.due, pending.number))
        if self.weather.reverse:
            due.reverse()
        return [delivery for pending in due if (delivery := self._sign(pending))]

    def _sign(self, pending: Pending) -> Delivery | None:
        store = self._world.store
        event = store.get("event", pending.event_id)
        endpoint = store.get("webhook_endpoint", pending.endpoint_id)
        secret = store.get("_secret", pending.endpoint_id)
        if event is None or endpoint is None or secret is None:
            return None
        text = secret["text"]
        if self.weather.bad_signature > 0:
            self.weather.bad_signature -= 1
            text = "whsec_forged"
        body = json.dumps(event, indent=2)
        stamp = int(self.sign_at(self._world.clock.now()))
        signature = stripe.WebhookSignature.generate_signature_header(body, text, stamp)
        headers = {
            "content-type": "application/json; charset=utf-8",
            "stripe-signature": signature,
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        return Delivery(
            endpoint["url"],
            body.encode(),
            headers,
            event["id"],
            event["type"],
            pending.endpoint_id,
            pending.attempt,
            pending.first_try,
        )

    # Outcomes

    def delivered(self, delivery: Delivery) -> None:
        """The endpoint answered 2xx."""
        self.outcomes.append(Outcome(delivery, self._world.clock.now(), True))
        event = self._world.store.get("event", delivery.event_id)
        if event is not None and event["pending_webhooks"] > 0:
            event["pending_webhooks"] -= 1
            self._world.store.touch(event)

    def failed(self, delivery: Delivery) -> None:
        """The endpoint did not answer 2xx: once more later, for three days."""
        now = self._world.clock.now()
        self.outcomes.append(Outcome(delivery, now, False))
        wait = RETRY_AFTER_S[min(delivery.attempt, len(RETRY_AFTER_S)) - 1]
        if now + wait - delivery.first_try > GIVE_UP_S:
            return
        self._count += 1
        self._queue.append(
            Pending(
                now + wait,
                self._count,
                delivery.endpoint_id,
                delivery.event_id,
                delivery.attempt + 1,
                delivery.first_try,
            )
        )

    def waiting(self) -> int:
        """How many deliveries are queued or held."""
        return len(self._queue) + len(self.weather.waiting)

    def next_due(self) -> float | None:
        return min((pending.due for pending in self._queue), default=None)

    # Weather

    def hold(self) -> None:
        """From now on nothing leaves until flush()."""
        self.weather.held = True

    def flush(self) -> None:
        """Lets everything held go, in reverse order if reverse() was said."""
        waiting, self.weather.waiting = self.weather.waiting, []
        if self.weather.reverse:
            waiting.reverse()
            self.weather.reverse = False
            first = min((pending.due for pending in waiting), default=0.0)
            waiting = [replace(pending, due=first) for pending in waiting]
        self.weather.held = False
        for pending in waiting:
            self._count += 1
            self._queue.append(replace(pending, number=self._count))

    def drop(self, count: int = 1) -> None:
        """The next deliveries are lost for good."""
        self.weather.drop += count

    def duplicate(self, count: int = 1) -> None:
        """The next deliveries are sent twice."""
        self.weather.duplicate += count

    def reverse(self) -> None:
        """The next batch leaves newest first."""
        self.weather.reverse = True

    def delay(self, seconds: float) -> None:
        """Deliveries from now on leave that much later; 0 ends it."""
        self.weather.delay_s = seconds

    def bad_signature(self, count: int = 1) -> None:
        """The next deliveries are signed with a wrong secret."""
        self.weather.bad_signature += count

    def resend(self, event_id: str) -> None:
        """Sends an event again, as the Dashboard's button does."""
        event = self._world.store.get("event", event_id)
        if event is not None:
            for endpoint_id in self._listening(event["type"]):
                self._queue_one(endpoint_id, event_id)
