"""`python -m bench.outside`: the Stripe twin in a process of its own, and the cases it makes.

Its own CPU is nobody's cost. `GET /_bench/cases/{n}` makes n approved cases whose jobs are put
aside; `GET /_bench/go/{n}` gives n to the worker; `GET /_bench/slow/{ms}` sets the latency.
"""

import argparse
import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tortoise import Tortoise, connections

from amends import clock, database
from amends.gateways import stripe_client
from amends.rules.people import Role, Staff
from bench import processes
from sandbox.stripe_twin import deliver
from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.transport import client_for
from sandbox.stripe_twin.world import World
from tests import shop as shops
from tests.shop import AMEX, MASTERCARD, VISA

_ASIDE = (
    "CREATE TABLE IF NOT EXISTS bench_jobs AS SELECT * FROM procrastinate_jobs WHERE false",
    "INSERT INTO bench_jobs SELECT * FROM procrastinate_jobs WHERE queue_name = 'money'",
    "DELETE FROM procrastinate_jobs WHERE queue_name = 'money'",
    "UPDATE case_ SET next_check_at = NULL WHERE status = 'approved'",
)
_GO = """
WITH taken AS (
  DELETE FROM bench_jobs WHERE id IN (SELECT id FROM bench_jobs ORDER BY id LIMIT $1) RETURNING *),
due AS (
  UPDATE case_ SET next_check_at = now()
  WHERE id IN (SELECT (args->>'case_id')::bigint FROM taken))
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
SELECT queue_name, task_name, priority, lock, queueing_lock, args FROM taken ORDER BY id
ON CONFLICT DO NOTHING
"""


@dataclass
class _Now:
    @property
    def at(self) -> datetime:
        return clock.now()


@dataclass
class Outside:
    """What tests/shop.py needs of a shop: a twin and a clock."""

    world: World
    time: _Now = field(default_factory=_Now)
    staff: list[Staff] = field(default_factory=list)


async def _people(outside: Outside) -> tuple[Staff, Staff]:
    if not outside.staff:
        outside.staff += [
            await shops.person("Sam Ito", Role.AGENT),
            await shops.person("Dana Cole", Role.MANAGER),
        ]
    return outside.staff[0], outside.staff[1]


async def make(outside: Outside, cases: int, deposits: int) -> None:
    """Approved re-bills of one or two deposits; the worker does not see them yet."""
    shop, (sam, dana) = cast(shops.Shop, outside), await _people(outside)
    for number in range(cases):
        cards = [(AMEX, 120_000 + number), (VISA, 80_000 + number)][:deposits]
        await shops.approved(shop, await shops.sale(shop, *cards), sam, dana, new_card=MASTERCARD)
    await _run(_ASIDE)


async def _run(statements: tuple[str, ...]) -> None:
    for statement in statements:
        await connections.get("default").execute_query(statement)


def _control(outside: Outside) -> list[Route]:
    async def cases(request: Request) -> Response:
        await make(outside, request.path_params["n"], request.path_params["deposits"])
        return PlainTextResponse("made")

    async def go(request: Request) -> Response:
        cases = request.path_params["n"]
        await connections.get("default").execute_query_dict(_GO, [cases])
        return PlainTextResponse("gone")

    async def slow(request: Request) -> Response:
        outside.world.latency_s = request.path_params["ms"] / 1000
        return PlainTextResponse("slow")

    return [
        Route("/_bench/cases/{n:int}/{deposits:int}", cases),
        Route("/_bench/go/{n:int}", go),
        Route("/_bench/slow/{ms:int}", slow),
    ]


async def serve(database_url: str, port: int, webhooks: str) -> None:
    world = World(public_url=f"http://127.0.0.1:{port}")
    world.drift_every = 0
    outside = Outside(world)
    await Tortoise.init(config=database.config(database_url, 4), _enable_global_fallback=True)
    stripe_client.use(stripe_client.for_transport(client_for(world)))
    app = create_app(world)
    app.routes[:0] = _control(outside)
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="warning", http="httptools", access_log=False)
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())
        if webhooks:
            world.add_endpoint(f"{webhooks}/stripe/webhook", processes.SECRET)
            delivering = group.create_task(deliver.run(world))
        await _until_ended(server)
        if webhooks:
            delivering.cancel()


async def _until_ended(server: Any) -> None:
    while not server.started:  # noqa: ASYNC110 - uvicorn tells by a flag
        await asyncio.sleep(0.02)
    print("twin is running", flush=True)
    while not server.should_exit:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("database_url")
    parser.add_argument("port", type=int)
    parser.add_argument("--webhooks", default="")
    options = parser.parse_args()
    asyncio.run(serve(options.database_url, options.port, options.webhooks))


if __name__ == "__main__":
    main()
