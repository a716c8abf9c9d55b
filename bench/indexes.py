"""Takes indexes away while rows are copied, and builds them again by the catalogue's own words.

A row costs an index far more than its place in a sorted whole. What a foreign key leans on stays,
and so do the small indexes whose condition lists words: PostgreSQL words such a list differently
when it reads its own definition again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

_CONSTRAINTS = """
SELECT t.relname, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c
JOIN pg_class t ON t.oid = c.conrelid
WHERE t.relname = ANY(%s) AND t.relnamespace = 'public'::regnamespace
  AND c.contype IN ('p', 'u', 'x') AND NOT EXISTS (
    SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid)
ORDER BY c.oid"""
_INDEXES = """
SELECT t.relname, i.relname, pg_get_indexdef(x.indexrelid) FROM pg_index x
JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
WHERE t.relname = ANY(%s) AND t.relnamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid)
  AND pg_get_indexdef(x.indexrelid) NOT LIKE '%%::text[]%%'
ORDER BY x.indexrelid"""


@dataclass(frozen=True)
class Away:
    """An index or a unique constraint of a table, how it goes and how it comes back."""

    table: str
    drop: str
    build: str


def of(connection: psycopg.Connection, tables: Sequence[str]) -> list[Away]:
    """Those that no foreign key needs, oldest first."""
    constraints = connection.execute(_CONSTRAINTS, ([*tables],)).fetchall()
    indexes = connection.execute(_INDEXES, ([*tables],)).fetchall()
    return [
        *(Away(table, f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"',
               f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" {definition}')
          for table, name, definition in constraints),
        *(Away(table, f'DROP INDEX "{name}"', definition) for table, name, definition in indexes),
    ]  # fmt: skip
