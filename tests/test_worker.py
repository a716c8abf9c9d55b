"""The worker process itself: its jobs run, its timers tick, and it stops when asked."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from tortoise import connections

from amends import clock, jobs, worker
from amends.models import Case, WorkerState
from amends.rules.people import Role
from amends.rules.workflow import Status
from tests import shop as shops
from tests.shop import VISA, Shop


async def test_the_sweeper_wakes_what_no_job_remembers(fresh_db: str) -> None:
    shop = Shop()
    shop.take()
    sam, dana = await shops.person("Sam", Role.AGENT), await shops.person("Dana", Role.MANAGER)
    made = await shops.approved(shop, await shops.sale(shop, (VISA, 500)), sam, dana)
    connection = connections.get("default")
    await connection.execute_query("DELETE FROM procrastinate_jobs")
    await WorkerState.all().delete()
    with worker.tasks.replace_connector(worker.connector(fresh_db)) as app:
        async with app.open_async():
            running = asyncio.create_task(
                app.run_worker_async(
                    queues=[jobs.QUEUE_MONEY, jobs.QUEUE_EVENTS],
                    install_signal_handlers=False,
                    fetch_job_polling_interval=0.2,
                )
            )
            await _until_resolved(made.case.id)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    assert (await Case.get(id=made.case.id)).status is Status.RESOLVED
    clock.use()


async def test_the_queues_statements_stand_alone(fresh_db: str) -> None:
    connector = worker.connector(fresh_db)
    await connector.open_async()
    async with connector.pool.connection() as connection:
        assert connection.autocommit
    await connector.close_async()


async def _until_resolved(case_id: int) -> None:
    deadline = asyncio.get_running_loop().time() + timedelta(seconds=25).total_seconds()
    while (await Case.get(id=case_id)).status is not Status.RESOLVED:
        assert asyncio.get_running_loop().time() < deadline, "nobody woke the case"
        await asyncio.sleep(0.2)


async def test_mail_and_documents_that_hang_never_delay_money(
    fresh_db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail server and a renderer that never answer, with a hundred of each before the money."""
    shop = Shop()
    shop.take()
    hanging, answered = list[str](), asyncio.Event()

    async def hang(name: str) -> None:
        hanging.append(name)
        await answered.wait()

    monkeypatch.setattr(worker.post, "send", hang)
    monkeypatch.setattr(worker.papers, "make", hang)
    for number in range(100):
        await jobs.defer(jobs.send_mail(f"m{number}"), jobs.make_document(f"d{number}"))
    sam, dana = await shops.person("Sam", Role.AGENT), await shops.person("Dana", Role.MANAGER)
    made = await shops.approved(shop, await shops.sale(shop, (VISA, 500)), sam, dana)
    with worker.tasks.replace_connector(worker.connector(fresh_db)) as app:
        async with app.open_async():
            running = asyncio.create_task(worker._until_stopped(app, 1))
            await _until_resolved(made.case.id)
            answered.set()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
    assert hanging
    assert (await Case.get(id=made.case.id)).status is Status.RESOLVED
    clock.use()
