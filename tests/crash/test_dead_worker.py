"""A killed worker's jobs come back, whatever waits behind them."""

import pytest
from tortoise import connections

from amends import jobs, worker

_DOING = """
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, status)
VALUES ('money', 'advance_case', 0, 'case:1', 'case:1', '{"case_id": 1}', 'doing')
"""


async def _jobs() -> list[str]:
    rows = await connections.get("default").execute_query_dict(
        "SELECT status::text FROM procrastinate_jobs WHERE lock = 'case:1'"
    )
    return sorted(row["status"] for row in rows)


@pytest.mark.parametrize("another_waits", [False, True])
async def test_the_case_of_a_dead_worker_is_given_back(fresh_db: str, another_waits: bool) -> None:
    """Taken back, it would collide with the wake-up that the sweeper put behind it."""
    await connections.get("default").execute_query(_DOING)
    if another_waits:
        await jobs.defer(jobs.advance(1))
    with worker.tasks.replace_connector(worker.connector(fresh_db)) as app:
        async with app.open_async():
            await worker._revive(app)
    assert await _jobs() == ["todo"]
