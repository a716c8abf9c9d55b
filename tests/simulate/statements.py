"""The text of a query is built once per shape; its values are encoded each time.

Building SQL is half of what the object mapper costs. A shape is remembered only when the values
computed here are the very values that the mapper itself put into the statement.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tortoise import expressions, queryset
from tortoise.exceptions import DoesNotExist, MultipleObjectsReturned
from tortoise.expressions import Q
from tortoise.queryset import CountQuery, ExistsQuery, QuerySet, UpdateQuery, ValuesListQuery

from tests.simulate import rows_to

_BUILDERS = (QuerySet, ValuesListQuery, ExistsQuery, CountQuery, UpdateQuery)
# What else than the filters decides over the text, where a kind of query has it.
_PARTS = (
    "_distinct", "_select_for_update", "_select_for_update_nowait",
    "_select_for_update_skip_locked", "_select_for_update_no_key", "_single", "_flat",
)  # fmt: skip
_NEVER = (
    "_annotations", "_custom_filters", "_select_related", "_group_bys", "_fields_for_select",
    "_select_for_update_of", "_force_indexes", "_use_indexes", "_offset",
)  # fmt: skip


class Unknown(Exception):
    """A query that is built by the mapper each time."""


@dataclass(frozen=True)
class Text:
    """A finished statement in the place of the mapper's builder."""

    sql: str
    values: list[Any]

    def get_parameterized_sql(self) -> tuple[str, list[Any]]:
        return self.sql, self.values


@dataclass(frozen=True)
class Known:
    sql: str
    select_related_idx: Any


_known: dict[Any, Known | None] = {}


@contextmanager
def remembered() -> Iterator[None]:
    """Remember statements for as long as this lasts."""
    builders = {kind: kind._make_query for kind in _BUILDERS}
    clone, execute = QuerySet._clone, QuerySet._execute
    for kind in _BUILDERS:
        kind._make_query = _remembering(builders[kind])  # type: ignore[method-assign]
    QuerySet._clone = _clone  # type: ignore[method-assign]
    QuerySet._execute = _executing(execute)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for kind, build in builders.items():
            kind._make_query = build  # type: ignore[method-assign]
        QuerySet._clone, QuerySet._execute = clone, execute  # type: ignore[method-assign]


def _clone(query: Any) -> Any:
    """The mapper's own, without a function call for each empty list."""
    made = query.__class__.__new__(query.__class__)
    made.fields = query.fields
    made.model = query.model
    made.query = query.query
    made._capabilities = query._capabilities
    made._prefetch_map = query._prefetch_map.copy()
    made._prefetch_queries = query._prefetch_queries.copy()
    made._single = query._single
    made._raise_does_not_exist = query._raise_does_not_exist
    made._db = query._db
    made._limit = query._limit
    made._offset = query._offset
    made._fields_for_select = query._fields_for_select
    made._filter_kwargs = query._filter_kwargs.copy()
    made._orderings = query._orderings.copy()
    made._joined_tables = query._joined_tables.copy()
    made._q_objects = query._q_objects.copy()
    made._distinct = query._distinct
    made._annotations = query._annotations.copy()
    made._having = query._having.copy()
    made._custom_filters = query._custom_filters.copy()
    made._group_bys = query._group_bys
    made._select_for_update = query._select_for_update
    made._select_for_update_nowait = query._select_for_update_nowait
    made._select_for_update_skip_locked = query._select_for_update_skip_locked
    made._select_for_update_of = query._select_for_update_of
    made._select_for_update_no_key = query._select_for_update_no_key
    made._select_related = query._select_related
    made._select_related_idx = query._select_related_idx
    made._force_indexes = query._force_indexes
    made._use_indexes = query._use_indexes
    return made


def _executing(execute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    async def run(query: Any) -> Any:
        if type(query.query) is not Text or query._prefetch_map or query._prefetch_queries:
            return await execute(query)
        _, rows = await query._db.execute_query(query.query.sql, query.query.values)
        found = rows_to.models(query.model, rows)
        if not query._single:
            return found
        if len(found) > 1:
            raise MultipleObjectsReturned(query.model)
        if not found and query._raise_does_not_exist:
            raise DoesNotExist(query.model)
        return found[0] if found else None

    return run


def _remembering(build: Callable[[Any], None]) -> Callable[[Any], None]:
    def make(query: Any) -> None:
        try:
            shape, values = _read(query)
        except Unknown:
            build(query)
            return
        known = _known.get(shape, Unknown)
        if isinstance(known, Known):
            query.query = Text(known.sql, values)
            query._select_related_idx = known.select_related_idx
            return
        build(query)
        if known is Unknown:
            _known[shape] = _learn(query, values)

    return make


def _learn(query: Any, values: list[Any]) -> Known | None:
    sql, real = query.query.get_parameterized_sql()
    if [(type(each), each) for each in real] != [(type(each), each) for each in values]:
        return None
    return Known(sql, getattr(query, "_select_related_idx", None))


def _read(query: Any) -> tuple[Any, list[Any]]:
    """The shape of a query, and its values in the order of their places."""
    if any(getattr(query, name, None) for name in _NEVER):
        raise Unknown
    values: list[Any] = []
    changes = _changes(query, values) if isinstance(query, UpdateQuery) else ()
    filters = tuple([_filter(query.model, each, values) for each in query._q_objects])
    limit = getattr(query, "_limit", None)
    if limit is not None:
        values.append(limit)
    if isinstance(query, ValuesListQuery):
        changes = tuple(query.fields.items())
    orderings = tuple(getattr(query, "_orderings", ()))
    parts = tuple([getattr(query, name, None) for name in _PARTS])
    return (type(query), query.model, changes, filters, limit is None, orderings, parts), values


def _changes(query: Any, values: list[Any]) -> tuple[Any, ...]:
    fields = query.model._meta.fields_map
    for name, value in query.update_kwargs.items():
        if not _is_plain(value) or name not in query.model._meta.fields_db_projection:
            raise Unknown
        values.append(fields[name].to_db_value(value, None))
    return tuple([(name, value is None) for name, value in query.update_kwargs.items()])


def _filter(model: Any, q: Q, values: list[Any]) -> Any:
    if q.filters:
        inner: Any = tuple([_leaf(model, key, value, values) for key, value in q.filters.items()])
    else:
        inner = tuple([_filter(model, each, values) for each in q.children])
    return q.join_type, q._is_negated, inner


def _leaf(model: Any, key: str, value: Any, values: list[Any]) -> Any:
    meta = model._meta
    if key.endswith("__isnull"):
        return key, value
    if value is None:
        return key, None
    info = meta.filters.get(key)
    if info is None or "table" in info or key in meta.fk_fields or not _is_plain(value):
        raise Unknown
    field = meta.fields_map[info["field"]]
    encoder = info.get("value_encoder")
    encoded = encoder(value, model, field) if encoder else field.to_db_value(value, model)
    if isinstance(encoded, list | tuple | set):
        values.extend(encoded)
        return key, len(encoded)
    values.append(encoded)
    return key, "value"


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple | set | frozenset):
        return all(_is_plain(each) for each in value)
    return (
        not isinstance(value, expressions.Expression | queryset.AwaitableQuery)
        and not hasattr(value, "_meta")
        and not hasattr(value, "get_sql")
    )
