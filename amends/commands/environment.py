"""Settings for a command: wrong ones are named in words, not in a traceback."""

import click
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from amends import settings


def load() -> settings.Settings:
    """The settings, or an end with one line for each that is wrong."""
    try:
        return settings.load()
    except ValidationError as error:
        raise click.ClickException(" ".join(problems(error))) from None


def problems(error: ValidationError) -> list[str]:
    """What is wrong, by the names that operators use. Values are never repeated: secrets."""
    return [_sentence(detail) for detail in error.errors(include_input=False)]


def _sentence(detail: ErrorDetails) -> str:
    name = "_".join(str(part) for part in detail["loc"])
    words = detail["msg"].removeprefix("Value error, ")
    return f"AMENDS_{name.upper()}: {words}." if name else words
