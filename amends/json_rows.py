"""Rows that came as JSON: a page reads a case with all its children in one statement.

PostgreSQL packs the children (`one`, `many`), `made` turns them into the rows of our models.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
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
    """The model's row, as if the ORM had read it; its own way sets each field by a call."""
    values: dict[str, Any] = {
        "_partial": False,
        "_saved_in_db": True,
        "_custom_generated_pk": _keyed_by_hand(model),
        "_await_when_save": {},
    }
    for column, name, read in _columns(model):
        value = row[column]
        values[name] = value if read is None or value is None else read(value)
    instance = model.__new__(model)
    instance.__dict__.update(values)
    return instance


def all_made(model: type[M], found: Iterable[Mapping[str, Any]]) -> tuple[M, ...]:
    return tuple(made(model, row) for row in found)


def joined(row: Model, name: str, other: Model | list[Any] | None) -> None:
    """Put a row that was read along in the place of a relation, as `select_related` does."""
    object.__setattr__(row, f"_{name}", other)


@cache
def _keyed_by_hand(model: type[Model]) -> bool:
    return model._meta.db_pk_column not in model._meta.generated_db_fields


_Read = Callable[[Any], Any]


@cache
def _columns(model: type[Model]) -> tuple[tuple[str, str, _Read | None], ...]:
    """Each column, the field it fills, and how its JSON is read; None: as it is."""
    plain = {name for _, name, _ in model._meta.db_native_fields}
    return tuple(
        (column, name, _reader(model._meta.fields_map[name], name in plain))
        for name, column in model._meta.fields_db_projection.items()
    )


def _reader(field: fields.Field[Any], plain: bool) -> _Read | None:
    """JSON knows no moments and no dates."""
    match field:
        case fields.DatetimeField():
            return _moment
        case fields.DateField():
            return date.fromisoformat
    return None if plain else field.to_python_value


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
