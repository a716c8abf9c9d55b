"""What changes behind pgbouncer; bench/scale.py runs the processes through a real one."""

import asyncio

import pytest
from tortoise import Tortoise, connections
from tortoise.transactions import in_transaction

from amends import database, migrate, pooler, worker

_POOLED = "postgresql://amends@db.example/amends?sslmode=require&pgbouncer=1"


def test_libpq_never_sees_the_name_that_it_would_refuse() -> None:
    assert pooler.libpq(_POOLED) == "postgresql://amends@db.example/amends?sslmode=require"
    socket = "postgresql://postgres@/amends?host=/tmp/amends/run"
    assert pooler.libpq(socket) == socket


def test_nothing_is_prepared_for_later_behind_a_pooler() -> None:
    credentials = database.config(_POOLED)["connections"]["default"]["credentials"]
    assert credentials["statement_cache_size"] == 0
    assert credentials["connection_class"] is pooler.Pooled
    straight = database.config(_POOLED.replace("pgbouncer=1", "pgbouncer=0"))
    assert straight["connections"]["default"]["credentials"]["statement_cache_size"] == 100


async def test_migrations_refuse_the_pooler() -> None:
    with pytest.raises(ValueError, match="leave pgbouncer out"):
        await migrate.run(_POOLED)


async def test_every_statement_stands_in_a_transaction_behind_a_pooler(
    fresh_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Tortoise.close_connections()
    await Tortoise.init(
        config=database.config(f"{fresh_db}&pgbouncer=1", 1), _enable_global_fallback=True
    )
    begun = []
    begin = pooler.Pooled.transaction
    monkeypatch.setattr(
        pooler.Pooled, "transaction", lambda self: begun.append("one") or begin(self)
    )
    connection, sql = connections.get("default"), "SELECT $1::int AS given"
    found = await asyncio.gather(*[connection.execute_query_dict(sql, [each]) for each in range(5)])
    assert [rows[0]["given"] for rows in found] == [0, 1, 2, 3, 4]
    assert len(begun) == 5
    async with in_transaction() as transaction:
        for each in range(3):
            await transaction.execute_query_dict(sql, [each])
    assert len(begun) == 6


def test_the_workers_own_queue_prepares_nothing_either() -> None:
    assert worker.connector(_POOLED)._pool_args["kwargs"]["prepare_threshold"] is None
