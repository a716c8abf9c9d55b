"""Fills a database with a realistic mix of cases, made inside PostgreSQL."""

from dataclasses import dataclass
from pathlib import Path

import psycopg

_SQL = Path(__file__).with_name("fill.sql")


@dataclass(frozen=True)
class Filled:
    cases: int
    open_ref: str
    closed_ref: str
    account_id: int


def fill(url: str, cases: int) -> Filled:
    """`cases` cases for one account per twenty of them."""
    with psycopg.connect(url, autocommit=True) as connection:
        sizes = {"cases": cases, "accounts": max(1, cases // 20)}
        for step in _SQL.read_text().split(";\n"):
            connection.execute(step.encode(), sizes)
        connection.execute("ANALYZE")
        row = connection.execute("SELECT min(id) FROM account WHERE tenant_id LIKE 'bench-%'")
        found = row.fetchone()
        assert found is not None
        return Filled(cases, "BN-50", "BN-51", int(found[0]))
