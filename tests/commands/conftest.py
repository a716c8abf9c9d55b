"""Runs commands as from a shell, on a database of the test's own."""

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from click.testing import CliRunner, Result

from amends import embedded, settings
from amends.commands import main

Run = Callable[..., Result]


@pytest.fixture
def own_database(anyio_backend: str, postgres: embedded.Server, template: str) -> Iterator[str]:
    """Migrated, empty, and known to the commands through the environment."""
    name = "c_" + secrets.token_hex(6)
    embedded.create_database(postgres, name, template)
    yield postgres.url(name)
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def run(own_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a command line; keyword arguments are further settings."""

    def run(*arguments: str, **names: str) -> Result:
        monkeypatch.setenv("AMENDS_DATABASE_URL", own_database)
        for name, value in names.items():
            monkeypatch.setenv(f"AMENDS_{name.upper()}", value)
        settings.load.cache_clear()
        return CliRunner().invoke(main, arguments, catch_exceptions=False)

    yield run
    settings.load.cache_clear()
