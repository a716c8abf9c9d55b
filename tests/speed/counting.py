"""Counts the statements that a page sends to PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tortoise.backends.asyncpg.client import AsyncpgDBClient


@dataclass(frozen=True)
class Statement:
    """What was asked, with its values."""

    sql: str
    values: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return " ".join(self.sql.split())


_WAYS = ("execute_query", "execute_query_dict", "execute_insert", "execute_many")


@contextmanager
def statements() -> Iterator[list["Statement"]]:
    """The statements sent meanwhile. Taking on a process's role is the tests' own, not counted."""
    seen: list[Statement] = []
    plain = {name: getattr(AsyncpgDBClient, name) for name in _WAYS}
    for name, way in plain.items():
        setattr(AsyncpgDBClient, name, _noted(way, seen))
    try:
        yield seen
    finally:
        for name, way in plain.items():
            setattr(AsyncpgDBClient, name, way)


def _noted(way: Any, seen: list[Statement]) -> Any:
    async def noted(self: AsyncpgDBClient, query: str, *values: Any) -> Any:
        if " ROLE " not in query:
            seen.append(Statement(query, tuple(values[0] or ()) if values else ()))
        return await way(self, query, *values)

    return noted
