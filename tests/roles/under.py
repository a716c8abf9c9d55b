"""Runs a door's requests under its database role, on the connection of the test's transaction."""

from contextlib import suppress

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from tortoise import connections
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.exceptions import BaseORMException

from amends.rights import Process


class UnderRole:
    """Outermost: what a request does is done with the rights of its process and no more."""

    def __init__(self, app: ASGIApp, process: Process) -> None:
        self.app, self.process = app, process

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connections.get("default")
        if scope["type"] != "http" or not isinstance(connection, TransactionalDBClient):
            # A pool has many connections; the demo shows those under their own user.
            await self.app(scope, receive, send)
            return
        await connection.execute_script(f"SET LOCAL ROLE {self.process.role}")
        try:
            await self.app(scope, receive, send)
        finally:
            # A transaction that failed is over, and its role with it.
            with suppress(BaseORMException):
                await connection.execute_script("RESET ROLE")


def under(app: Starlette, process: Process) -> Starlette:
    """The same door, under its role wherever a test runs in one transaction."""
    app.add_middleware(UnderRole, process=process)
    return app
