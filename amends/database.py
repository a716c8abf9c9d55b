"""Connects to PostgreSQL: the operator's, or the embedded one."""

import atexit
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
from tortoise import Tortoise
from tortoise.context import TortoiseContext

from amends import embedded, pooler, roles
from amends.rights import Process
from amends.settings import Settings

APPS = {
    "models": {
        "models": ["amends.models"],
        "default_connection": "default",
        "migrations": "amends.migrations",
    },
}
_embedded: embedded.Server | None = None


def url(settings: Settings, process: Process | None = None) -> str:
    """The database's libpq URL; starts the embedded server when none is set.

    There each process has a user of its own; a command that names none comes as the owner.
    """
    global _embedded
    if settings.database_url:
        return settings.database_url
    if _embedded is None:
        folder = Path(settings.data_dir) if settings.data_dir else embedded.default_folder()
        _embedded = embedded.start(folder / "postgres")
        atexit.register(_embedded.leave)
        embedded.create_database(_embedded, "amends")
        make_logins(_embedded)
    return _embedded.url(user=process.login if process else embedded.OWNER)


def make_logins(server: embedded.Server) -> None:
    """A user for each process of the embedded server."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        roles.make_logins(connection)


def config(database_url: str, max_connections: int = 10) -> dict[str, Any]:
    """Tortoise's configuration for a libpq URL (TCP or Unix socket)."""
    parts, pooled = urlsplit(database_url), pooler.is_meant(database_url)
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    credentials: dict[str, Any] = {
        "host": query.pop("host", "") or parts.hostname or "127.0.0.1",
        "port": parts.port or 5432,
        "user": unquote(parts.username or "postgres"),
        "password": unquote(parts.password) if parts.password else None,
        "database": parts.path.lstrip("/"),
        "min_size": 1,
        "max_size": max_connections,
        "connection_class": pooler.Pooled if pooled else pooler.Connection,
        "statement_cache_size": 0 if pooled else 100,
    }
    if "sslmode" in query:
        credentials["ssl"] = query["sslmode"]
    return {
        "connections": {
            "default": {"engine": "tortoise.backends.asyncpg", "credentials": credentials}
        },
        "apps": APPS,
        "use_tz": True,
        "timezone": "UTC",
    }


async def connect(
    settings: Settings, max_connections: int = 10, process: Process | None = None
) -> TortoiseContext:
    """Open the pool for this process. Requests run in other tasks, hence the global fallback."""
    return await Tortoise.init(
        config=config(url(settings, process), max_connections), _enable_global_fallback=True
    )


async def disconnect() -> None:
    await Tortoise.close_connections()
