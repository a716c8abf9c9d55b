"""Compares every answer with the SDK's resource classes; what differs is drift and must stay empty.

The Python SDK does not say which fields Stripe leaves out and which it sends as null. Its
TypeScript sibling of the same API version does; omitted.json was derived from it: object ->
inner class -> names that are left out when unset (a trailing ~ : may also be null).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, ForwardRef, Literal, Union, get_args, get_origin

from sandbox.stripe_twin import sdk
from sandbox.stripe_twin.documents import Doc

Check = Callable[[Any, str], list[str]]

_OMITTED: dict[str, dict[str, str]] = json.loads(
    (Path(__file__).parent / "omitted.json").read_text()
)


@dataclass(frozen=True)
class Field:
    """What may stand in one field."""

    check: Check
    may_be_null: bool
    may_be_missing: bool

    @property
    def must_be_sent_as_null(self) -> bool:
        """Nullable and never left out."""
        return self.may_be_null and not self.may_be_missing


def find(answer: Doc) -> list[str]:
    """Differences between an answer and what the SDK expects, as `refund.status: …`."""
    kind = answer.get("object")
    if kind in ("list", "search_result"):
        return [line for row in answer["data"] for line in find(row)]
    if answer.get("deleted"):
        return []
    if not isinstance(kind, str) or sdk.resource_class(kind) is None:
        return [f"{kind}: no such object in the SDK"]
    return _object(kind)(answer, kind) + (find(answer["data"]["object"]) if kind == "event" else [])


def table_names() -> dict[str, dict[str, str]]:
    """The table, for the test that compares it with the SDK."""
    return _OMITTED


@cache
def _object(kind: str) -> Check:
    resource = sdk.resource_class(kind)
    assert resource is not None
    return _structure(resource, kind, "")


@cache
def fields_of(structure: type, kind: str, inner: str) -> dict[str, Field]:
    """The fields of a resource class or of a class inside it."""
    listed = _OMITTED.get(kind, {}).get(inner, "").split()
    known = kind in _OMITTED
    found: dict[str, Field] = {}
    for name, hint in structure.__annotations__.items():
        if name.startswith("_") or name.isupper():
            continue
        nullable = _is_optional(hint)
        missing = name in listed or f"{name}~" in listed
        found[name] = Field(
            _checker(hint, kind, inner),
            nullable and (not missing or f"{name}~" in listed or not known),
            missing or not known,
        )
    return found


def _structure(structure: type, kind: str, inner: str) -> Check:
    def check(value: Any, path: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{path}: {type(value).__name__} where an object belongs"]
        return _compare(value, path, fields_of(structure, kind, inner))

    return check


def _compare(value: Doc, path: str, fields: dict[str, Field]) -> list[str]:
    lines = [f"{path}.{name}: unknown field" for name in value if name not in fields]
    for name, field in fields.items():
        if name not in value:
            if not field.may_be_missing:
                lines.append(f"{path}.{name}: missing")
        elif value[name] is None:
            if not field.may_be_null:
                lines.append(f"{path}.{name}: null, but Stripe leaves it out")
        else:
            lines += field.check(value[name], f"{path}.{name}")
    return lines


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) is Union and type(None) in get_args(hint)


def _checker(hint: Any, kind: str, inner: str) -> Check:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Union:
        return _union([arg for arg in args if arg is not type(None)], kind, inner)
    if origin is Literal:
        return _words(args)
    if origin is list:
        return _list(_checker(args[0], kind, inner))
    if isinstance(hint, ForwardRef | str):
        return _resource
    if isinstance(origin, type) and origin.__name__ == "ListObject":
        return _page
    if isinstance(hint, type) and hint.__module__.startswith("stripe."):
        name = hint.__qualname__.partition(".")[2]
        return _structure(hint, kind, name) if name else _resource
    return _plain(hint)


def _plain(hint: Any) -> Check:
    kinds: dict[object, tuple[type, ...]] = {
        int: (int,), str: (str,), bool: (bool,), float: (float, int), Decimal: (str,),
    }  # fmt: skip
    allowed = kinds.get(hint, (object,))

    def check(value: Any, path: str) -> list[str]:
        wrong = not isinstance(value, allowed) or (allowed == (int,) and isinstance(value, bool))
        return [f"{path}: {type(value).__name__} where {hint} belongs"] if wrong else []

    return check


def _words(words: tuple[Any, ...]) -> Check:
    def check(value: Any, path: str) -> list[str]:
        return [] if value in words else [f"{path}: {value!r} is none of {words}"]

    return check


def _list(item: Check) -> Check:
    def check(value: Any, path: str) -> list[str]:
        if not isinstance(value, list):
            return [f"{path}: {type(value).__name__} where a list belongs"]
        return [line for row in value for line in item(row, f"{path}[]")]

    return check


def _union(args: list[Any], kind: str, inner: str) -> Check:
    literals = [arg for arg in args if get_origin(arg) is Literal]
    if literals:
        return _words(tuple(word for arg in literals for word in get_args(arg)))
    if len(args) == 1:
        return _checker(args[0], kind, inner)
    checks = [_checker(arg, kind, inner) for arg in args]

    def check(value: Any, path: str) -> list[str]:
        results = [one(value, path) for one in checks]
        return min(results, key=len)

    return check


def _resource(value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: {type(value).__name__} where an object belongs"]
    return find(value) if "object" in value else []


def _page(value: Any, path: str) -> list[str]:
    if not isinstance(value, dict) or value.get("object") != "list":
        return [f"{path}: not a list"]
    return find(value)
