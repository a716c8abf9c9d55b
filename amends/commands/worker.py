"""`amends worker`: carries out approved plans, sends mail, makes documents, keeps the clock."""

import click
import uvloop

from amends import worker
from amends.commands import environment
from amends.rights import Process
from web import logs


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 100),
    default=8,
    show_default=True,
    help="Cases and events at the same time.",
)
def command(concurrency: int) -> None:
    """Run a worker. Any number of them may run, on any number of machines.

    SIGTERM and Ctrl-C let the steps under way end first.
    """
    settings = environment.load_for(Process.WORKER)
    logs.configure()
    uvloop.run(worker.run(settings, concurrency))
