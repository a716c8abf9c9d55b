"""What the proofs of the money engine need: settings, and a database that is asked quickly."""

import functools
import secrets
from collections.abc import AsyncIterator

import psycopg
import pytest
from tortoise import connections

from amends import embedded, settings
from tests import shop as shops
from tests.simulate import direct, statements


@pytest.fixture(autouse=True)
def webhook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    shops.with_webhook_secret(monkeypatch)
    # Read once, as in a process: made anew each time they cost half of a run.
    monkeypatch.setattr(settings, "load", functools.cache(settings.Settings))


@pytest.fixture
async def quick_db(postgres: embedded.Server, template: str) -> AsyncIterator[None]:
    """A database of the test's own, asked without the event loop: for thousands of runs.

    These are the simulation's short cuts; `test_a_seed_replays_exactly` compares them with the
    long way.
    """
    name = "quick_" + secrets.token_hex(6)
    embedded.create_database(postgres, name, template)
    with statements.remembered(), direct.shorter():
        context = await direct.open(postgres.url(name))
        try:
            with context:
                await connections.get("default").create_connection(with_db=True)
                yield
        finally:
            await context.close_connections()
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
