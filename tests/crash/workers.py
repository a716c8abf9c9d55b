"""The worker as it is, with short waits, and the two red controls that must be caught."""

import asyncio
import functools
import os
import uuid
from typing import Any

import procrastinate

from amends import jobs, quarantine, settings, worker
from amends.flow import advance, preflight, refund, sweep
from amends.gateways import stripe_client, stripe_money
from tests.crash.stage import Stage

# Real seconds. A worker that is not heard of for so long is taken for dead, even if it only stood.
_DEAD_AFTER_S = 1
_TIMEOUT_S = 0.5
# How many objects a starting worker compares; two hundred take it longer than it may live here.
_NEWEST = 20


def main(stage: Stage) -> None:
    """`amends worker`, with the waits of a fast world."""
    worker._DEAD_AFTER_S = _DEAD_AFTER_S
    worker._until_stopped = functools.partial(_wait_and_work, stage)
    stripe_client.READ_TIMEOUT_S = stripe_client.MONEY_TIMEOUT_S = _TIMEOUT_S
    quarantine.NEWEST = _NEWEST
    VARIANTS[stage.variant]()
    _tell_when_at_work(stage)
    asyncio.run(worker.run(settings.load(), concurrency=8))


def _tell_when_at_work(stage: Stage) -> None:
    """A file when the first look begins: only a worker at work is worth killing."""
    look = advance.advance

    async def tell_and_look(case_id: int) -> None:
        advance.advance = look
        stage.at_work(os.getpid()).touch()
        await look(case_id)

    advance.advance = tell_and_look


async def _wait_and_work(stage: Stage, app: procrastinate.App, concurrency: int) -> None:
    """A spare has done all that a start does, and takes a killed one's place at once."""
    if stage.starting >= 0:
        stage.warm(os.getpid()).touch()
        await asyncio.get_running_loop().run_in_executor(None, os.read, stage.starting, 1)
    await _until_stopped(app, concurrency)


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
        # A worker that could not ask Stripe at its start holds all sends back until it has.
        await quarantine.watch()
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
