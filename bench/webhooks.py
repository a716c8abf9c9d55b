"""Stripe's webhooks: how many one portal takes, and what a full queue does to a page."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import procrastinate
import psycopg
import stripe
from tortoise import Tortoise

from amends import access, clock, database
from amends.access import NewSession
from bench import processes
from bench.processes import SECRET
from bench.result import Result, against, of
from bench.worker import Scene, scene
from web import sessions
from web.doors import LIMITS, Door

AT_ONCE = 16
# 500 a second on one process.
INTAKE_MS = 2.0
# A page next to a full queue may take twice as long as with an empty one.
SLOWER = 2.0
_OPEN = "SELECT count(*) FROM webhook_event WHERE done_at IS NULL"
_CUSTOMERS = "SELECT stripe_customer_id FROM account WHERE stripe_customer_id IS NOT NULL"


@dataclass(frozen=True)
class Rate:
    """So many calls: wall milliseconds of each, and CPU milliseconds of the server's."""

    wall_ms: float
    cpu_ms: float
    n: int


async def run(quick: bool) -> list[Result]:
    events = 1_000 if quick else 10_000
    async with scene() as stage, _portal(stage) as (portal, address), _bare(stage) as (bare, hello):
        await stage.ask("cases/20/1")
        least = await _rate(bare.pid, events, lambda http, _: http.get(f"{hello}/hello"))
        bodies = _bodies(stage, events)
        taken = await _rate(portal.pid, events, lambda http, at: _post(http, address, bodies[at]))
        assert stage.count(_OPEN) == events, "every webhook is kept, and none is looked at yet"
        jobs = await _empty_jobs(stage, events // 10)
        pages = await _pages(stage, address, 40 if quick else 150)
    limit = Result("bare hello over loopback", round(least.wall_ms, 3), least.n)
    return [
        limit,
        Result("empty procrastinate job", round(jobs, 3), events // 10),
        Result("webhook taken, wall", round(taken.wall_ms, 3), events, target=INTAKE_MS),
        Result(
            "webhook taken, CPU of the portal", round(taken.cpu_ms, 3), events, target=INTAKE_MS
        ),
        Result("bare hello, CPU", round(least.cpu_ms, 3), events),
        *pages,
    ]


@asynccontextmanager
async def _portal(stage: Scene) -> AsyncIterator[tuple[processes.Child, str]]:
    """The customers' door as `amends serve portal` starts it."""
    with processes.free_port() as port:
        address = f"http://127.0.0.1:{port}"
        # Like any portal it has a key that moves no money, and does not start with another.
        env = stage.env | {
            "AMENDS_PORTAL_URL": address,
            "AMENDS_STRIPE_SECRET_KEY": "rk_test_portal",
        }
        async with processes.running(
            stage.folder, "portal", "amends", "serve", "portal", "--port", str(port), env=env
        ) as child:
            await _answers(f"{address}/")
            yield child, address


@asynccontextmanager
async def _bare(stage: Scene) -> AsyncIterator[tuple[processes.Child, str]]:
    with processes.free_port() as port:
        async with processes.running(
            stage.folder, "bare", "uvicorn", "bench.pages:bare", "--factory", "--port", str(port),
            "--no-access-log", "--log-level", "warning",
        ) as child:  # fmt: skip
            await _answers(f"http://127.0.0.1:{port}/hello")
            yield child, f"http://127.0.0.1:{port}"


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        for _ in range(1_800):  # a busy machine takes minutes to start a process
            try:
                async with http.get(url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


async def _rate(pid: int, n: int, call: object) -> Rate:
    """`n` calls over a few kept connections, as a sender that never waits for its own."""
    numbers = iter(range(n))
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def sender() -> None:
            for at in numbers:
                async with call(http, at) as answer:  # type: ignore[operator]
                    assert answer.status == 200, await answer.text()

        cpu, started = processes.cpu_ms(pid), time.perf_counter()
        await asyncio.gather(*[sender() for _ in range(AT_ONCE)])
        wall = time.perf_counter() - started
    return Rate(wall * 1000 / n, (processes.cpu_ms(pid) - cpu) / n, n)


def _bodies(stage: Scene, n: int) -> list[tuple[str, str]]:
    """Signed events about customers of ours; looking at one reads the customer at Stripe."""
    with psycopg.connect(stage.url) as connection:
        customers = [row[0] for row in connection.execute(_CUSTOMERS).fetchall()]
    made = []
    for at in range(n):
        body = json.dumps(_event(str(customers[at % len(customers)])))
        signature = stripe.WebhookSignature.generate_signature_header(body, SECRET)
        made.append((body, signature))
    return made


def _event(customer: str) -> dict[str, object]:
    """As long as Stripe's own: about two and a half kilobytes."""
    about = {"id": customer, "object": "customer", "metadata": {"tenant_id": "hf-0213"}}
    return {
        "id": f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "type": "customer.updated",
        "created": int(time.time()),
        "livemode": False,
        "data": {"object": about | {f"field_{each}": "value " * 4 for each in range(50)}},
    }


def _post(
    http: aiohttp.ClientSession, address: str, signed: tuple[str, str]
) -> "aiohttp.client._RequestContextManager":
    body, signature = signed
    headers = {"stripe-signature": signature, "content-type": "application/json"}
    return http.post(f"{address}/stripe/webhook", data=body.encode(), headers=headers)


async def _empty_jobs(stage: Scene, n: int) -> float:
    """Wall milliseconds of a job that does nothing, as the queue's own library runs it."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=stage.url))

    @app.task(name="nothing", queue="bench")
    async def nothing(number: int) -> None:
        """Only its cost is looked at."""

    async with app.open_async():
        await nothing.batch_defer_async(*[{"number": number} for number in range(n)])
        started = time.perf_counter()
        await app.run_worker_async(
            queues=["bench"], concurrency=8, wait=False, install_signal_handlers=False,
            listen_notify=False, delete_jobs="successful",
        )  # fmt: skip
        return (time.perf_counter() - started) * 1000 / n


async def _pages(stage: Scene, address: str, n: int) -> list[Result]:
    """A customer's list of requests: next to an idle worker, and next to one with a full queue."""
    cookie = await _sign_in(stage)
    full = stage.count(_OPEN)
    alone = of("customer's requests, no worker", await _times(address, cookie, n))
    async with processes.running(stage.folder, "worker", "bench.money", env=stage.env) as worker:
        await worker.says("worker is running")
        times = await _times(address, cookie, n)
        left = stage.count(_OPEN)
    name = f"customer's requests, {full} webhooks queued ({left} left at the end)"
    return [alone, against(alone, name, times, SLOWER)]


async def _times(address: str, cookie: str, n: int) -> list[float]:
    taken = []
    async with aiohttp.ClientSession(headers={"cookie": cookie}) as http:
        for _ in range(n):
            started = time.perf_counter()
            async with http.get(f"{address}/requests", allow_redirects=False) as answer:
                assert answer.status == 200, answer.status
                await answer.read()
            taken.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(0.02)
    return taken


async def _sign_in(stage: Scene) -> str:
    """A customer's cookie."""
    await Tortoise.init(config=database.config(stage.url, 2), _enable_global_fallback=True)
    try:
        token = await access.start_session(
            NewSession(
                door=Door.PORTAL,
                email=await _email(stage),
                auth_time=clock.now(),
                expires_at=clock.now() + LIMITS[Door.PORTAL].absolute,
                account_id=stage.count("SELECT min(account_id) FROM case_"),
            )
        )
    finally:
        await Tortoise.close_connections()
    return f"{sessions.cookie_name(Door.PORTAL)}={token}"


async def _email(stage: Scene) -> str:
    with psycopg.connect(stage.url) as connection:
        row = connection.execute("SELECT billing_email FROM account ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    return str(row[0])


if __name__ == "__main__":
    import sys

    for each in asyncio.run(run("--quick" in sys.argv)):
        print(each)
