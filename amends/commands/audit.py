"""`amends audit`: has anybody changed the history?"""

import sys
import time
from typing import TextIO

import click

from amends import audit, database
from amends.commands import environment

_MOST_SHOWN = 100


@click.group()
def command() -> None:
    """Check the tamper-evident history."""


@command.command()
def heads() -> None:
    """Print the end of every chain, to be kept elsewhere for `verify --noted`."""
    for line in audit.heads(database.url(environment.load())):
        click.echo(line)


@command.command()
@click.option(
    "--noted",
    type=click.File(encoding="utf-8"),
    help="What `amends audit heads` printed at an earlier time: is all of it still there?",
)
def verify(noted: TextIO | None) -> None:
    """Recompute every chain. Lists broken rows and ends with 1 if there are any."""
    started = time.monotonic()
    report = audit.verify(database.url(environment.load()), _read(noted))
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


def _read(noted: TextIO | None) -> dict[audit.Place, str]:
    try:
        return audit.read_heads(noted or ())
    except ValueError:
        words = "The noted heads cannot be read. Give a file that `amends audit heads` wrote."
        raise click.ClickException(words) from None
