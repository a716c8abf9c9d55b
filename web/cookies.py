"""Cookies of this host only: `__Host-`, Secure, HttpOnly, SameSite=Lax, Path=/."""

from datetime import timedelta

_FLAGS = "Path=/; Secure; HttpOnly; SameSite=Lax"


def header(name: str, value: str, lifetime: timedelta | None = None) -> str:
    """A Set-Cookie value; without a lifetime the cookie goes when the browser closes."""
    if not name.startswith("__Host-"):
        raise ValueError(f"Cookie {name!r} could be set from another host")
    age = f"; Max-Age={int(lifetime.total_seconds())}" if lifetime is not None else ""
    return f"{name}={value}; {_FLAGS}{age}"


def removal(name: str) -> str:
    return header(name, "", timedelta(0))
