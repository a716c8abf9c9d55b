"""Rows become models as the object mapper makes them, without a call for each field."""

from collections.abc import Callable, Iterable
from typing import Any

_makers: dict[Any, Callable[[Any], Any]] = {}


def models(model: Any, rows: Iterable[Any]) -> list[Any]:
    made = []
    for row in rows:
        maker = _makers.get(model)
        if maker is None:
            maker = _makers[model] = _learn(model, row)
        made.append(maker(row))
    return made


def _learn(model: Any, row: Any) -> Callable[[Any], Any]:
    """The quick way, once it has been seen to give the same as the mapper's own."""
    maker = _maker(model)
    slow = model._init_from_db(**row)
    return maker if vars(maker(row)) == vars(slow) else lambda each: model._init_from_db(**each)


def _maker(model: Any) -> Callable[[Any], Any]:
    meta = model._meta
    given = meta.db_pk_column not in meta.generated_db_fields
    native = [(key, name) for key, name, _ in meta.db_native_fields]
    typed = [(key, name, field.field_type) for key, name, field in meta.db_default_fields]
    read = [(key, name, field.to_python_value) for key, name, field in meta.db_complex_fields]

    def make(row: Any) -> Any:
        made = model.__new__(model)
        values = made.__dict__
        values["_partial"], values["_saved_in_db"] = False, True
        values["_custom_generated_pk"], values["_await_when_save"] = given, {}
        for key, name in native:
            values[name] = row[key]
        for key, name, kind in typed:
            value = row[key]
            values[name] = value if value is None else kind(value)
        for key, name, convert in read:
            values[name] = convert(row[key])
        return made

    return make
