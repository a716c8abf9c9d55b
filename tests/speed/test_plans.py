"""How PostgreSQL carries out what the hottest pages ask: never by reading a large table whole."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tortoise import Tortoise, connections

from amends import clock, database, quarantine
from amends.flow import address_at_stripe, sweep
from amends.rules.workflow import Status
from bench import fill, pages
from tests import shop as shops
from tests.backoffice import desk, scene
from tests.speed.counting import Statement, statements

# Tables that grow with every case, customer or payment.
LARGE = {
    "case_", "account", "order_", "deposit", "plan", "leg", "approval", "attempt", "ledger",
    "message", "timeline", "identity_check", "document", "mail", "stripe_reading", "charge_claim",
    "webhook_event", "session", "attachment",
}  # fmt: skip

_EXPLAINED = ("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")
DESK_PAGES = ("/exceptions", "/disputes", "/customers/bn-1", "/search?q=4242", "/profile")


async def _read_whole(asked: Sequence[Statement]) -> dict[str, set[str]]:
    """Large tables that a statement reads from end to end."""
    found = {}
    for each in {each.sql: each for each in asked}.values():
        if not each.sql.lstrip().upper().startswith(_EXPLAINED):
            continue
        rows = await connections.get("default").execute_query_dict(
            f"EXPLAIN (FORMAT JSON) {each.sql}", list(each.values)
        )
        plan = json.loads(rows[0]["QUERY PLAN"])[0]["Plan"]
        if tables := LARGE & set(_sequential(plan)):
            found[str(each)[:150]] = tables
    return found


def _sequential(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _sequential(child)


@pytest.mark.usefixtures("db")
async def test_every_statement_of_the_hot_pages_has_an_index() -> None:
    """Small tables are read whole with good reason; forbidden to, PostgreSQL shows its index."""
    harbor = await scene.harbor()
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case, _ = await scene.proposed(harbor, sam)
    client = await desk.browser(dana)
    hot = [f"/queue?view={view}" for view in ("my", "unassigned", "manager", "flight", "all")]
    hot += [f"/cases/{case.ref}?view=all", "/approvals", "/refunds", "/customers/hf-0213"]
    hot += [
        f"/search?q={q}" for q in ("SO-10482", "4242", "re_x", "a@b.example", "customs+scanner")
    ]
    with statements() as asked:
        for path in hot:
            assert (await client.get(path)).status_code in (200, 303)
    await connections.get("default").execute_script("SET LOCAL enable_seqscan = off")
    assert await _read_whole(asked) == {}


@pytest.fixture
async def filled(fresh_db: str) -> AsyncIterator[None]:
    await Tortoise.close_connections()
    await fill.fill(fresh_db, 100_000)
    await Tortoise.init(config=database.config(fresh_db, 4), _enable_global_fallback=True)
    yield
    await Tortoise.close_connections()


async def _worked_on() -> None:
    """What the worker does with a case from approval to proof, its events, and what is due."""
    shop = shops.Shop(seed=2)  # the first one's ids are the prototypes'
    shop.time.at = clock.now()
    shop.take()
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    sold = await shops.sale(shop, (shops.AMEX, 120_000), (shops.VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    for _ in range(3):  # refunds, their events, the new charge, its events
        case = await shops.work(made.case)
        await shops.deliver_and_look(shop)
    assert case.status is Status.RESOLVED
    await sweep.sweep()
    await quarantine.watch()
    await address_at_stripe.catch_up()


@pytest.mark.slow
async def test_with_a_hundred_thousand_cases_nothing_hot_reads_a_large_table_whole(
    filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of both doors and the worker, with statistics as they are: PostgreSQL chooses."""
    shops.with_webhook_secret(monkeypatch)
    assert await _small() == set()
    hot = list((await pages.pages_of()).values())
    hot += [replace(hot[3], path=path) for path in DESK_PAGES]
    with statements() as asked:
        for page in hot:
            await page.get()
        try:
            await _worked_on()
        finally:
            clock.use()
    assert len({each.sql for each in asked}) > 75
    assert await _read_whole(asked) == {}


async def _small() -> set[str]:
    """Those of the large tables that are not large here: of them a plan would say nothing."""
    rows = await connections.get("default").execute_query_dict(
        "SELECT relname FROM pg_class WHERE relname = ANY($1::text[]) AND reltuples < 5000",
        [sorted(LARGE)],
    )
    return {row["relname"] for row in rows}
