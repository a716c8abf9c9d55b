"""Runs a door's requests, the worker and the inbox under their database roles in tests."""

import functools
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from tortoise import connections
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.exceptions import BaseORMException

from amends.rights import Process


@asynccontextmanager
async def role(process: Process) -> AsyncIterator[None]:
    """Act with the rights of a process for a while, where a test runs in one transaction."""
    connection = connections.get("default")
    if not isinstance(connection, TransactionalDBClient):
        # A pool has many connections; the demo shows those under their own user.
        yield
        return
    await connection.execute_script(f"SET LOCAL ROLE {process.role}")
    try:
        yield
    finally:
        # A transaction that failed is over, and its role with it.
        with suppress(BaseORMException):
            await connection.execute_script("RESET ROLE")


WORKER = (
    "amends.flow.advance.advance",
    "amends.flow.advance.work_on",
    "amends.flow.stripe_events.look",
    "amends.flow.stripe_events.catch_up",
    "amends.flow.sweep.sweep",
    "amends.post.send",
    "amends.papers.make",
    "amends.sign_in.mail_code",
    "amends.quarantine.check",
    "amends.quarantine.watch",
    "amends.reconcile.run",
)
INBOX = ("amends.flow.correspondence.take",)


def acting(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the worker and the inbox are asked to do, they do with their own rights."""
    for names, process in ((WORKER, Process.WORKER), (INBOX, Process.INBOX)):
        for name in names:
            module, _, function = name.rpartition(".")
            plain = getattr(importlib.import_module(module), function)
            monkeypatch.setattr(name, _under(plain, process))


def _under(act: Callable[..., Awaitable[Any]], process: Process) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(act)
    async def acts(*args: Any, **names: Any) -> Any:
        async with role(process):
            return await act(*args, **names)

    return acts


class UnderRole:
    """Outermost: what a request does is done with the rights of its process and no more."""

    def __init__(self, app: ASGIApp, process: Process) -> None:
        self.app, self.process = app, process

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        async with role(self.process):
            await self.app(scope, receive, send)


def under(app: Starlette, process: Process) -> Starlette:
    """The same door, under its role wherever a test runs in one transaction."""
    app.add_middleware(UnderRole, process=process)
    return app
