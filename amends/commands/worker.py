"""`amends worker`: carries out approved plans, sends mail, makes documents, keeps the clock."""

import asyncio
import signal

import click

from amends import worker
from amends.commands import environment
from amends.settings import Settings


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="Jobs at the same time.",
)
def command(concurrency: int) -> None:
    """Run a worker. Any number of them may run, on any number of machines."""
    asyncio.run(_until_told(environment.load(), concurrency))


async def _until_told(settings: Settings, concurrency: int) -> None:
    """Run until SIGTERM or SIGINT; the steps under way are finished first."""
    work = asyncio.create_task(worker.run(settings, concurrency))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        click.echo("The worker has stopped.")
