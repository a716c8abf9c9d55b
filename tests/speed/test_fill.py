"""A filled database is the migrated one with more rows: nothing that guards is lost or differs."""

import psycopg
import pytest
from tortoise import Tortoise

from bench import copies, fill

CASES = 200
_CATALOGUE = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) || ' ' "
    "|| convalidated FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "SELECT tgenabled::text || ' ' || pg_get_triggerdef(oid) FROM pg_trigger "
    "WHERE NOT tgisinternal",
    "SELECT n.nspname FROM pg_namespace n WHERE nspname NOT LIKE 'pg\\_%'",
    "SELECT relname || ' ' || relpersistence::text FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
)
_KEYS = """
SELECT t.relname, a.attname, u.relname, b.attname FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class u ON u.oid = c.confrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
JOIN pg_attribute b ON b.attrelid = u.oid AND b.attnum = c.confkey[1]
WHERE c.contype = 'f' AND t.relname = ANY(%s) AND cardinality(c.conkey) = 1"""


def _catalogue(connection: psycopg.Connection) -> list[set[str]]:
    return [{row[0] for row in connection.execute(query).fetchall()} for query in _CATALOGUE]


def _orphans(connection: psycopg.Connection) -> dict[str, int]:
    """Rows that refer to nothing: the copies are written while foreign keys rest."""
    found = {}
    for table, column, other, key in connection.execute(_KEYS, ([*copies.TABLES_FILLED],)):
        row = connection.execute(
            f'SELECT count(*) FROM "{table}" t WHERE t."{column}" IS NOT NULL AND NOT EXISTS '
            f'(SELECT FROM "{other}" o WHERE o."{key}" = t."{column}")'
        ).fetchone()
        found[f"{table}.{column}"] = row[0] if row else -1
    return found


@pytest.fixture
async def url(fresh_db: str) -> str:
    await Tortoise.close_connections()
    return fresh_db


async def test_filling_leaves_every_index_constraint_and_trigger_as_migrating_made_it(
    url: str,
) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        before = _catalogue(connection)
        await fill.fill(url, CASES)
        for made, migrated in zip(_catalogue(connection), before, strict=True):
            assert made == migrated
        orphans = _orphans(connection)
        assert len(orphans) > 10
        assert {name for name, number in orphans.items() if number} == set()
        for table in copies.TABLES_FILLED:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert row is not None
            assert row[0] >= (CASES // 100 if table != "account" else 1), table
