"""Fills a migrated, empty database with N cases: `python -m bench.fill URL N`.

A few cases are made by the real flow (bench.prototypes), then copied inside PostgreSQL. What must
be unique gets the copy's number; hashes of the history are of the right shape, not of its words.
Needs a superuser: triggers, foreign keys and most indexes rest while the copies are written.
"""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from tortoise import Tortoise

from amends import database
from bench import copies, indexes, prototypes, words

OPEN_EVERY = 50  # 2 of 100 cases are open
CASES_AN_ACCOUNT = 20
AT_ONCE = 2  # tables; a core each
_SETTINGS = (
    "search_path = public, bench", "session_replication_role = replica", "work_mem = '128MB'",
    "maintenance_work_mem = '512MB'", "synchronous_commit = off",
)  # fmt: skip


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
    _multiply(url, made, cases)
    with _connection(url) as connection:
        return _filled(connection, cases, time.monotonic() - began)


def _multiply(url: str, made: prototypes.Prototypes, cases: int) -> None:
    """Indexes rest meanwhile; two tables at a time are copied and indexed, the largest first."""
    with _connection(url) as connection:
        _stage(connection, made, cases)
        for statement in copies.parents():
            connection.execute(statement.encode())
        away = indexes.of(connection, copies.TABLES_FILLED)
        for each in away:
            connection.execute(each.drop.encode())
        tables = dict(copies.statements(connection))
    builds = {t: [each.build for each in away if each.table == t] for t in copies.TABLES_FILLED}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        jobs = [pool.submit(_table, url, t, tables.get(t), builds[t]) for t in copies.TABLES_FILLED]
        for job in jobs:
            job.result()
    with _connection(url) as connection:
        for statement in copies.sequences(connection):
            connection.execute(statement.encode())
        connection.execute("DROP SCHEMA bench CASCADE")
        connection.execute(_vacuum(copies.others(connection)))


def _table(url: str, table: str, copy: str | None, builds: Sequence[str]) -> None:
    with _connection(url) as connection:
        for statement in (*([copy] if copy else ()), *builds):
            connection.execute(statement.encode())
        connection.execute(_vacuum([table]))


def _vacuum(tables: Sequence[str]) -> bytes:
    return f"VACUUM (ANALYZE) {', '.join(tables)}".encode()


@contextmanager
def _connection(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}".encode())
        yield connection


def _stage(connection: psycopg.Connection, made: prototypes.Prototypes, cases: int) -> None:
    """Which prototype each copy has, and the sentences of its messages."""
    connection.execute("CREATE SCHEMA bench")
    connection.execute("CREATE UNLOGGED TABLE bench.sentence (n int PRIMARY KEY, body text)")
    with connection.cursor().copy("COPY sentence FROM STDIN") as rows:
        for number, body in enumerate(words.sentences()):
            rows.write_row((number, body))
    connection.execute(
        "CREATE UNLOGGED TABLE bench.bench_copy AS SELECT k, CASE WHEN k %% %(every)s = 0 "
        "THEN (%(open)s::bigint[])[1 + (k / %(every)s) %% cardinality(%(open)s::bigint[])] "
        "ELSE (%(closed)s::bigint[])[1 + k %% cardinality(%(closed)s::bigint[])] END AS case_id, "
        "now() - (%(cases)s - k) * (interval '700 days' / %(cases)s) AS at, "
        "1 + k %% greatest(1, %(cases)s / %(per)s) AS account "
        "FROM generate_series(1, %(cases)s::bigint) k",
        {"every": OPEN_EVERY, "open": list(made.open), "closed": list(made.closed),
         "cases": cases, "per": CASES_AN_ACCOUNT},
    )  # fmt: skip
    connection.execute("ANALYZE bench_copy, sentence")


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
