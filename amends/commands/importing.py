"""`amends import`: customers, orders and deposits from the shop's own list."""

import asyncio
import csv
import io
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NoReturn

import click
from tortoise.exceptions import OperationalError

from amends import accounts, database, order_file
from amends.accounts import Count, Progress, Saved
from amends.commands import environment
from amends.order_file import OrderRow, Problem

_MOST_SHOWN = 50
Write = Callable[[Sequence[OrderRow], Progress], Awaitable[Saved]]


@click.group()
def command() -> None:
    """Bring in customers, orders and deposits."""


@command.command()
def template() -> None:
    """Print the header and one example row."""
    out = io.StringIO(newline="")
    rows = csv.DictWriter(out, order_file.COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerow(order_file.EXAMPLE)
    click.echo(out.getvalue(), nl=False)


@command.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check everything and write nothing.")
def orders(file: Path, dry_run: bool) -> None:
    """Import FILE, a comma-separated list with one order a line.

    Everything is imported or nothing. Importing again updates what changed.
    """
    rows = _read(file)
    write = accounts.rehearse if dry_run else accounts.save
    try:
        saved = asyncio.run(_write(rows, write))
    except accounts.NotSaved as error:
        _stop(file, error.problems)
    click.echo("Nothing was written; this would happen:" if dry_run else f"Imported {file.name}.")
    _report(saved)


def _read(file: Path) -> Sequence[OrderRow]:
    raw = file.read_bytes()
    try:
        found = order_file.read(io.StringIO(raw.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        _stop(file, [Problem(line, "", "It is not UTF-8 text. Save the file as CSV UTF-8.")])
    if found.problems:
        _stop(file, found.problems)
    if not found.orders:
        _stop(file, [Problem(2, "", "There is no order. Add at least one line.")])
    return found.orders


async def _write(rows: Sequence[OrderRow], write: Write) -> Saved:
    await database.connect(environment.load(), max_connections=2)
    try:
        with click.progressbar(length=2 * len(rows), label="Orders", file=sys.stderr) as bar:
            return await write(rows, bar.update)
    except OperationalError:
        raise click.ClickException(
            "The database does not take it: its tables are missing or old. Run `amends migrate`."
        ) from None
    finally:
        await database.disconnect()


def _report(saved: Saved) -> None:
    for name in ("accounts", "orders", "deposits"):
        count: Count = getattr(saved, name)
        click.echo(
            f"{name:>8}: {count.total:,} ({count.new:,} new, {count.changed:,} changed, "
            f"{count.same:,} as before, {count.removed:,} removed)"
        )
    if saved.new_addresses:
        shown = ", ".join(saved.new_addresses[:_MOST_SHOWN])
        click.echo(
            f"The billing address changed for: {shown}. They sign in with the new one; charging "
            f"a new card is on hold for {accounts.REBILL_HOLD.days} days."
        )


def _stop(file: Path, problems: Sequence[Problem]) -> NoReturn:
    count = "1 thing" if len(problems) == 1 else f"{len(problems)} things"
    click.echo(f"Nothing was imported. {count} to correct in {file.name}:", err=True)
    for problem in problems[:_MOST_SHOWN]:
        click.echo(f"  {problem}", err=True)
    if len(problems) > _MOST_SHOWN:
        click.echo(f"  and {len(problems) - _MOST_SHOWN} more.", err=True)
    sys.exit(1)
