"""Fills a migrated, empty database with N cases: `python -m bench.fill URL N`.

A few cases are made by the real flow (bench.prototypes), then copied inside PostgreSQL. What must
be unique gets the copy's number; hashes of the history are of the right shape, not of its words.
Needs a superuser: triggers and foreign keys rest while the copies are written.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from tortoise import Tortoise

from amends import database
from bench import copies, prototypes, words

OPEN_EVERY = 50  # 2 of 100 cases are open
CASES_AN_ACCOUNT = 20


@dataclass(frozen=True)
class Filled:
    """What a measurement asks for: names of rows that are there."""

    cases: int
    open_ref: str
    waiting_ref: str
    closed_ref: str
    account_id: int
    stripe_id: str
    seconds: float


async def fill(url: str, cases: int) -> Filled:
    """`cases` cases, one account for twenty of them; the whole took `seconds`."""
    began = time.monotonic()
    await Tortoise.init(config=database.config(url, 4), _enable_global_fallback=True)
    try:
        made = await prototypes.make()
    finally:
        await Tortoise.close_connections()
    with psycopg.connect(url, autocommit=True) as connection:
        _multiply(connection, made, cases)
        return _filled(connection, cases, time.monotonic() - began)


def _multiply(connection: psycopg.Connection, made: prototypes.Prototypes, cases: int) -> None:
    for setting in ("session_replication_role = replica", "maintenance_work_mem = '512MB'",
                    "work_mem = '256MB'"):  # fmt: skip
        connection.execute(f"SET {setting}".encode())
    _stage(connection, made, cases)
    with _without_indexes(connection):
        for statement in copies.statements(connection):
            connection.execute(statement.encode())
    for statement in copies.sequences(connection):
        connection.execute(statement.encode())
    connection.execute("VACUUM ANALYZE")


def _stage(connection: psycopg.Connection, made: prototypes.Prototypes, cases: int) -> None:
    """Which prototype each copy has, and the sentences of its messages."""
    connection.execute("CREATE TEMP TABLE sentence (n int PRIMARY KEY, body text)")
    with connection.cursor().copy("COPY sentence FROM STDIN") as rows:
        for number, body in enumerate(words.sentences()):
            rows.write_row((number, body))
    connection.execute(
        "CREATE TEMP TABLE bench_copy AS SELECT k, CASE WHEN k %% %(every)s = 0 "
        "THEN (%(open)s::bigint[])[1 + (k / %(every)s) %% cardinality(%(open)s::bigint[])] "
        "ELSE (%(closed)s::bigint[])[1 + k %% cardinality(%(closed)s::bigint[])] END AS case_id, "
        "now() - (%(cases)s - k) * (interval '700 days' / %(cases)s) AS at, "
        "1 + k %% greatest(1, %(cases)s / %(per)s) AS account "
        "FROM generate_series(1, %(cases)s::bigint) k",
        {"every": OPEN_EVERY, "open": list(made.open), "closed": list(made.closed),
         "cases": cases, "per": CASES_AN_ACCOUNT},
    )  # fmt: skip
    connection.execute("ANALYZE bench_copy")


@contextmanager
def _without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Indexes that guard nothing are built at the end, when that is faster."""
    found = connection.execute(
        "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' "
        "AND i.tablename = ANY(%s) AND i.indexdef NOT LIKE 'CREATE UNIQUE%%'",
        ([*copies.TABLES, "message", "order_", "account"],),
    ).fetchall()
    for name, _ in found:
        connection.execute(f'DROP INDEX "{name}"'.encode())
    yield
    for _, definition in found:
        connection.execute(definition.encode())


def _filled(connection: psycopg.Connection, cases: int, seconds: float) -> Filled:
    def one(statement: str) -> str:
        row = connection.execute(statement.encode()).fetchone()
        assert row is not None, statement
        return str(row[0])

    newest = (
        "SELECT ref FROM case_ WHERE ref LIKE 'BN-%%' AND status = '{}' ORDER BY id DESC LIMIT 1"
    )
    return Filled(
        cases,
        one(newest.format("triage")),
        one(newest.format("proposed")),
        one(newest.format("resolved")),
        int(one("SELECT account_id FROM case_ WHERE ref LIKE 'BN-%' ORDER BY id DESC LIMIT 1")),
        one("SELECT stripe_id FROM leg WHERE stripe_id LIKE 're_b%' ORDER BY id DESC LIMIT 1"),
        round(seconds, 1),
    )


if __name__ == "__main__":
    print(asyncio.run(fill(sys.argv[1], int(sys.argv[2]))))
