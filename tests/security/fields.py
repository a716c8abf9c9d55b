"""docs/FIELDS.md: every field that a form or a query may have, and what is taken."""

import importlib
import types
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from web import forms

PAGE = Path(__file__).parents[2] / "docs" / "FIELDS.md"
_HEAD = """# Fields

Written by `python -m tests.security` from the models of the forms. A field that is not listed and
a field sent twice are refused with 422; so are invisible characters. Text loses blanks at its ends.
Amounts, dates and references are read by `amends/rules` and `amends/flow` and refused there with a
sentence beside the field; card numbers are refused wherever customers type and masked wherever
staff do.

| Form | Field | Takes | Needed |
| --- | --- | --- | --- |
"""


def page() -> str:
    for door in ("portal.routes", "backoffice.routes", "web.basics"):
        importlib.import_module(door)
    lines = [_line(model, name, info) for model in _models() for name, info in _fields(model)]
    return _HEAD + "\n".join(lines) + "\n"


def _models() -> list[type[forms.FormModel]]:
    found: list[type[forms.FormModel]] = []
    waiting = list(forms.FormModel.__subclasses__())
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.__module__.split(".")[0] in ("portal", "backoffice", "web"):
            found.append(model)
    return sorted(found, key=lambda each: (each.__module__, each.__qualname__))


def _fields(model: type[forms.FormModel]) -> list[tuple[str, FieldInfo]]:
    return [(info.alias or name, info) for name, info in model.model_fields.items()]


def _line(model: type[forms.FormModel], name: str, info: FieldInfo) -> str:
    where = f"{model.__module__}.{model.__qualname__}".replace("_", r"\_")
    needed = "yes" if info.is_required() else "no"
    if info.default not in (PydanticUndefined, "", None, (), False):
        needed = f"no: {info.default}"
    return f"| {where} | `{name}` | {_kind(info.annotation)}{_bounds(info)} | {needed} |"


def _kind(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(repr(each) for each in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(each) for each in inner if each is not type(None))
    if origin in (tuple, list):
        return f"several: {_kind(inner[0])}"
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return "one of " + ", ".join(str(each.value) for each in kind)  # type: ignore[var-annotated]
    return {"str": "text", "int": "whole number", "bool": "yes or no", "date": "date"}.get(
        getattr(kind, "__name__", str(kind)), str(getattr(kind, "__name__", kind))
    )


def _bounds(info: FieldInfo) -> str:
    said = "; ".join(str(each).replace("|", r"\|") for each in info.metadata)
    return f" ({said})" if said else ""
