"""`python -m bench.money`: a worker for money and events; mail and documents are not measured."""

import asyncio
import contextlib
import signal

import procrastinate
import uvloop

from amends import jobs, settings, worker
from web import logs

_CONCURRENCY = 8


async def _money_only(app: procrastinate.App, concurrency: int) -> None:
    print("worker is running", flush=True)
    await worker._worker(app, [jobs.QUEUE_MONEY, jobs.QUEUE_EVENTS], concurrency)


async def _run() -> None:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await worker.run(settings.load(), _CONCURRENCY)


def main() -> None:
    logs.configure()
    worker._until_stopped = _money_only
    uvloop.run(_run())


if __name__ == "__main__":
    main()
