"""`amends privacy`: asks before it erases, and needs the owner of the tables."""

import asyncio
import stat
import zipfile
from pathlib import Path

import psycopg
import pytest

from amends import database, roles
from amends.models import Account
from amends.settings import Settings
from tests.commands.conftest import Run
from tests.shop import START

pytestmark = pytest.mark.req("T63")


async def _account(url: str) -> None:
    await database.connect(Settings(database_url=url), 2)
    await Account.create(
        tenant_id="hf-0213", organisation="Harbor Fitness LLC", contact_name="Priya Raman",
        billing_email="billing@harborfitness.example", created_at=START,
    )  # fmt: skip
    await database.disconnect()


def test_the_commands_ask_before_they_erase(run: Run, own_database: str, tmp_path: Path) -> None:
    asyncio.run(_account(own_database))
    address, to = "Billing@HarborFitness.example", tmp_path / "priya.zip"
    done = run("privacy", "export", address, "--to", str(to))
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(to.stat().st_mode) == 0o600 and zipfile.is_zipfile(to)

    asking = ("privacy", "erase", address, "--reason", "ticket 51", "--by", "Alex Kim")
    done = run(*asking)
    assert done.exit_code == 1
    assert "1 accounts and 0 requests would lose" in done.output
    assert "Nothing was erased. Repeat it with --yes." in done.output
    done = run(*asking, "--yes")
    assert done.exit_code == 0 and "Erased: 1 accounts" in done.output, done.output
    done = run("privacy", "export", address)
    assert done.exit_code == 1 and "Nothing is held under this address." in done.output


def test_a_process_user_may_not_erase(run: Run, own_database: str) -> None:
    asyncio.run(_account(own_database))
    as_worker = own_database.replace("postgres@", "amends_worker_login@")
    with psycopg.connect(own_database, autocommit=True) as connection:
        roles.make_logins(connection)
    done = run(
        "privacy", "erase", "billing@harborfitness.example", "--reason", "ticket 51", "--yes",
        "--by", "Alex Kim", database_url=as_worker,
    )  # fmt: skip
    assert done.exit_code == 1 and "Use the one that runs `amends migrate`" in done.output
