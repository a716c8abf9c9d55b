"""How PostgreSQL carries out what the hottest pages ask: never by reading a large table whole."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from tortoise import Tortoise, connections

from amends import database
from bench import fill, pages
from tests.backoffice import desk, scene
from tests.speed.counting import Statement, statements

# Tables that grow with every case, customer or payment.
LARGE = {
    "case_", "account", "order_", "deposit", "plan", "leg", "approval", "attempt", "ledger",
    "message", "timeline", "identity_check", "document", "mail", "stripe_reading", "charge_claim",
    "webhook_event", "session", "attachment",
}  # fmt: skip


async def _read_whole(asked: Sequence[Statement]) -> dict[str, set[str]]:
    """Large tables that a statement reads from end to end."""
    found = {}
    for each in asked:
        if not each.sql.lstrip().upper().startswith(("SELECT", "WITH")):
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


@pytest.mark.slow
async def test_with_a_hundred_thousand_cases_no_page_reads_a_large_table_whole(
    filled: None,
) -> None:
    with statements() as asked:
        for page in (await pages.pages_of()).values():
            await page.get()
    assert await _read_whole([each for each in asked if "LIKE 'BN" not in each.sql]) == {}
