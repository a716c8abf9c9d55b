"""Fills an empty demo: python -m sandbox.seed --state FOLDER --people FILE. Settings as usual.

Runs before the sandbox starts, in one process with a twin of its own that leaves its state there.
"""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import click

from amends import accounts, clock, database, order_file, settings
from amends.gateways import stripe
from sandbox import mailbox
from sandbox.seed import order_list, past, requests, shop
from sandbox.seed.shop import Shop
from sandbox.seed.stage import Clock, Stage
from sandbox.stripe_twin import transport
from sandbox.stripe_twin.world import World


@click.command()
@click.option("--state", type=click.Path(path_type=Path), required=True)
@click.option("--people", type=click.Path(path_type=Path), required=True)
def main(state: Path, people: Path) -> None:
    """Write the shop's past into the twin, the mailbox and the database."""
    state.mkdir(parents=True, exist_ok=True)
    today = shop.load(datetime.now(UTC).date())
    asyncio.run(seed(today, state))
    people.write_text(json.dumps(_people(today), ensure_ascii=False, indent=1), encoding="utf-8")


def _people(today: Shop) -> list[dict[str, str]]:
    return [
        {
            "name": customer.contact_name,
            "organisation": customer.organisation,
            "email": customer.billing_email,
            "what_to_try": customer.try_this,
        }
        for customer in today.customers
    ]


async def seed(today: Shop, state: Path) -> None:
    playing = Clock(today.moment(0))
    world = World(now=lambda: playing.now().timestamp(), state_file=state / "stripe.jsonl")
    known = past.build(today, world)
    orders = state / "orders.csv"
    order_list.write(orders, today, known)
    server = mailbox.Server(mailbox.Mailbox(state / "mail", playing.now))
    # Mail of the past is delivered here, at the time it was written.
    os.environ["AMENDS_SMTP_URL"] = f"smtp://127.0.0.1:{server.port}"
    clock.use(wall=playing.now)
    stripe.use(stripe.for_transport(transport.client_for(world)))
    await server.start()
    await database.connect(settings.load(), 4)
    try:
        await _import(orders)
        await requests.play(Stage(today, known, settings.load(), playing))
    finally:
        await database.disconnect()
        await server.stop()
        world.save()


async def _import(orders: Path) -> None:
    """Through the same code as `amends import orders`."""
    with orders.open(encoding="utf-8", newline="") as lines:
        found = order_file.read(lines)
    assert not found.problems, found.problems
    await accounts.save(found.orders, lambda done: None)


if __name__ == "__main__":
    main()
