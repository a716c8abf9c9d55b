"""The command line, one file per command; only the one that is asked for is imported."""

import importlib
from types import ModuleType

import click

# Name on the command line -> module here that holds it as `command`.
_MODULES = {
    "audit": "audit",
    "check": "check",
    "demo": "demo",
    "import": "importing",
    "inbox": "inbox",
    "migrate": "migrate",
    "privacy": "privacy",
    "quarantine": "quarantine",
    "reconcile": "reconcile",
    "serve": "serve",
    "version": "version",
    "worker": "worker",
}


class _Commands(click.Group):
    """Starting a door must not wait for the libraries of the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module: ModuleType = importlib.import_module(f"amends.commands.{_MODULES[cmd_name]}")
        command: click.Command = module.command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Amends: refund and re-billing as one governed request.

    Settings come from the environment, prefix AMENDS_. Try `amends demo` first.
    """
