"""Reads the installed `stripe` package: which calls exist, what they take, what they answer.

The only module that looks inside the package; a bump of `stripe` is felt here first.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import stripe
from stripe import _object_classes

_METHOD = re.compile(
    r"async def \w+_async\((.*?)\)\s*->.*?_request(?:_stream)?_async\(\s*"
    r'"(\w+)",\s*"(/v1/[^"]+)"(.*?)base_address="(\w+)"',
    re.DOTALL,
)
_PARAMS = re.compile(r'params: (?:Optional\[)?"(\w+)"')
_IMPORT = re.compile(r"from (stripe\.params[\w.]*) import (\w+)|from (stripe\.params[\w.]*) "
                     r"import \(\s*(\w+),\s*\)")  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One call of the SDK's v1 services."""

    method: str
    path: str
    base: str
    module: str
    params: str


def api_version() -> str:
    return stripe.api_version


@cache
def operations() -> dict[tuple[str, str], Operation]:
    """All v1 calls by (method, path with placeholders as {})."""
    found: dict[tuple[str, str], Operation] = {}
    for path in sorted(Path(stripe.__file__).parent.rglob("_*_service.py")):
        for operation in _read(path.read_text()):
            found.setdefault((operation.method, bare(operation.path)), operation)
    return found


def _read(source: str) -> list[Operation]:
    homes = {m[2] or m[4]: m[1] or m[3] for m in _IMPORT.finditer(source)}
    found = []
    for signature, method, path, _, base in _METHOD.findall(source):
        named = _PARAMS.search(signature)
        name = named[1] if named else ""
        found.append(Operation(method.upper(), path, base, homes.get(name, ""), name))
    return found


def bare(path: str) -> str:
    """/v1/refunds/{refund} -> /v1/refunds/{}"""
    return re.sub(r"\{\w+\}", "{}", path)


@cache
def params_class(method: str, path: str) -> type | None:
    """The TypedDict of a call's parameters; None if it takes none."""
    operation = operations()[method, bare(path)]
    if not operation.params:
        return None
    found = getattr(import_module(operation.module), operation.params)
    assert isinstance(found, type)
    return found


@cache
def resource_class(object_name: str) -> type | None:
    """The class the SDK makes of an answer whose `object` is that."""
    home = _object_classes.OBJECT_CLASSES.get(object_name)
    if home is None:
        return None
    found: Any = getattr(import_module(home[0]), home[1])
    assert isinstance(found, type)
    return found
