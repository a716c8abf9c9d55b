"""Settings for a command: wrong ones are named in words, not in a traceback."""

import click
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from amends import clock, settings, starting
from amends.rights import Process


def load() -> settings.Settings:
    """The settings, or an end with one line for each that is wrong."""
    try:
        return settings.load()
    except ValidationError as error:
        raise click.ClickException(" ".join(problems(error))) from None


def load_for(process: Process) -> settings.Settings:
    """The settings for a process that starts; it does not when one of them is dangerous."""
    known = load()
    if reasons := starting.refusals(known, process, clock.now().date()):
        lines = "\n".join(f"  {reason}" for reason in reasons)
        raise click.ClickException(f"The {process} does not start:\n{lines}")
    return known


def problems(error: ValidationError) -> list[str]:
    """What is wrong, by the names that operators use. Values are never repeated: secrets."""
    return [_sentence(detail) for detail in error.errors(include_input=False)]


def _sentence(detail: ErrorDetails) -> str:
    name = "_".join(str(part) for part in detail["loc"])
    words = detail["msg"].removeprefix("Value error, ")
    return f"AMENDS_{name.upper()}: {words}." if name else words
