"""`amends reconcile` and `amends quarantine`, as an operator runs them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from tortoise import Tortoise

from amends import clock, database
from amends.gateways import stripe
from amends.rules.people import Role
from tests import shop as shops
from tests.commands.conftest import Run
from tests.shop import VISA, Shop


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    made = Shop()
    made.take()
    monkeypatch.setattr(stripe, "configure", lambda settings: made.take())
    yield made
    clock.use()


def in_database(url: str, action: Callable[[], Awaitable[None]]) -> None:
    async def go() -> None:
        async with await Tortoise.init(config=database.config(url, 2)):
            await action()
            await Tortoise.close_connections()

    asyncio.run(go())


def test_it_prints_a_table_and_ends_with_0_when_all_agrees(
    run: Run, own_database: str, shop: Shop
) -> None:
    async def a_refund() -> None:
        sam, dana = await shops.person("Sam", Role.AGENT), await shops.person("Dana", Role.MANAGER)
        sold = await shops.sale(shop, (VISA, 80_000))
        await shops.work((await shops.approved(shop, sold, sam, dana)).case)

    in_database(own_database, a_refund)
    shop.pass_(minutes=1)

    result = run("reconcile")

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "Stripe from 2026-10-15 to 2026-11-24 15:01 UTC"
    assert "refunds                       1        1        1" in lines
    assert "USD refunded                     $800.00           $800.00" in lines
    assert lines[-1] == "No differences."


def test_it_ends_with_1_and_names_what_differs(run: Run, own_database: str, shop: Shop) -> None:
    async def past_amends() -> None:
        sold = await shops.sale(shop, (VISA, 80_000))
        shop.world.refund_in_dashboard(sold.deposits[0].charge_id, 500)

    in_database(own_database, past_amends)
    assert run("reconcile").exit_code == 1
    shop.pass_(days=2, minutes=1)

    result = run("reconcile")

    assert result.exit_code == 1
    assert "foreign refund                1   oldest: 2 days" in result.output
    assert "1 difference, on the exceptions desk." in result.output


def test_it_ends_with_2_when_stripe_is_away(run: Run, own_database: str, shop: Shop) -> None:
    from sandbox.stripe_twin.faults import FaultKind

    shop.world.faults.add("GET /v1/refunds", FaultKind.TIMEOUT_BEFORE)
    result = run("reconcile")
    assert result.exit_code == 2 and "Not finished" in result.output
    assert run("reconcile").exit_code == 0


def test_the_quarantine_from_the_command_line(run: Run, own_database: str, shop: Shop) -> None:
    assert "approved plans are carried out" in run("quarantine", "status").output
    assert "There is no quarantine" in run("quarantine", "leave").output

    entered = run("quarantine", "enter", "Moving to another server.")
    assert "Moving to another server. Nothing is sent." in entered.output
    assert run("quarantine", "status").exit_code == 1
    refused = run("quarantine", "leave")
    assert refused.exit_code == 1 and "Run `amends reconcile` first" in refused.output

    assert run("reconcile").exit_code == 0
    assert "A reconciliation has completed." in run("quarantine", "status").output
    assert run("quarantine", "leave").exit_code == 0
    assert run("quarantine", "status").exit_code == 0
