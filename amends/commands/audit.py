"""`amends audit`: has anybody changed the history?"""

import sys
import time

import click

from amends import audit, database
from amends.commands import environment

_MOST_SHOWN = 100


@click.group()
def command() -> None:
    """Check the tamper-evident history."""


@command.command()
def verify() -> None:
    """Recompute every chain. Lists broken rows and ends with 1 if there are any."""
    started = time.monotonic()
    report = audit.verify(database.url(environment.load()))
    for broken in report.broken[:_MOST_SHOWN]:
        click.echo(str(broken))
    if len(report.broken) > _MOST_SHOWN:
        click.echo(f"and {len(report.broken) - _MOST_SHOWN:,} more")
    seconds = time.monotonic() - started
    click.echo(
        f"{report.rows:,} entries of {report.cases:,} requests checked in {seconds:.1f} s: "
        + (f"{len(report.broken):,} are broken." if report.broken else "nothing is broken.")
    )
    sys.exit(1 if report.broken else 0)
