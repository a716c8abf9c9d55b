"""`amends check`: every neighbour is ok, or one line says what to do."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest
from pydantic import SecretStr

from amends.commands import probe_stripe
from amends.rights import Process
from amends.settings import Settings
from tests.commands.conftest import Run


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A sandbox of our own, and the settings that lead to it."""
    state = tmp_path_factory.mktemp("outside")
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--smtp-port", "0"]
    with subprocess.Popen(
        [*command, "--state", str(state)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = json.loads(process.stdout.readline())
        _wait(found["url"])
        yield _settings(found["url"], found["smtp_port"], state)
        process.terminate()


def _wait(url: str) -> None:
    for _ in range(200):
        try:
            if httpx2.get(f"{url}/healthz").is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.05)
    raise TimeoutError("the sandbox did not start")


def _settings(url: str, smtp_port: int, state: Path) -> dict[str, str]:
    return {
        "stripe_secret_key": "sk_test_worker",
        "stripe_api_base": f"{url}/stripe",
        "stripe_webhook_secret": "whsec_q8Zk2LwT5vRb9XcN1pHs",
        "oidc_issuer": f"{url}/idp",
        "oidc_client_id": "amends",
        "smtp_url": f"smtp://127.0.0.1:{smtp_port}",
        "files_url": (state / "files").as_uri(),
        "secret_key": "fX9mQ2vTz7LpW4cRk8HsJd3NbYg6Ea1U",
    }


def line(output: str, name: str) -> str:
    return next(line for line in output.splitlines() if line.startswith(name))


def test_it_finds_all_well(run: Run, outside: dict[str, str]) -> None:
    done = run("check", **outside)
    assert done.exit_code == 0, done.output
    names = ("settings", "database", "rights", "stripe", "mail", "sign-in", "files")
    assert all(" ok (" in line(done.output, name) for name in names)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"secret_key": ""}, "settings  Set AMENDS_SECRET_KEY."),
        ({"secret_key": "short"}, "settings  AMENDS_SECRET_KEY is too short"),
        ({"portal_url": "http://help.example"}, "settings  Serve over https: change AMENDS_PORT"),
        ({"stripe_secret_key": "rk_test_unknown"}, "stripe    Stripe does not know this key."),
        ({"stripe_secret_key": "rk_test_desk"}, "stripe    The key may not write refunds, pay"),
        ({"stripe_secret_key": "rk_test_portal"}, "stripe    The key may not read"),
        ({"stripe_api_base": "http://127.0.0.1:9"}, "stripe    Stripe does not answer at http"),
        ({"smtp_url": "mail.example"}, "mail      Write AMENDS_SMTP_URL like smtp://"),
        ({"smtp_url": "smtp://127.0.0.1:9"}, "mail      No mail server answers at 127.0.0.1."),
        ({"oidc_issuer": "http://id.example"}, "sign-in   AMENDS_OIDC_ISSUER has to begin with"),
        ({"oidc_issuer": "http://127.0.0.1:9/idp"}, "sign-in   No identity provider answers"),
        ({"files_url": "s3://"}, "files     Files cannot be written and read."),
    ],
)
def test_it_says_what_to_do(
    run: Run, outside: dict[str, str], changed: dict[str, str], words: str
) -> None:
    done = run("check", **(outside | changed))
    assert done.exit_code == 1
    assert words in done.output
    assert sum(" ok (" in text for text in done.output.splitlines()) == 7, done.output


@pytest.mark.req("V6.3.3")
def test_it_says_when_no_second_factor_is_looked_for(run: Run, outside: dict[str, str]) -> None:
    words = "AMENDS_OIDC_SECOND_FACTOR is empty"
    for factor in ("", "otp"):
        done = run("check", **(outside | {"oidc_second_factor": factor}))
        assert done.exit_code == 0, done.output
        assert (words in line(done.output, "sign-in")) is (factor == "")


def test_it_names_a_provider_by_its_own_name(run: Run, outside: dict[str, str]) -> None:
    other = outside["oidc_issuer"].replace("127.0.0.1", "localhost")
    done = run("check", **(outside | {"oidc_issuer": other}))
    assert f"The provider calls itself {outside['oidc_issuer']}" in done.output


@pytest.mark.req("T58", "V13.2.2")
def test_it_refuses_a_key_that_moves_money_outside_the_worker(
    run: Run, outside: dict[str, str]
) -> None:
    done = run("check", "--for", "portal", **outside)
    assert "This key moves money, and the portal must not." in done.output
    right = {"stripe_secret_key": "rk_test_portal"}
    assert run("check", "--for", "portal", **(outside | right)).exit_code == 0
    right = {"stripe_secret_key": "rk_test_desk"}
    assert run("check", "--for", "backoffice", **(outside | right)).exit_code == 0


@pytest.mark.req("V13.1.1")
def test_it_changes_nothing_at_stripe(run: Run, outside: dict[str, str]) -> None:
    run("check", **outside)
    url, key = outside["stripe_api_base"], {"Authorization": "Bearer sk_test_worker"}
    for what in ("refunds", "payment_intents"):
        assert httpx2.get(f"{url}/v1/{what}", headers=key).json()["data"] == []


def test_it_says_to_migrate(run: Run, outside: dict[str, str], own_database: str) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("DELETE FROM tortoise_migrations WHERE name = '0002_guards'")
    done = run("check", **outside)
    assert "database  It lacks 0002_guards. Run `amends migrate`." in done.output


def test_it_does_not_run_under_a_newer_database(
    run: Run, outside: dict[str, str], own_database: str
) -> None:
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO tortoise_migrations (app, name, applied_at) "
            "VALUES ('models', '0999_later', now())"
        )
    assert "It is newer than this program (0999_later)." in run("check", **outside).output


def test_it_says_when_the_database_is_away(run: Run, outside: dict[str, str]) -> None:
    away = {"database_url": "postgresql://postgres@127.0.0.1:9/amends"}
    done = run("check", **(outside | away))
    assert "database  It does not answer. Check AMENDS_DATABASE_URL" in done.output


def test_it_names_settings_that_cannot_be(run: Run, outside: dict[str, str]) -> None:
    live = {"stripe_secret_key": "sk_live_123456"}
    done = run("check", **(outside | live))
    assert done.exit_code == 1
    assert "AMENDS_STRIPE_SECRET_KEY is a live key but AMENDS_STRIPE_API_BASE" in done.output
    assert "sk_live_123456" not in done.output


@pytest.mark.req("T58", "V13.2.2")
def test_a_door_asks_stripe_once_whether_its_key_moves_money(outside: dict[str, str]) -> None:
    def asked(key: str, base: str = outside["stripe_api_base"]) -> str:
        known = Settings(stripe_secret_key=SecretStr(key), stripe_api_base=base)
        return asyncio.run(probe_stripe.moves_money(known, Process.PORTAL))

    assert "moves money, and the portal must not" in asked("sk_test_worker")
    assert asked("rk_test_portal") == asked("rk_test_desk") == ""
    assert asked("rk_test_portal", "http://127.0.0.1:9") == "", "Stripe away is no reason"
