"""Server mode: posts webhooks to their endpoints, again and again for three days of twin time."""

from typing import TYPE_CHECKING

import anyio
import httpx2

from sandbox.stripe_twin.webhooks import Delivery, Mode

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# How often the queue is looked at; deliveries wait at most this long.
_EVERY_S = 0.1
_TIMEOUT_S = 10.0
_AT_ONCE = 8


async def run(world: "World") -> None:
    """Runs until cancelled."""
    world.webhook_mode = Mode.SERVER
    async with httpx2.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client:
        while True:
            world.run_due()
            await deliver_due(world, client)
            await anyio.sleep(_EVERY_S)


async def deliver_due(world: "World", client: httpx2.AsyncClient) -> None:
    """Posts everything that is due, a few at a time, as Stripe does without order."""
    due = world.webhooks.take()
    for start in range(0, len(due), _AT_ONCE):
        async with anyio.create_task_group() as group:
            for delivery in due[start : start + _AT_ONCE]:
                group.start_soon(_post, world, client, delivery)
    if due:
        world.save()


async def _post(world: "World", client: httpx2.AsyncClient, delivery: Delivery) -> None:
    try:
        answer = await client.post(delivery.url, content=delivery.body, headers=delivery.headers)
    except httpx2.HTTPError:
        world.webhooks.failed(delivery)
        return
    # A redirect counts as a failure.
    if answer.is_success:
        world.webhooks.delivered(delivery)
    else:
        world.webhooks.failed(delivery)
