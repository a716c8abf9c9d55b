"""The worker: runs the queue's jobs. Any number of them, on any number of machines."""

import asyncio
import contextlib
import signal

import procrastinate
import procrastinate.testing
import psycopg
import structlog

from amends import (
    anchors,
    database,
    jobs,
    papers,
    pooler,
    post,
    quarantine,
    reconcile,
    retention,
    sign_in,
)
from amends.flow import (
    address_at_stripe,
    advance,
    correspondence_settled,
    file_checks,
    stripe_events,
    sweep,
)
from amends.gateways import stripe, stripe_connection
from amends.privacy import aging
from amends.rights import Process
from amends.settings import Settings, load

log = structlog.get_logger()
# A worker that has not been heard of for this long is dead; its jobs go to the others.
_DEAD_AFTER_S = 30
# Only for what no row remembers. Everything else is woken again by the sweeper; a retry would
# collide with the wake-up that waits, and the job would keep its lock for ever.
_RETRY = procrastinate.RetryStrategy(max_attempts=4, exponential_wait=3)
# Tasks are registered without a database; a running worker puts its own connection in.
tasks = procrastinate.App(connector=procrastinate.testing.InMemoryConnector())


@tasks.task(name="advance_case", queue=jobs.QUEUE_MONEY)
async def advance_case(case_id: int) -> None:
    await advance.work_on(case_id)


@tasks.task(name="look_at_event", queue=jobs.QUEUE_EVENTS)
async def look_at_event(event_id: str) -> None:
    await stripe_events.look(event_id)


@tasks.task(name="send_mail", queue=jobs.QUEUE_MAIL)
async def send_mail(mail_id: str) -> None:
    await post.send(mail_id)


@tasks.task(name="make_document", queue=jobs.QUEUE_DOCUMENTS)
async def make_document(document_id: str) -> None:
    await papers.make(document_id)


@tasks.task(name="follow_address", queue=jobs.QUEUE_EVENTS)
async def follow_address(change_id: int) -> None:
    try:
        await address_at_stripe.follow(change_id)
    except stripe.StripeError as error:
        log.warning("Stripe does not know a new address yet", error=str(error))


@tasks.task(name="mail_sign_in_code", queue=jobs.QUEUE_MAIL, retry=_RETRY)
async def mail_sign_in_code(email: str, browser_hash: str, address: str) -> None:
    await sign_in.mail_code(email, browser_hash, address)


@tasks.periodic(cron="* * * * * */5")
@tasks.task(name="sweep", queue=jobs.QUEUE_EVENTS, queueing_lock="sweep", pass_context=True)
async def sweep_due(context: procrastinate.JobContext, timestamp: int) -> None:
    await _revive(context.app)
    await sweep.sweep()
    if await quarantine.watch() or await reconcile.is_wanted():
        await jobs.defer(jobs.reconcile())


# Ten past three in the night, UTC; a killed run and a quarantine defer it too.
@tasks.periodic(cron="10 3 * * *")
@tasks.task(name="reconcile", queue=jobs.QUEUE_EVENTS, queueing_lock="reconcile")
async def reconcile_all(timestamp: int) -> None:
    try:
        report = await reconcile.run()
    except (reconcile.Busy, stripe.StripeError) as error:
        log.warning("reconciliation is not finished", error=str(error))
        return
    log.info("reconciled", differences=report.differences, repaired=report.repaired)


@tasks.periodic(cron="40 3 * * *")
@tasks.task(name="forget_old", queue=jobs.QUEUE_MAIL, queueing_lock="forget_old")
async def forget_old(timestamp: int) -> None:
    """What nobody needs any more, by the rules of retention."""
    await retention.forget_old()
    await aging.remind()


@tasks.periodic(cron="* * * * *")
@tasks.task(name="check_files", queue=jobs.QUEUE_DOCUMENTS, queueing_lock="check_files")
async def check_files(timestamp: int) -> None:
    """Files that came while the virus scanner was away."""
    await file_checks.look()


