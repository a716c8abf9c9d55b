"""The worker as it is, with short waits, and the two red controls that must be caught."""

import asyncio
import os
import uuid
from random import Random
from typing import Any

import procrastinate

from amends import jobs, settings, worker
from amends.flow import advance, preflight, refund, sweep
from amends.gateways import stripe_client, stripe_money
from tests.crash.stage import Stage

# Real seconds. A worker that is not heard of for so long is taken for dead, even if it only stood.
_DEAD_AFTER_S = 1
_TIMEOUT_S = 1


def main(stage: Stage) -> None:
    """`amends worker`, with the waits of a fast world."""
    worker._DEAD_AFTER_S = _DEAD_AFTER_S
    worker._until_stopped = _until_stopped
    stripe_client.READ_TIMEOUT_S = stripe_client.MONEY_TIMEOUT_S = _TIMEOUT_S
    VARIANTS[stage.variant]()
    _tell_when_at_work(stage)
    asyncio.run(worker.run(settings.load(), concurrency=4))


def _tell_when_at_work(stage: Stage) -> None:
    """A file when so many looks have begun: only a worker at work is worth killing.

    However slow the machine is, the cases come on between two kills.
    """
    look, left = advance.advance, iter(range(Random(os.getpid()).randint(0, 7), -1, -1))

    async def look_and_tell(case_id: int) -> None:
        if next(left, None) == 0:
            stage.at_work(os.getpid()).touch()
        await look(case_id)

    advance.advance = look_and_tell


async def _until_stopped(app: procrastinate.App, concurrency: int) -> None:
    sweeping = asyncio.create_task(_sweep(app))
    await app.run_worker_async(
        queues=[jobs.QUEUE_MONEY, jobs.QUEUE_EVENTS],
        concurrency=concurrency,
        install_signal_handlers=False,
        delete_jobs="successful",
        fetch_job_polling_interval=0.2,
        update_heartbeat_interval=0.25,
        stalled_worker_timeout=_DEAD_AFTER_S,
    )
    sweeping.cancel()


async def _sweep(app: procrastinate.App) -> None:
    """What the periodic task does every five seconds, ten times as often."""
    while True:
        await worker._revive(app)
        await sweep.sweep()
        await asyncio.sleep(0.5)


def _as_it_is() -> None:
    """Nothing changed."""


def _random_key() -> None:
    """Red control: each try of a refund under a fresh key."""
    send = stripe_money.create_refund

    async def with_a_fresh_key(params: Any, key: str) -> Any:
        return await send(params, str(uuid.uuid4()))

    stripe_money.create_refund = with_a_fresh_key


def _no_look_up() -> None:
    """Red control: a refund whose answer was lost is sent again without asking Stripe."""
    refund.pick = lambda leg, refunds: None
    preflight.mine = lambda leg, refund: False


VARIANTS = {
    "as it is": _as_it_is,
    "a random key for each try": _random_key,
    "no look-up before a re-send": _no_look_up,
}
