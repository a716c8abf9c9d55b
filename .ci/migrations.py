"""Fails when the tables in the code and the migrations differ. Needs no database."""

import asyncio
import sys

from tortoise import Tortoise
from tortoise.migrations.autodetector import MigrationAutodetector
from tortoise.migrations.operations import AlterModelOptions

from amends import database


async def missing() -> list[str]:
    """What `tortoise makemigrations` would write."""
    config = database.config("postgresql://postgres@127.0.0.1/none")
    context = await Tortoise.init(config=config, init_connections=False)
    assert context.apps is not None
    found = await MigrationAutodetector(context.apps, config["apps"]).changes()
    operations = [operation for writer in found for operation in writer.operations]
    # Options change no column. The library also reads the key of a one-to-one table in two ways
    # ("case", "case_id") and would write such an operation for ever.
    return [o.describe() for o in operations if not isinstance(o, AlterModelOptions)]


if __name__ == "__main__":
    changes = asyncio.run(missing())
    for change in changes:
        sys.stderr.write(f"no migration for: {change}\n")
    sys.exit(1 if changes else 0)
