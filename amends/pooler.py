"""pgbouncer in transaction mode, told by `pgbouncer=1` in AMENDS_DATABASE_URL.

Behind it each transaction may meet another server connection: no statement is prepared for later,
every statement stands in a transaction, and new jobs are asked for instead of announced.
"""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

# Names in the address that are ours; libpq would refuse them.
_OWN = ("pgbouncer", "statement_cache_size")


def is_meant(database_url: str) -> bool:
    return dict(parse_qsl(urlsplit(database_url).query)).get("pgbouncer", "0") != "0"


def libpq(database_url: str) -> str:
    """The address as libpq (psycopg) takes it."""
    parts = urlsplit(database_url)
    kept = [pair for pair in parse_qsl(parts.query) if pair[0] not in _OWN]
    return urlunsplit(parts._replace(query=urlencode(kept, safe="/", quote_via=quote)))


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """A connection to which nothing sticks: settings and locks end with their transaction.

    So it goes back to the pool without the round trip that would reset it; an open transaction
    is rolled back all the same.
    """

    def get_reset_query(self) -> str:
        return ""


class Pooled(Connection):
    """Asking for a statement's types and running it are two messages: a transaction keeps them
    on one server connection."""

    async def execute(self, query: str, *args: Any, **kwargs: Any) -> str:
        # Without values it is one message, and the transaction's own BEGIN is one of these.
        if not args or self.is_in_transaction():
            return str(await super().execute(query, *args, **kwargs))
        async with self.transaction():
            return str(await super().execute(query, *args, **kwargs))

    async def fetch(self, query: str, *args: Any, **kwargs: Any) -> list[Any]:
        if self.is_in_transaction():
            return list(await super().fetch(query, *args, **kwargs))
        async with self.transaction():
            return list(await super().fetch(query, *args, **kwargs))

    async def fetchrow(self, query: str, *args: Any, **kwargs: Any) -> Any:
        if self.is_in_transaction():
            return await super().fetchrow(query, *args, **kwargs)
        async with self.transaction():
            return await super().fetchrow(query, *args, **kwargs)
