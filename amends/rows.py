"""Rows of the money path by hand-written SQL: building a query costs the ORM more than running it.

`where` is SQL over $1, $2, ... with the values behind it; columns and their encoding are the
model's. Statements run on the current transaction.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeVar

from tortoise import connections, transactions
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.models import Model

M = TypeVar("M", bound=Model)


@asynccontextmanager
async def in_transaction() -> AsyncIterator[None]:
    """The caller's transaction, or one of its own: never a savepoint and its two round trips.

    Only for what writes all or raises before its first write: nothing is undone halfway.
    """
    if isinstance(connections.get("default"), TransactionalDBClient):
        yield
    else:
        async with transactions.in_transaction():
            yield


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


async def joined(
    models: tuple[type[Model], ...], tail: str, *values: object
) -> Sequence[Mapping[str, Any]]:
    """The rows of a join, each with all columns of these models; `part` takes one's out.

    `tail` is its FROM and what follows; tables go by their own names.
    """
    found: Sequence[Mapping[str, Any]] = await connections.get("default").execute_query_dict(
        _side_by_side(models, tail), list(values)
    )
    return found


def part(model: type[M], row: Mapping[str, Any]) -> M | None:
    """One model of a joined row; None where an outer join found nothing."""
    names = _aliases(model)
    own = {name: row[alias] for name, alias in names}
    return model._init_from_db(**own) if own[model._meta.db_pk_column] is not None else None


def parts(model: type[M], found: Sequence[Mapping[str, Any]]) -> list[M]:
    """The same of each row, where there is one."""
    return [made for row in found if (made := part(model, row)) is not None]


@cache
def _side_by_side(models: tuple[type[Model], ...], tail: str) -> str:
    columns = ", ".join(
        f'{model._meta.db_table}."{name}" AS "{alias}"'
        for model in models
        for name, alias in _aliases(model)
    )
    return f"SELECT {columns} {tail}"


@cache
def _aliases(model: type[Model]) -> tuple[tuple[str, str], ...]:
    table = model._meta.db_table
    return tuple((name, f"{table}.{name}") for name in model._meta.fields_db_projection.values())


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


async def insert_if(row: Model, made: str, *values: object) -> bool:
    """Store a new row, whose key the caller made, if the change `made` RETURNs a row.

    Both are one statement; the values of `made` come first.
    """
    model = type(row)
    names = _inserted(model)
    own = _encoded(model, {name: getattr(row, name) for name in names})
    sql = _insert_if(model, names, made, len(values))
    return bool(await connections.get("default").execute_query_dict(sql, [*values, *own]))


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
def _insert_if(model: type[Model], names: tuple[str, ...], made: str, before: int) -> str:
    columns = model._meta.fields_db_projection
    listed = ", ".join(f'"{columns[name]}"' for name in names)
    places = ", ".join(f"${at}" for at, _ in enumerate(names, before + 1))
    return f"""
    WITH made AS ({made})
    INSERT INTO {model._meta.db_table} ({listed}) SELECT {places} FROM made RETURNING 1
    """  # noqa: S608 - names of our own


def _encoded(model: type[Model], sets: Mapping[str, object]) -> list[Any]:
    fields = model._meta.fields_map
    return [fields[name].to_db_value(value, model) for name, value in sets.items()]
