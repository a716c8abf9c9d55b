"""One actor runs at a time; the seed decides who, at every point outside a transaction.

Points stand before each statement outside a transaction, before a transaction begins, after it
ended, before Stripe carries a call out and after its answer. Inside a transaction nobody else
runs: PostgreSQL's own isolation is tested with real processes elsewhere. At any point, and before
each statement inside a transaction, an actor can be killed or cancelled (the process is told to
stop). Random ids come from the seed too, so that a seed replays exactly.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import Any

import asyncpg
from stripe import _api_requestor as requestor
from tortoise.backends.asyncpg import client as asyncpg_client
from tortoise.backends.base import client as base_client

from amends import clock, pace

_actor: ContextVar["Actor | None"] = ContextVar("actor", default=None)
# Processes of ours; people do not die, they only come late.
MORTAL = ("worker", "events")


class Killed(BaseException):
    """The process died here: nothing after this line happened."""


@dataclass(eq=False)
class Actor:
    """A process of the simulation."""

    name: str
    task: "asyncio.Task[None]"
    gate: "asyncio.Future[None] | None" = None
    end: BaseException | None = None
    point: str = "start"
    mortal: bool = False


@dataclass
class Turns:
    """The schedule. `between` runs between two turns: faults, time, invariants."""

    random: Random
    kill_chance: float
    between: Callable[[], Awaitable[None]]
    actors: list[Actor] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    steps: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    _reached: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._first(name, work), name=name)
        self.actors.append(Actor(name, task, mortal=name.startswith(MORTAL)))

    async def _first(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        actor = next(each for each in self.actors if each.task is asyncio.current_task())
        _actor.set(actor)
        try:
            await self.point("start")
            await work
        except Killed:
            self.seen["killed"] += 1
            self.trace.append(f"{name} died at {actor.point}")
        except asyncio.CancelledError:
            self.seen["cancelled"] += 1
            self.trace.append(f"{name} was stopped at {actor.point}")
        finally:
            work.close()
            self._reached.set()

    async def point(self, name: str) -> None:
        """Let somebody else run. Outside the simulation this is nothing."""
        actor = _actor.get()
        if actor is None or asyncio.current_task() is not actor.task:
            # Reads that an actor makes side by side are one turn.
            return
        actor.point = name
        actor.gate = asyncio.get_running_loop().create_future()
        self._reached.set()
        await actor.gate
        if actor.end is not None:
            raise actor.end

    def inside(self) -> None:
        """Before a statement inside a transaction: nobody else runs, but this one may end."""
        actor = _actor.get()
        if actor is None or not actor.mortal or asyncio.current_task() is not actor.task:
            return
        if self.random.random() < self.kill_chance:
            actor.point = "inside"
            self.seen["ended inside a transaction"] += 1
            raise self._an_end()

    def _an_end(self) -> BaseException:
        return Killed() if self.random.random() < 0.6 else asyncio.CancelledError()

    async def run(self) -> None:
        """Until every actor has ended. An actor's own error is the simulation's."""
        while self.actors:
            await self._settled()
            self._take_out_ended()
            ready = [each for each in self.actors if each.gate is not None]
            if not ready:
                continue
            await self.between()
            self._release(self.random.choice(ready))

    async def _settled(self) -> None:
        """Wait until nobody runs: all wait at a point or have ended."""
        while any(each.gate is None and not each.task.done() for each in self.actors):
            self._reached.clear()
            if any(each.gate is None and not each.task.done() for each in self.actors):
                await self._reached.wait()

    def _take_out_ended(self) -> None:
        for each in [each for each in self.actors if each.task.done()]:
            self.actors.remove(each)
            error = each.task.exception()
            if error is not None:
                raise error

    def _release(self, actor: Actor) -> None:
        self.steps += 1
        self._count_overlap(actor)
        if actor.mortal and self.random.random() < self.kill_chance:
            actor.end = self._an_end()
            self.seen[f"ended at: {actor.point}"] += 1
        self.trace.append(f"{actor.name} {actor.point}{' ENDS' if actor.end else ''}")
        gate, actor.gate = actor.gate, None
        assert gate is not None
        gate.set_result(None)

    def _count_overlap(self, actor: Actor) -> None:
        """Two workers in the middle of a look at the same case."""
        if actor.name.startswith("worker") and actor.point != "start":
            others = (each for each in self.actors if each is not actor and each.point != "start")
            self.seen["two workers at once"] += any(
                each.name.startswith("worker") for each in others
            )


@contextmanager
def seeded(random: Random) -> Iterator[None]:
    """Ids from the seed, no real-time speed limit, no clock file, no reset between statements."""

    async def at_once(endpoint: str) -> None:
        """The limit counts real seconds; a simulation has none."""

    random_id, wait, reset = uuid.uuid4, pace.wait, asyncpg.Connection.get_reset_query
    offset, logs = clock.offset_seconds, (requestor.log_debug, requestor.log_info)
    uuid.uuid4 = lambda: uuid.UUID(int=random.getrandbits(128), version=4)
    pace.wait = at_once
    clock.offset_seconds = lambda: 0
    # The SDK formats its log lines before it asks whether anybody reads them.
    requestor.log_debug = requestor.log_info = lambda *_, **__: None
    # Nothing here leaves session state behind, so connections need no reset between uses.
    asyncpg.Connection.get_reset_query = lambda self: ""
    try:
        yield
    finally:
        uuid.uuid4, pace.wait, clock.offset_seconds = random_id, wait, offset
        asyncpg.Connection.get_reset_query = reset
        requestor.log_debug, requestor.log_info = logs


@asynccontextmanager
async def installed(turns: Turns, inside: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
    """Put the points into the database layer for as long as the simulation runs."""
    client, transaction = asyncpg_client.AsyncpgDBClient, base_client.TransactionContextPooled
    originals = {
        name: getattr(client, name)
        for name in ("execute_query", "execute_query_dict", "execute_insert")
    }
    enter, leave = transaction.__aenter__, transaction.__aexit__

    def pointed(name: str) -> Callable[..., Awaitable[Any]]:
        async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(self, asyncpg_client.TransactionWrapper):
                await turns.point("statement")
            else:
                inside()
            return await originals[name](self, *args, **kwargs)

        return call

    async def begin(self: Any) -> Any:
        await turns.point("begin")
        return await enter(self)

    async def end(self: Any, *error: Any) -> None:
        await leave(self, *error)
        if error[0] is None:
            await turns.point("committed")

    for name in originals:
        setattr(client, name, pointed(name))
    transaction.__aenter__, transaction.__aexit__ = begin, end  # type: ignore[method-assign]
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(client, name, original)
        transaction.__aenter__, transaction.__aexit__ = enter, leave  # type: ignore[method-assign]
