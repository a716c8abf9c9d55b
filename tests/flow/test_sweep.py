"""The sweeper wakes what is due and nothing else, in a bounded number of cheap statements."""

from collections.abc import AsyncIterator

import pytest
from tortoise import connections

from amends import clock, jobs
from amends.flow import sweep
from amends.rules.people import Role
from tests import shop as shops
from tests.shop import VISA, Shop

_ROWS = "SELECT queue_name, task_name, lock, args FROM procrastinate_jobs WHERE status = 'todo'"
_MANY = """
INSERT INTO webhook_event (id, type, object_id, related, created_at, received_at, source, outcome,
                           tries, next_try_at)
SELECT 'evt_' || each, 'customer.updated', 'cus_1', '{}', $1, $1, 'webhook', '', 0, $1
FROM generate_series(1, 3000) AS each
"""


@pytest.fixture
async def case_id(db: None) -> AsyncIterator[int]:
    shop = Shop()
    shop.take()
    sam, dana = await shops.person("Sam", Role.AGENT), await shops.person("Dana", Role.MANAGER)
    made = await shops.approved(shop, await shops.sale(shop, (VISA, 500)), sam, dana)
    await _sql("DELETE FROM procrastinate_jobs")
    yield made.case.id
    clock.use()


async def _sql(statement: str, *values: object) -> list[dict[str, object]]:
    return await connections.get("default").execute_query_dict(statement, list(values))


async def test_it_puts_down_the_same_job_as_the_step_that_was_lost(case_id: int) -> None:
    assert await sweep.sweep() == 1
    swept = await _sql(_ROWS)
    await _sql("DELETE FROM procrastinate_jobs")
    await jobs.defer(jobs.advance(case_id))
    assert swept == await _sql(_ROWS)


@pytest.mark.parametrize("status", ["todo", "doing"])
async def test_it_leaves_alone_what_waits_or_is_looked_at_already(
    case_id: int, status: str
) -> None:
    await jobs.defer(jobs.advance(case_id))
    await _sql("UPDATE procrastinate_jobs SET status = $1::procrastinate_job_status", status)
    assert await sweep.sweep() == 0


async def test_it_wakes_a_batch_of_a_full_queue_and_then_the_next(case_id: int) -> None:
    await _sql(_MANY, clock.now())
    woken = [await sweep.sweep() for _ in range(3)]
    assert woken == [sweep._BATCH + 1, sweep._BATCH, sweep._BATCH]


async def test_a_hundred_thousand_waiting_cases_are_not_even_read(case_id: int) -> None:
    await _sql("UPDATE case_ SET next_check_at = now() + interval '1 day'")
    await _sql("SET LOCAL enable_seqscan = off")
    wake, source, is_due, oldest = sweep._DUE[0]
    sql = sweep._WAKE.format(source=source, is_due=is_due, oldest=oldest)
    values = [clock.now(), 500, wake.queue, wake.task, "case_id", "case:"]
    plan = "\n".join(str(row["QUERY PLAN"]) for row in await _sql(f"EXPLAIN {sql}", *values))
    assert "ix_case_check" in plan, plan
