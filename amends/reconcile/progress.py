"""Where a reconciliation is: kept after each page, so that a killed one is taken up again."""

import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from pydantic import TypeAdapter
from tortoise import connections

from amends import clock, facts, quarantine
from amends.gateways.stripe_pages import Span
from amends.models import WorkerState
from amends.reconcile.report import Subject
from amends.reconcile.tally import Tally

KEY = "reconcile"
# A page takes seconds; whoever has not been heard of for this long is dead.
LEASE = timedelta(minutes=2)
# How long the worker waits before it takes up a run that was interrupted.
PAUSE = timedelta(minutes=5)
# An interrupted run is worth going on with on the same day; after that it begins anew.
RESUME = timedelta(hours=20)
_TAKE = """
INSERT INTO worker_state (key, value, at) VALUES ('reconcile', $1::jsonb, $2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at
WHERE worker_state.value->>'holder' = $3 RETURNING key
"""

_LET_GO = """
UPDATE worker_state SET value = jsonb_set(value, '{touched_at}', 'null')
WHERE key = 'reconcile' AND value->>'holder' = $1
"""


class Busy(facts.Fact):
    """Another reconciliation is at work."""


@dataclass
class Progress:
    holder: str
    began_at: datetime
    since: datetime
    until: datetime
    quarantine_id: str = ""
    subject: Subject | None = Subject.REFUNDS
    # The cursor of the next page, and the moment down to which pages were read.
    after: str = ""
    read_to: datetime | None = None
    touched_at: datetime | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def is_over(self) -> bool:
        return self.subject is None

    def is_alive(self, now: datetime) -> bool:
        """Somebody is at work on it right now."""
        return self.touched_at is not None and now - self.touched_at < LEASE

    def can_go_on(self, now: datetime, quarantine_id: str) -> bool:
        """A run that began before the quarantine does not count for it."""
        fresh = now - self.began_at < RESUME
        return not self.is_over and fresh and self.quarantine_id == quarantine_id

    def turn(self, oldest: datetime | None, more: str) -> Span:
        """The span that a page covers completely, and on to the next page."""
        upper = self.read_to or self.until
        lower = oldest if more and oldest else self.since
        self.read_to, self.after = lower, more
        return Span(lower, upper)

    def next_subject(self) -> None:
        order = list(Subject)
        assert self.subject is not None
        place = order.index(self.subject) + 1
        self.subject = order[place] if place < len(order) else None
        self.after, self.read_to = "", None


async def last() -> Progress | None:
    row = await WorkerState.get_or_none(key=KEY)
    return _adapter().validate_python(row.value) if row else None


async def is_recent(now: datetime) -> bool:
    """Something was written a moment ago; while Stripe is away it is not asked all the time."""
    return await WorkerState.filter(key=KEY, at__gt=now - PAUSE).exists()


async def claim(since: datetime) -> Progress:
    """Take up the interrupted run, or begin one. Raises Busy while somebody else is at work."""
    now, held = clock.now(), await quarantine.standing()
    known = await last()
    if known is not None and known.is_alive(now) and not known.is_over:
        raise Busy("Another reconciliation is running. Wait until it is over.")
    before = known.holder if known else ""
    mine = Progress(str(uuid.uuid4()), now, since, now, held.id if held.is_on else "")
    if known is not None and known.can_go_on(now, mine.quarantine_id):
        known.holder, mine = mine.holder, known
    mine.touched_at = now
    await _take(mine, before)
    return mine


async def save(progress: Progress) -> None:
    """Raises Busy when another one took over: this one slept too long."""
    progress.touched_at = clock.now()
    await _take(progress, progress.holder)


async def let_go(progress: Progress) -> None:
    """Stop without an end: whoever comes next goes on at once, from the last page kept."""
    await connections.get("default").execute_query(_LET_GO, [progress.holder])


async def _take(progress: Progress, before: str) -> None:
    value = json.dumps(_adapter().dump_python(progress, mode="json"))
    rows = await connections.get("default").execute_query_dict(_TAKE, [value, clock.now(), before])
    if not rows:
        raise Busy("Another reconciliation took over.")


@cache
def _adapter() -> TypeAdapter[Progress]:
    return TypeAdapter(Progress)
