"""The points of a worker's path: before, during and after each statement, transaction and call.

At the chosen one the worker dies. A statement outside a transaction commits by itself, so it is
either not made or made: the point after it is the one before the next. A transaction has points
before it, inside it after its last statement, and after its commit. A call has points before it
leaves, while it is on the wire (it is lost, or it is carried out when another worker has already
looked), and after its answer.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from tortoise.backends.asyncpg import client as asyncpg_client
from tortoise.backends.base import client as base_client

from sandbox.stripe_twin.calls import Answer, Call
from sandbox.stripe_twin.faults import Hangup, Silence
from sandbox.stripe_twin.transport import TwinClient
from sandbox.stripe_twin.world import World

STATEMENTS = ("execute_query", "execute_query_dict", "execute_insert", "execute_many")
LATE = "on the wire, arrives late"


class Killed(BaseException):
    """The process died here: nothing after this line happened."""


@dataclass
class Points:
    """Counts the points that a worker passes; at the chosen one it dies."""

    kill_at: int = 0
    names: list[str] = field(default_factory=list)
    on: bool = False
    died: bool = False
    # Calls whose sender died while they were on the wire.
    late: list[Call] = field(default_factory=list)
    # (module, line) of every frame of ours that was waiting at some point.
    lines: set[tuple[str, int]] = field(default_factory=set)

    def point(self, name: str) -> None:
        if not self.on or self.died:
            return
        self.note()
        self.names.append(name)
        if len(self.names) == self.kill_at:
            self.died = True
            raise Killed(name)

    def note(self) -> None:
        """Which lines of ours wait for this statement or call."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and self.on:
            module = str(frame.f_globals.get("__name__", ""))
            if module.startswith("amends."):
                self.lines.add((module, frame.f_lineno))
            frame = frame.f_back


class PointedClient(TwinClient):
    """The SDK's client with points around each call."""

    def __init__(self, world: World, points: Points) -> None:
        super().__init__(world)
        self._world = _Pointed(world, points)  # type: ignore[assignment]


@dataclass
class _Pointed:
    """Stands in the world's place for the client."""

    world: World
    points: Points

    async def handle(self, call: Call) -> Answer:
        what = f"{call.method} {call.path.split('/')[2]}"
        self.points.point(f"{what}: about to leave")
        self.points.point(f"{what}: on the wire, lost")
        self._may_arrive_late(what, call)
        try:
            return await self.world.handle(call)
        except (Hangup, Silence):
            self.points.point(f"{what}: no answer")
            raise
        finally:
            self.points.point(f"{what}: answered")

    def _may_arrive_late(self, what: str, call: Call) -> None:
        """Reading changes nothing, so only what moves something can come late."""
        if call.method != "POST":
            return
        try:
            self.points.point(f"{what}: {LATE}")
        except Killed:
            self.points.late.append(call)
            raise


async def arrive(world: World, points: Points) -> None:
    """What was on the wire is carried out; nobody hears the answer."""
    calls, points.late = points.late, []
    for call in calls:
        try:
            await world.handle(call)
        except (Hangup, Silence):
            continue


@asynccontextmanager
async def installed(points: Points) -> AsyncIterator[None]:
    """Put the points into the database layer."""
    client, wrapper = asyncpg_client.AsyncpgDBClient, asyncpg_client.TransactionWrapper
    transaction = base_client.TransactionContextPooled
    originals = {name: getattr(client, name) for name in STATEMENTS}
    enter, leave = transaction.__aenter__, transaction.__aexit__

    def pointed(name: str) -> Any:
        async def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(self, wrapper):
                points.note()
            else:
                points.point("statement")
            return await originals[name](self, *args, **kwargs)

        return call

    async def begin(self: Any) -> Any:
        points.point("transaction: before")
        return await enter(self)

    async def end(self: Any, *error: Any) -> None:
        if error[0] is None:
            try:
                points.point("transaction: inside")
            except Killed as killed:
                await leave(self, Killed, killed, None)
                raise
        await leave(self, *error)
        if error[0] is None:
            points.point("transaction: committed")

    for name in originals:
        setattr(client, name, pointed(name))
    transaction.__aenter__, transaction.__aexit__ = begin, end  # type: ignore[method-assign]
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(client, name, original)
        transaction.__aenter__, transaction.__aexit__ = enter, leave  # type: ignore[method-assign]
