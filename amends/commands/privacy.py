"""`amends privacy`: hand out, or erase, all that is held on a customer."""

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from amends import database, facts
from amends.commands import environment
from amends.privacy import aging
from amends.privacy import erase as erasing
from amends.privacy import export as exporting
from amends.privacy import subject as subjects
from amends.privacy.subject import Subject

T = TypeVar("T")


@click.group()
def command() -> None:
    """Answer a customer who asks what is held on them, or wants to be erased."""


@command.command()
@click.argument("address")
@click.option(
    "--to",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("personal-data.zip"),
    show_default=True,
    help="Where to write it; nobody else may read it.",
)
def export(address: str, to: Path) -> None:
    """Write everything held under ADDRESS into a zip: JSON, files and documents.

    Read it before you hand it out: notes of the staff are in it too.
    """
    made = _done(address, exporting.archive)
    to.touch(mode=0o600)
    to.chmod(0o600)
    to.write_bytes(made)
    click.echo(f"{to}: {len(made):,} bytes")


@command.command()
@click.argument("address")
@click.option("--reason", required=True, help="Why, for the record; without the person's name.")
@click.option("--by", default=getpass.getuser, help="Who does it, for the record.")
@click.option("--yes", is_flag=True, help="Really do it. It cannot be undone.")
def erase(address: str, reason: str, by: str, yes: bool) -> None:
    """Erase the person at ADDRESS. Amounts, days and hashes of what happened stay.

    Refused while a case, an audit or a dispute needs the data. Backups and Stripe keep theirs:
    see docs/PRIVACY.md.
    """
    if not yes:
        click.echo(_done(address, _preview))
        raise click.ClickException("Nothing was erased. Repeat it with --yes.")
    wish = erasing.Wish(by, reason)
    done = _done(address, lambda subject: erasing.erase(subject, wish))
    click.echo(
        f"Erased: {done.accounts} accounts, the words of {done.cases} requests and "
        f"{done.entries} entries of their history, {done.files} files. The record keeps when and "
        "why. Run `amends audit verify` to see that the history holds."
    )


@command.command()
@click.option("--by", default=getpass.getuser, help="Who does it, for the record.")
@click.option("--yes", is_flag=True, help="Really do it. It cannot be undone.")
def old(by: str, yes: bool) -> None:
    """Erase the words, names and addresses of cases that closed long ago.

    Their accounts stay, amounts and the history's hashes too. Put it on a monthly timer.
    """
    try:
        click.echo(asyncio.run(_connected(partial(_forget_old, by, yes))))
    except facts.Fact as fact:
        raise click.ClickException(str(fact)) from None


async def _forget_old(by: str, yes: bool) -> str:
    if not yes:
        return f"{len(await aging.due())} cases are due. Nothing was erased: repeat it with --yes."
    done, refused = await aging.forget(by)
    return "\n".join([f"Erased: the words of {len(done)} cases.", *refused])


async def _preview(subject: Subject) -> str:
    found = await erasing.obstacles(subject)
    words = f"{len(subject.accounts)} accounts and {len(subject.cases)} requests would lose names, "
    return "\n".join([f"{words}words and files.", *(f"Refused: {each}" for each in found)])


def _done(address: str, act: Callable[[Subject], Awaitable[T]]) -> T:
    """Run it on the person at this address; a refusal is a sentence."""
    try:
        return asyncio.run(_with_database(address, act))
    except facts.Fact as fact:
        raise click.ClickException(str(fact)) from None


async def _with_database(address: str, act: Callable[[Subject], Awaitable[T]]) -> T:
    return await _connected(lambda: _found(address, act))


async def _found(address: str, act: Callable[[Subject], Awaitable[T]]) -> T:
    return await act(await subjects.find(address))


async def _connected(act: Callable[[], Awaitable[T]]) -> T:
    await database.connect(environment.load(), 2)
    try:
        return await act()
    finally:
        await database.disconnect()
