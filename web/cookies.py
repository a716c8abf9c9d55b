"""Cookies of this host only: `__Host-`, Secure, HttpOnly, SameSite=Lax, Path=/."""

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection

_SCOPE = "amends.cookies"
_FLAGS = "Path=/; Secure; HttpOnly; SameSite=Lax"


def header(name: str, value: str, lifetime: timedelta | None = None) -> str:
    """A Set-Cookie value; without a lifetime the cookie goes when the browser closes."""
    if not name.startswith("__Host-"):
        raise ValueError(f"Cookie {name!r} could be set from another host")
    age = f"; Max-Age={int(lifetime.total_seconds())}" if lifetime is not None else ""
    return f"{name}={value}; {_FLAGS}{age}"


def removal(name: str) -> str:
    return header(name, "", timedelta(0))


def put(connection: HTTPConnection[Any], value: str) -> None:
    """Send this Set-Cookie with whatever answer this request gets, an error page included."""
    connection.scope.setdefault(_SCOPE, []).append(value)


def write(scope: MutableMapping[str, Any], headers: MutableHeaders) -> None:
    for value in scope.get(_SCOPE, ()):
        headers.append("set-cookie", value)
