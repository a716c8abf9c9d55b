"""What no process starts with: the whole matrix, each refusal with its reason and no value."""

import itertools
from datetime import date
from typing import Any

import pytest

from amends import starting
from amends.rights import Process
from amends.settings import Settings
from tests.commands.conftest import Run

TODAY = date(2026, 11, 23)
KEY = "fX9mQ2vTz7LpW4cRk8HsJd3NbYg6Ea1U"
OTHER = "uN4xB7wKe2RyC9tGh5ZmVq8SdLf3Pj6A"
WEBHOOK = "whsec_q8Zk2LwT5vRb9XcN1pHs"
MONEY, READS = "sk_test_51Q9zT", "rk_test_51Q9zT"
STARTED = {Process.PORTAL: READS, Process.BACKOFFICE: READS, Process.WORKER: MONEY}


def settings(process: Process, **changes: Any) -> Settings:
    values = {
        "secret_key": KEY,
        "stripe_webhook_secret": WEBHOOK,
        "stripe_secret_key": STARTED.get(process, ""),
        "portal_url": "https://refunds.northwind.example",
        "backoffice_url": "https://desk.northwind.example",
        "oidc_issuer": "https://id.northwind.example",
    }
    return Settings(**(values | changes))


def refusals(process: Process, **changes: Any) -> str:
    return " ".join(starting.refusals(settings(process, **changes), process, TODAY))


@pytest.mark.parametrize("process", list(Process))
def test_it_starts_with_settings_that_are_well(process: Process) -> None:
    assert refusals(process) == ""


ALL = tuple(Process)
DOORS = (Process.PORTAL, Process.BACKOFFICE)
ONLINE = {"go_live": "2026-11-20", "stripe_secret_key": "rk_live_51Q9zT"}
MATRIX: list[tuple[dict[str, str], tuple[Process, ...], str]] = [
    ({"secret_key": ""}, ALL, "AMENDS_SECRET_KEY is missing"),
    ({"secret_key": KEY[:31]}, ALL, "AMENDS_SECRET_KEY is too short (31 characters)"),
    ({"secret_key": "k" * 40}, ALL, "AMENDS_SECRET_KEY repeats itself"),
    ({"secret_key": "abababab" * 8}, ALL, "AMENDS_SECRET_KEY repeats itself"),
    ({"secret_key": f"change-me-{KEY}"}, ALL, "AMENDS_SECRET_KEY looks like a sample"),
    ({"secret_key": f"{KEY},short"}, ALL, "AMENDS_SECRET_KEY is too short"),
    ({"secret_keys_before": "short"}, ALL, "AMENDS_SECRET_KEY is too short"),
    ({"stripe_webhook_secret": ""}, (Process.PORTAL,), "WEBHOOK_SECRET is missing"),
    ({"stripe_webhook_secret": "whsec_test"}, (Process.PORTAL,), "is not a signing secret"),
    ({"stripe_webhook_secret": KEY}, (Process.PORTAL,), "is not a signing secret"),
    ({"stripe_webhook_secret": f"{WEBHOOK},x"}, (Process.PORTAL,), "is not a signing secret"),
    ({"stripe_secret_key": ""}, (*DOORS, Process.WORKER), "STRIPE_SECRET_KEY is missing"),
    ({"stripe_secret_key": "pk_live_51Q9zT"}, ALL, "is no key of Stripe's"),
    ({"stripe_secret_key": MONEY}, (*DOORS, Process.INBOX), "moves money, and the"),
    ({"stripe_secret_key": "sk_live_51Q9zT"}, (*DOORS, Process.INBOX), "moves money, and the"),
    ({"go_live": "2026-11-20", "stripe_secret_key": READS}, ALL, "is a test key, but"),
    ({"go_live": "2026-11-20", "stripe_secret_key": MONEY}, ALL, "is a test key, but"),
    (ONLINE | {"portal_url": "http://a.example"}, ALL, "AMENDS_PORTAL_URL has to begin"),
    (ONLINE | {"backoffice_url": "http://a.example"}, ALL, "AMENDS_BACKOFFICE_URL has to begin"),
    (ONLINE | {"oidc_issuer": "http://a.example"}, (Process.BACKOFFICE,), "OIDC_ISSUER has to"),
    (
        {"go_live": "2026-11-20", "stripe_api_base": "http://127.0.0.1:1/stripe"},
        ALL,
        "AMENDS_STRIPE_API_BASE is not Stripe",
    ),
    ({"go_live": "2026-11-20", "clock_file": "/tmp/clock"}, ALL, "AMENDS_CLOCK_FILE moves"),
    ({"go_live": "soon"}, ALL, "AMENDS_GO_LIVE is no day"),
]


@pytest.mark.req("V13.2.3", "V13.3.2", "V13.4.2", "T58", "F61")
@pytest.mark.parametrize(("row", "process"), list(itertools.product(range(len(MATRIX)), Process)))
def test_each_process_refuses_what_is_dangerous_for_it(row: int, process: Process) -> None:
    changes, refused_by, words = MATRIX[row]
    assert (words in refusals(process, **changes)) == (process in refused_by)


@pytest.mark.req("V13.2.3", "F61", "V13.2.4")
@pytest.mark.parametrize("base", ["https://api.stripe.com.evil.example", "http://127.0.0.1:9"])
def test_a_live_key_never_meets_a_foreign_address(base: str) -> None:
    with pytest.raises(ValueError, match="is a live key but AMENDS_STRIPE_API_BASE"):
        settings(Process.WORKER, stripe_secret_key="rk_live_51Q9zT", stripe_api_base=base)


def test_before_the_day_of_going_live_a_test_key_is_right() -> None:
    assert refusals(Process.WORKER, go_live="2026-11-24") == ""
    assert "test key" in refusals(Process.WORKER, go_live="2026-11-23")


@pytest.mark.req("V13.2.3", "V16.2.5", "T54")
@pytest.mark.parametrize(
    "command", [("serve", "portal"), ("serve", "backoffice"), ("worker",), ("inbox",)]
)
def test_the_commands_end_with_the_reason_and_without_the_value(
    run: Run, command: tuple[str, ...]
) -> None:
    done = run(*command, secret_key="hunter2-hunter2", stripe_webhook_secret="whsec_nope")
    assert done.exit_code == 1
    assert "does not start" in done.output
    assert "AMENDS_SECRET_KEY is too short (15 characters)" in done.output
    assert "hunter2" not in done.output and "whsec_nope" not in done.output
