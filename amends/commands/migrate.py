"""`amends migrate`: brings the database to this version's tables and rights."""

import asyncio

import click

from amends import database, migrate
from amends.commands import environment


@click.command()
def command() -> None:
    """Create or update the tables. Safe to run again, and while Amends runs."""
    todo = asyncio.run(migrate.run(database.url(environment.load())))
    click.echo("The database is up to date.")
    if todo:
        click.echo(todo)
