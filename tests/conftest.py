"""One embedded PostgreSQL for the run; each test rolls back, or gets a database of its own."""

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser, sync_playwright
from tortoise import Tortoise
from tortoise.context import TortoiseContext
from tortoise.transactions import in_transaction

from amends import database, embedded, migrate
from tests.browser import demo as demos

# Tests must not depend on how the machine is set up.
for _name in [name for name in os.environ if name.startswith("AMENDS_")]:
    del os.environ[_name]
os.environ["AMENDS_SECRET_KEY"] = "tests-only-" + "k" * 32
os.environ["AMENDS_DATA_DIR"] = tempfile.mkdtemp(prefix="amends-test-data-")
atexit.register(shutil.rmtree, os.environ["AMENDS_DATA_DIR"], ignore_errors=True)
pytest_plugins = ["tests.shop_fixtures"]
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One for all browser tests: Playwright's loop runs at most once in a process."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=demos.chromium(), args=demos.FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[embedded.Server]:
    """The test server, with its data in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="amends-test-"))
    folder.chmod(0o755)
    server = embedded.start(folder, *FAST)
    yield server
    server.leave()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def template(postgres: embedded.Server) -> str:
    """A migrated, empty database that the others are copied from."""
    embedded.create_database(postgres, "template_amends")
    await migrate.run(postgres.url("template_amends"))
    return "template_amends"


@pytest.fixture(scope="session")
def shared_database_url(postgres: embedded.Server, template: str) -> str:
    embedded.create_database(postgres, "shared", template)
    return postgres.url("shared")


async def _open(url: str, connections: int) -> TortoiseContext:
    return await Tortoise.init(
        config=database.config(url, connections), _enable_global_fallback=True
    )


@pytest.fixture
async def db(shared_database_url: str) -> AsyncIterator[None]:
    """A database; everything the test does is rolled back at its end."""
    context = await _open(shared_database_url, 2)
    try:
        with context:
            async with in_transaction() as transaction:
                yield
                await transaction.rollback()
    finally:
        await context.close_connections()


@pytest.fixture
async def fresh_db(postgres: embedded.Server, template: str) -> AsyncIterator[str]:
    """A database of the test's own, for tests that need real commits or several connections."""
    name = "t_" + secrets.token_hex(6)
    embedded.create_database(postgres, name, template)
    context = await _open(postgres.url(name), 20)
    try:
        with context:
            yield postgres.url(name)
    finally:
        await context.close_connections()
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
