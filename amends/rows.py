"""Rows of the money path by hand-written SQL: building a query costs the ORM more than running it.

`where` is SQL over $1, $2, ... with the values behind it; columns and their encoding are the
model's. Statements run on the current transaction.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from tortoise import connections
from tortoise.models import Model

M = TypeVar("M", bound=Model)
N = TypeVar("N", bound=Model)


async def read(model: type[M], where: str, *values: object) -> list[M]:
    """All rows that `where` (with its order, limit or lock) names."""
    found = await connections.get("default").execute_query_dict(_select(model, where), list(values))
    return [model._init_from_db(**row) for row in found]


async def first(model: type[M], where: str, *values: object) -> M | None:
    found = await read(model, where, *values)
    return found[0] if found else None


async def one(model: type[M], where: str, *values: object) -> M:
    """The row that must be there."""
    found = await read(model, where, *values)
    if len(found) != 1:
        raise LookupError(f"{len(found)} rows of {model.__name__}, expected one")
    return found[0]


async def pair(
    left: type[M], right: type[N], tail: str, *values: object
) -> tuple[M, N | None] | None:
    """The first row of an outer join; `tail` is its FROM and WHERE. None if there is none."""
    sql = f"SELECT {_prefixed(left)}, {_prefixed(right)} {tail} LIMIT 1"
    found = await connections.get("default").execute_query_dict(sql, list(values))
    if not found:
        return None
    one, other = _own(left, found[0]), _own(right, found[0])
    there = other[right._meta.db_pk_column] is not None
    return left._init_from_db(**one), right._init_from_db(**other) if there else None


@cache
def _prefixed(model: type[Model]) -> str:
    table = model._meta.db_table
    return ", ".join(
        f'{table}."{name}" AS "{table}.{name}"'
        for name in model._meta.fields_db_projection.values()
    )


def _own(model: type[Model], row: Mapping[str, Any]) -> dict[str, Any]:
    start = f"{model._meta.db_table}."
    return {
        name.removeprefix(start): value for name, value in row.items() if name.startswith(start)
    }


async def change(
    model: type[Model], sets: Mapping[str, object], where: str, *values: object
) -> int:
    """Set these columns; returns how many rows changed."""
    sql = _update(model, tuple(sets), where, len(values))
    count, _ = await connections.get("default").execute_query(
        sql, [*values, *_encoded(model, sets)]
    )
    return int(count)


async def changed(
    model: type[M], sets: Mapping[str, object], where: str, *values: object
) -> list[M]:
    """The same; returns the rows as they are now."""
    sql = _update(model, tuple(sets), where, len(values)) + f" RETURNING {_columns(model)}"
    found = await connections.get("default").execute_query_dict(
        sql, [*values, *_encoded(model, sets)]
    )
    return [model._init_from_db(**row) for row in found]


async def insert(row: Model) -> None:
    """Store a new row whose key, if the database makes it, nobody needs."""
    model = type(row)
    names = _inserted(model)
    await connections.get("default").execute_query(
        _insert(model, names), _encoded(model, {name: getattr(row, name) for name in names})
    )


@cache
def _select(model: type[Model], where: str) -> str:
    return f"SELECT {_columns(model)} FROM {model._meta.db_table} {where}"  # noqa: S608


@cache
def _columns(model: type[Model]) -> str:
    return ", ".join(f'"{name}"' for name in model._meta.fields_db_projection.values())


@cache
def _update(model: type[Model], names: tuple[str, ...], where: str, before: int) -> str:
    columns = model._meta.fields_db_projection
    sets = ", ".join(f'"{columns[each]}" = ${at}' for at, each in enumerate(names, before + 1))
    return f"UPDATE {model._meta.db_table} SET {sets} {where}"  # noqa: S608


@cache
def _inserted(model: type[Model]) -> tuple[str, ...]:
    made = model._meta.generated_db_fields or ()
    return tuple(
        name for name, column in model._meta.fields_db_projection.items() if column not in made
    )


@cache
def _insert(model: type[Model], names: tuple[str, ...]) -> str:
    columns = model._meta.fields_db_projection
    listed = ", ".join(f'"{columns[name]}"' for name in names)
    places = ", ".join(f"${at}" for at, _ in enumerate(names, 1))
    return f"INSERT INTO {model._meta.db_table} ({listed}) VALUES ({places})"  # noqa: S608


def _encoded(model: type[Model], sets: Mapping[str, object]) -> list[Any]:
    fields = model._meta.fields_map
    return [fields[name].to_db_value(value, model) for name, value in sets.items()]
