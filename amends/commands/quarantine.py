"""`amends quarantine`: are sends held back after a restore, and until when?"""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from amends import database, facts, quarantine
from amends.commands import environment
from amends.quarantine import Standing

T = TypeVar("T")


@click.group()
def command() -> None:
    """Hold all sends to Stripe back, or see why they are held back."""


@command.command()
def status() -> None:
    """Say whether anything is sent. Ends with 1 in quarantine."""
    found = _with_database(quarantine.standing)
    click.echo(words(found))
    sys.exit(1 if found.is_on else 0)


@command.command()
@click.argument("reason")
def enter(reason: str) -> None:
    """Send nothing from now on. Steps under way end; only `leave` ends the quarantine."""

    async def go() -> Standing:
        return await quarantine.enter_by_hand(reason, getpass.getuser())

    click.echo(words(_with_database(go)))


@command.command()
def leave() -> None:
    """End it. Refused until `amends reconcile` has completed since it began."""

    async def go() -> Standing:
        await quarantine.leave(getpass.getuser())
        return await quarantine.standing()

    try:
        click.echo(words(_with_database(go)))
    except facts.Refused as error:
        raise click.ClickException(str(error)) from None


def words(found: Standing) -> str:
    if found.is_on:
        done = "has completed" if found.reconciled_at else "has not completed yet"
        return (
            f"Quarantine since {found.since:%Y-%m-%d %H:%M} UTC, by {found.by}: {found.reason} "
            f"Nothing is sent. A reconciliation {done}."
        )
    if not found.is_clear:
        return f"Nothing is sent yet: {found.reason}"
    return "No quarantine; approved plans are carried out."


def _with_database(action: Callable[[], Awaitable[T]]) -> T:
    async def go() -> T:
        await database.connect(environment.load(), 2)
        try:
            return await action()
        finally:
            await database.disconnect()

    return asyncio.run(go())