@tasks.periodic(cron="50 3 * * *")
@tasks.task(name="anchor", queue=jobs.QUEUE_MAIL, queueing_lock="anchor")
async def anchor_history(timestamp: int) -> None:
    """The ends of all chains, noted outside of the database."""
    made = await anchors.nightly()
    log.info("history anchored", cases=made.cases, entries=made.entries, root=made.root)


@tasks.periodic(cron="*/5 * * * *")
@tasks.task(name="catch_up", queue=jobs.QUEUE_EVENTS, queueing_lock="catch_up")
async def catch_up(timestamp: int) -> None:
    await address_at_stripe.catch_up()
    await correspondence_settled.settle()
    try:
        await stripe_events.catch_up()
    except stripe.StripeError as error:
        log.warning("catch-up did not reach Stripe", error=str(error))


async def _revive(app: procrastinate.App) -> None:
    """Jobs of a killed worker stay "doing" for ever unless someone takes them back."""
    stalled = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_S)
    for job in stalled:
        with contextlib.suppress(procrastinate.exceptions.ProcrastinateException):
            await _take_back(app, job)


async def _take_back(app: procrastinate.App, job: procrastinate.jobs.Job) -> None:
    """To do again; or over, when its next wake-up waits already: it holds that one's lock."""
    try:
        await app.job_manager.retry_job(job)
    except procrastinate.exceptions.UniqueViolation:
        await app.job_manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=True)


def connector(database_url: str) -> procrastinate.PsycopgConnector:
    # Behind a pooler a statement that psycopg prepared would be missing on the next connection.
    statements = {"prepare_threshold": None} if pooler.is_meant(database_url) else {}
    return procrastinate.PsycopgConnector(
        conninfo=pooler.libpq(database_url),
        min_size=1,
        max_size=4,
        kwargs=statements,
        configure=_each_alone,
    )


async def _each_alone(connection: psycopg.AsyncConnection[object]) -> None:
    """The queue's statements stand alone; BEGIN and COMMIT would be two more round trips each."""
    await connection.set_autocommit(True)


async def run(settings: Settings, concurrency: int = 8) -> None:
    """Work until SIGTERM or SIGINT; a job under way gets 20 seconds to end."""
    url = database.url(settings, Process.WORKER)
    await database.connect(settings, concurrency + 4, Process.WORKER)
    try:
        async with stripe_connection.kept(settings):
            await quarantine.check()
            # Periodic tasks hold on to their own app: its connector is replaced, not the app.
            with tasks.replace_connector(connector(url)) as app:
                async with app.open_async():
                    await _until_stopped(app, concurrency)
    finally:
        await database.disconnect()


async def _until_stopped(app: procrastinate.App, concurrency: int) -> None:
    """Money and events have workers of their own: papers and mail never delay them."""
    running = [
        asyncio.create_task(_worker(app, [jobs.QUEUE_MONEY, jobs.QUEUE_EVENTS], concurrency)),
        asyncio.create_task(_worker(app, [jobs.QUEUE_MAIL, jobs.QUEUE_DOCUMENTS], 2)),
    ]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: [each.cancel() for each in running])
    log.info("worker is running", concurrency=concurrency)
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for each in running:
        each.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    for each in done:
        if not each.cancelled() and each.exception() is not None:
            raise each.exception() or RuntimeError("a worker ended")


async def _worker(app: procrastinate.App, queues: list[str], concurrency: int) -> None:
    pooled = pooler.is_meant(load().database_url)
    await app.run_worker_async(
        queues=queues,
        concurrency=concurrency,
        install_signal_handlers=False,
        shutdown_graceful_timeout=20,
        delete_jobs="successful",
        # A pooler brings no notifications: then new jobs are asked for.
        listen_notify=not pooled,
        fetch_job_polling_interval=0.5 if pooled else 2,
        update_heartbeat_interval=5,
        stalled_worker_timeout=_DEAD_AFTER_S,
    )
