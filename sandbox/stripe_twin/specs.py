"""Parameter rules compiled from the SDK's TypedDicts: unknown, missing, wrong type, wrong value."""

import sys
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import SimpleNamespace, UnionType
from typing import Any, Literal, NotRequired, Protocol, Union, get_args, get_origin

from stripe._request_options import RequestOptions
from stripe._stripe_object import UntypedStripeObject
from typing_extensions import get_type_hints, is_typeddict

from sandbox.stripe_twin import errors, sdk

# What a form decodes to: text, or named parts (list positions are names too).
Raw = str | bytes | dict[str, Any]

_OPTIONS = frozenset(RequestOptions.__annotations__)


class Spec(Protocol):
    """Turns raw text into a value, or raises Stripe's 400."""

    def parse(self, raw: Raw, name: str) -> Any: ...


@dataclass(frozen=True)
class Text:
    def parse(self, raw: Raw, name: str) -> Any:
        if isinstance(raw, str):
            return raw
        raise errors.not_a("string", name, "hash")


@dataclass(frozen=True)
class Integer:
    def parse(self, raw: Raw, name: str) -> Any:
        if isinstance(raw, str) and raw.lstrip("-").isdigit():
            return int(raw)
        raise errors.not_an_integer(name, str(raw))


@dataclass(frozen=True)
class Number:
    def parse(self, raw: Raw, name: str) -> Any:
        try:
            return float(str(raw))
        except ValueError:
            raise errors.not_a("decimal", name, str(raw)) from None


@dataclass(frozen=True)
class Boolean:
    def parse(self, raw: Raw, name: str) -> Any:
        if raw in ("true", "false"):
            return raw == "true"
        raise errors.not_a("boolean", name, str(raw))


@dataclass(frozen=True)
class Choice:
    allowed: tuple[str, ...]

    def parse(self, raw: Raw, name: str) -> Any:
        if raw in self.allowed:
            return raw
        raise errors.not_one_of(name, self.allowed)


@dataclass(frozen=True)
class Anything:
    def parse(self, raw: Raw, name: str) -> Any:
        return raw


@dataclass(frozen=True)
class Pairs:
    """Free names, text values: metadata."""

    def parse(self, raw: Raw, name: str) -> Any:
        if isinstance(raw, dict):
            return {key: str(value) for key, value in raw.items()}
        raise errors.not_a("hash", name, str(raw))


@dataclass(frozen=True)
class Items:
    item: Spec

    def parse(self, raw: Raw, name: str) -> Any:
        if not isinstance(raw, dict):
            raise errors.not_a("array", name, str(raw))
        return [self.item.parse(value, f"{name}[{key}]") for key, value in raw.items()]


@dataclass(frozen=True)
class Struct:
    fields: dict[str, Spec]
    required: tuple[str, ...]

    def parse(self, raw: Raw, name: str) -> Any:
        if not isinstance(raw, dict):
            raise errors.not_a("object", name, str(raw))
        unknown = [_inside(name, key) for key in raw if key not in self.fields]
        if unknown:
            raise errors.unknown_parameters(unknown)
        for key in self.required:
            if key not in raw:
                raise errors.required(_inside(name, key))
        return {key: self.fields[key].parse(raw[key], _inside(name, key)) for key in raw}


@dataclass(frozen=True)
class Either:
    """A choice by shape: hash, list of words, or a plain value."""

    words: tuple[str, ...]
    plain: Spec | None
    nested: Spec | None

    def parse(self, raw: Raw, name: str) -> Any:
        if isinstance(raw, dict) and self.nested:
            return self.nested.parse(raw, name)
        if raw in self.words:
            return raw
        if self.plain:
            return self.plain.parse(raw, name)
        if self.nested:
            return self.nested.parse(raw, name)
        raise errors.not_one_of(name, self.words)


def _inside(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


@cache
def for_call(method: str, path: str) -> Struct:
    """The rules of one call."""
    params = sdk.params_class(method, path)
    return _struct(params) if params else Struct({}, ())


@cache
def _struct(params: type) -> Struct:
    optional: object = NotRequired
    names = [name for name in params.__annotations__ if name not in _OPTIONS]
    # Only the call's own fields: RequestOptions names types that exist for type checkers alone.
    own = SimpleNamespace(__annotations__={name: params.__annotations__[name] for name in names})
    home = vars(sys.modules[params.__module__])
    hints = get_type_hints(own, globalns=home, include_extras=True)
    required = tuple(name for name in names if get_origin(hints[name]) is not optional)
    return Struct({name: _spec(hints[name]) for name in names}, required)


_PLAIN: dict[object, Spec] = {
    str: Text(), int: Integer(), bool: Boolean(), float: Number(), Decimal: Text(),
    Any: Anything(), object: Anything(),
}  # fmt: skip


def _spec(hint: Any) -> Spec:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_typeddict(hint):
        return _struct(hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        return _spec(args[0])
    if origin is list:
        return Items(_spec(args[0]))
    if origin is Literal:
        return Choice(tuple(str(word) for word in args))
    if origin in (Union, UnionType):
        return _either(args)
    if origin is dict or origin is UntypedStripeObject:
        return Pairs()
    return Anything()


def _either(args: tuple[Any, ...]) -> Spec:
    words = tuple(str(w) for arg in args if get_origin(arg) is Literal for w in get_args(arg))
    rest = [arg for arg in args if get_origin(arg) is not Literal]
    closed = [word for word in words if word]
    # `Literal[...] | str` is how the SDK says "these, and maybe more later"; today it is these.
    rest = [arg for arg in rest if not (arg is str and closed)]
    nested = next((arg for arg in rest if _is_nested(arg)), None)
    plain = next((arg for arg in rest if not _is_nested(arg)), None)
    if plain is None and nested is None:
        return Choice(words)
    return Either(words, _spec(plain) if plain else None, _spec(nested) if nested else None)


def _is_nested(hint: Any) -> bool:
    return is_typeddict(hint) or get_origin(hint) in (list, dict, UntypedStripeObject)
