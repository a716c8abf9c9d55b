"""`amends audit`: has anybody changed the history?"""

import asyncio
import sys
import time
from pathlib import Path
from typing import TextIO

import click

from amends import anchors, audit, database
from amends.commands import environment
from amends.settings import Settings

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
@click.option(
    "--anchors",
    "copy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of the file of anchors, instead of the one in the data folder.",
)
@click.option("--mailed", help="The hash of an anchor's mail: is that anchor in the file?")
def verify(noted: TextIO | None, copy: Path | None, mailed: str | None) -> None:
    """Recompute every chain, and compare with the anchors. Ends with 1 if something is broken."""
    started = time.monotonic()
    known = environment.load()
    book = anchors.read(copy or anchors.path(known))
    faults = [*book.faults, *_unknown(book, mailed)]
    report = audit.verify(database.url(known), {**book.noted, **_read(noted)})
    for line in [*faults, *map(str, report.broken[:_MOST_SHOWN])]:
        click.echo(line)
    if len(report.broken) > _MOST_SHOWN:
        click.echo(f"and {len(report.broken) - _MOST_SHOWN:,} more")
    seconds = time.monotonic() - started
    click.echo(
        f"{report.rows:,} entries of {report.cases:,} requests checked in {seconds:.1f} s: "
        + (f"{len(report.broken):,} are broken." if report.broken else "nothing is broken.")
    )
    click.echo(_anchored(book))
    sys.exit(1 if report.broken or faults else 0)


@command.command()
@click.option(
    "--anew",
    default="",
    metavar="REASON",
    help="After a restore: what older anchors noted and the backup lacks is known to be lost.",
)
def anchor(anew: str) -> None:
    """Note the ends of all chains now; the worker does it every night."""
    made = asyncio.run(_anchor(environment.load(), anew))
    click.echo(f"{made.entries:,} entries of {made.cases:,} requests noted: {made.root}")


async def _anchor(known: Settings, anew: str) -> anchors.Anchor:
    await database.connect(known, 2)
    try:
        return await anchors.add(anchors.read(anchors.path(known)), anew)
    finally:
        await database.disconnect()


def _unknown(book: anchors.Book, mailed: str | None) -> list[str]:
    if mailed is None or mailed in {each.root for each in book.anchors}:
        return []
    return [f"the mailed anchor {mailed} is not in the file: anchors were taken out of it"]


def _anchored(book: anchors.Book) -> str:
    if not book.anchors:
        return "There are no anchors yet; the worker writes one every night."
    anew = [f" Anew since {each.at}: {each.anew}." for each in book.anchors if each.anew]
    return f"Compared with {len(book.anchors):,} anchors, the last of {book.anchors[-1].at}." + (
        anew[-1] if anew else ""
    )


def _read(noted: TextIO | None) -> dict[audit.Place, str]:
    try:
        return audit.read_heads(noted or ())
    except ValueError:
        words = "The noted heads cannot be read. Give a file that `amends audit heads` wrote."
        raise click.ClickException(words) from None
