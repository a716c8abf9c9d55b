"""Rows that came as JSON: a page reads a case with all its children in one statement.

PostgreSQL packs the children (`one`, `many`), `made` turns them into the rows of our models.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any, TypeVar

from tortoise import fields
from tortoise.models import Model

M = TypeVar("M", bound=Model)


def one(model: type[Model], where: str) -> str:
    """SQL for a row as JSON, or null."""
    return f"(SELECT row_to_json(x) FROM ({_select(model)} {where}) x)"  # noqa: S608


def many(model: type[Model], where: str) -> str:
    """SQL for rows as a JSON list, in the order that `where` says."""
    return f"(SELECT coalesce(json_agg(x), '[]') FROM ({_select(model)} {where}) x)"  # noqa: S608


@cache
def _select(model: type[Model]) -> str:
    columns = ", ".join(f't."{name}"' for name in model._meta.fields_db_projection.values())
    return f"SELECT {columns} FROM {model._meta.db_table} t"  # noqa: S608


def made(model: type[M], row: Mapping[str, Any]) -> M:
    """The model's row, as if the ORM had read it."""
    values = dict(row)
    for column, read in _dates(model):
        if (text := values[column]) is not None:
            values[column] = read(text)
    return model._init_from_db(**values)


def all_made(model: type[M], found: Iterable[Mapping[str, Any]]) -> tuple[M, ...]:
    return tuple(made(model, row) for row in found)


def joined(row: Model, name: str, other: Model | list[Any] | None) -> None:
    """Put a row that was read along in the place of a relation, as `select_related` does."""
    object.__setattr__(row, f"_{name}", other)


@cache
def _dates(model: type[Model]) -> tuple[tuple[str, Callable[[str], date]], ...]:
    """JSON knows no dates."""
    kinds = {fields.DatetimeField: datetime.fromisoformat, fields.DateField: date.fromisoformat}
    known = model._meta.fields_db_projection
    return tuple(
        (column, kinds[type(model._meta.fields_map[name])])
        for name, column in known.items()
        if type(model._meta.fields_map[name]) in kinds
    )
