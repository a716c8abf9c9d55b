"""Brings the database to this version: our tables, hand-written guards, the job queue's schema."""

import psycopg
from procrastinate.schema import SchemaManager
from tortoise import Tortoise
from tortoise.migrations import api

from amends import database, pooler, roles

# One migration at a time on one database; any number will do as long as nobody else uses it.
_LOCK = 7_040_411


async def run(database_url: str) -> str:
    """Apply everything that is missing. Safe to run again and from several machines at once.

    Returns what an administrator of the server has to do before the processes are kept apart.
    """
    if pooler.is_meant(database_url):
        raise ValueError("Migrations hold a lock on one connection: leave pgbouncer out here.")
    with psycopg.connect(database_url, autocommit=True) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        _queue_schema(guard)
        await api.migrate(config=database.config(database_url, 2))
        await Tortoise.close_connections()
        return roles.apply(guard).todo


def _queue_schema(connection: psycopg.Connection) -> None:
    found = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
    if found is None or found[0] is None:
        connection.execute(SchemaManager.get_schema().encode())
