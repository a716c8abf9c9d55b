"""Two portals, two desks and three workers on one PostgreSQL, straight and through pgbouncer.

What one process would do alone must come out: every plan carried out once, every webhook kept once,
every page the same whichever process answers.
"""

import asyncio
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import psycopg
from tortoise import Tortoise

from amends import access, clock, database
from amends.access import NewSession
from amends.models import Account, Person
from bench import processes, proxy
from bench.result import Result
from bench.worker import Scene, scene
from web import sessions
from web.doors import LIMITS, Door

PORTALS, DESKS, WORKERS = 2, 2, 3
PAGES = {Door.PORTAL: "/requests", Door.DESK: "/queue?view=all"}
_DONE = "SELECT count(*) FROM case_ WHERE status = 'resolved'"
# (name, question, answer for so many cases of two deposits and one new card).
_BOOKS = (
    ("refunds booked", "SELECT count(*) FROM ledger WHERE effect = 'refund'", 4),
    ("charges booked", "SELECT count(*) FROM ledger WHERE effect = 'recharge'", 2),
    ("attempts", "SELECT count(*) FROM attempt", 4),
    ("attempts sent again", "SELECT count(*) FROM attempt WHERE sends > 1", 0),
    ("exceptions", "SELECT count(*) FROM exception_item WHERE resolved_at IS NULL", 0),
    ("sum of the books", "SELECT coalesce(sum(amount_minor), 0) FROM ledger", 0),
)
_MOST_S = 300


async def run(quick: bool) -> list[Result]:
    cases = 12 if quick else 60
    found = [await _trial("straight", cases)]
    if pgbouncer() is None:
        print("pgbouncer is not installed here (apt-get install pgbouncer): not tried")
    else:
        found.append(await _trial("through pgbouncer", cases))
    return found


async def _trial(way: str, cases: int) -> Result:
    async with AsyncExitStack() as stack:
        portal = await stack.enter_async_context(proxy.listening())
        desk = await stack.enter_async_context(proxy.listening())
        stage = await stack.enter_async_context(scene(portal.url))
        url = stage.url if way == "straight" else await stack.enter_async_context(_pooled(stage))
        await stage.ask(f"cases/{cases}/2")
        env = stage.env | {
            "AMENDS_DATABASE_URL": url,
            "AMENDS_PORTAL_URL": portal.url,
            "AMENDS_BACKOFFICE_URL": desk.url,
        }
        for number in range(PORTALS):
            await door(stack, stage, env, "portal", number, portal)
        for number in range(DESKS):
            await door(stack, stage, env, "backoffice", number, desk)
        for number in range(WORKERS):
            await worker(stack, stage, env, number)
        started = time.monotonic()
        await asyncio.gather(_carry_out(stage, cases), _walk(stage, portal, desk))
        taken = (time.monotonic() - started) * 1000 / cases
        await _everything_once(stage, cases)
        assert min(len(portal.taken), len(desk.taken)) == 2, "both processes of a door answered"
    print(f"{way}: {cases} plans, {portal.taken} and {desk.taken} connections, all once")
    return Result(f"plan with two refunds, three workers, {way}", round(taken, 1), cases)


async def door(
    stack: AsyncExitStack,
    stage: Scene,
    env: dict[str, str],
    name: str,
    number: int,
    before: proxy.Proxy,
) -> processes.Child:
    """A portal or a desk behind a proxy."""
    port = stack.enter_context(processes.free_port())
    own = env | {"AMENDS_STRIPE_SECRET_KEY": "rk_test_door"}
    command = ("amends", "serve", name, "--port", str(port))
    running = processes.running(stage.folder, f"{name}{number}", *command, env=own)
    child = await stack.enter_async_context(running)
    await _answers(port, child)
    before.behind.append(port)
    return child


async def _answers(port: int, child: processes.Child) -> None:
    for _ in range(1_800):  # a busy machine takes minutes to start a process
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            assert child.process.returncode is None, child.log.read_text()
            await asyncio.sleep(0.1)
            continue
        writer.close()
        return
    raise RuntimeError(f"{child.name} does not answer: {child.log.read_text()}")


async def worker(
    stack: AsyncExitStack, stage: Scene, env: dict[str, str], number: int
) -> processes.Child:
    running = processes.running(stage.folder, f"worker{number}", "bench.money", env=env)
    child = await stack.enter_async_context(running)
    await child.says("worker is running")
    return child


async def _carry_out(stage: Scene, cases: int) -> None:
    await stage.ask(f"go/{cases}")
    deadline = time.monotonic() + _MOST_S
    while (done := stage.count(_DONE)) < cases:
        assert time.monotonic() < deadline, f"only {done} of {cases} cases ended"
        await asyncio.sleep(0.3)


async def _everything_once(stage: Scene, cases: int) -> None:
    """Events may still be under way when the last case ends."""
    deadline = time.monotonic() + _MOST_S
    while stage.count("SELECT count(*) FROM webhook_event WHERE done_at IS NULL"):
        assert time.monotonic() < deadline, "events stay undone"
        await asyncio.sleep(0.3)
    for name, question, each in _BOOKS:
        found = stage.count(question)
        assert found == each * cases, f"{name}: {found}, expected {each * cases}"


async def _walk(stage: Scene, portal: proxy.Proxy, desk: proxy.Proxy) -> None:
    """One signed-in customer and one agent; every request of theirs is a new connection."""
    cookies = await sign_in(stage)
    for _ in range(10):
        for which, before in ((Door.PORTAL, portal), (Door.DESK, desk)):
            async with aiohttp.ClientSession(
                headers={"cookie": cookies[which], "connection": "close"}
            ) as http:
                url = before.url + PAGES[which]
                async with http.get(url, allow_redirects=False) as answer:
                    assert answer.status == 200, f"{url}: {answer.status}"
        await asyncio.sleep(0.1)


def pages(stage: Scene) -> dict[Door, tuple[str, ...]]:
    """What people look at: lists, one case of each door, a search."""
    with psycopg.connect(stage.url) as connection:
        row = connection.execute(
            "SELECT ref FROM case_ WHERE account_id = (SELECT min(id) FROM account) LIMIT 1"
        ).fetchone()
    assert row is not None
    ref = row[0]
    return {
        Door.PORTAL: (PAGES[Door.PORTAL], f"/requests/{ref}", "/requests/new", "/help/refunds"),
        Door.DESK: (
            PAGES[Door.DESK], "/queue?view=flight", f"/cases/{ref}?view=all", "/approvals",
            "/refunds", "/search?q=scanner+refund",
        ),
    }  # fmt: skip


async def sign_in(stage: Scene) -> dict[Door, str]:
    """The cookies of a customer and of an agent."""
    await Tortoise.init(config=database.config(stage.url, 2), _enable_global_fallback=True)
    priya = await Account.all().order_by("id").first()
    sam = await Person.all().order_by("id").first()
    assert priya is not None and sam is not None
    try:
        return {
            Door.PORTAL: await _cookie(Door.PORTAL, priya.billing_email, account_id=priya.id),
            Door.DESK: await _cookie(Door.DESK, sam.email, person_id=sam.id),
        }
    finally:
        await Tortoise.close_connections()


async def _cookie(door: Door, email: str, **who: int) -> str:
    now = clock.now()
    expires = now + LIMITS[door].absolute
    new = NewSession(door, email, now, expires, **who)
    return f"{sessions.cookie_name(door)}={await access.start_session(new)}"


def pgbouncer() -> str | None:
    """The program, or None where it is not installed."""
    return os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin")


@asynccontextmanager
async def _pooled(stage: Scene) -> AsyncIterator[str]:
    """pgbouncer in transaction mode, with fewer connections than all processes together want."""
    folder = stage.folder / "bouncer"
    folder.mkdir(mode=0o755)
    with processes.free_port() as port:
        (folder / "users.txt").write_text('"postgres" ""\n')
        config = folder / "pgbouncer.ini"
        config.write_text(
            f"""[databases]
amends = host={stage.folder / "pg/run"} port=5432 user=postgres dbname=amends
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder / "users.txt"}
pool_mode = transaction
default_pool_size = 12
max_client_conn = 200
"""
        )
        program = subprocess.Popen(  # noqa: ASYNC220 - asyncio cannot start it as another user
            [str(pgbouncer()), str(config)], stderr=(folder / "log").open("wb"), **_as_nobody()
        )
        try:
            await asyncio.sleep(1)
            assert program.poll() is None, (folder / "log").read_text()
            yield f"postgresql://postgres@127.0.0.1:{port}/amends?pgbouncer=1"
        finally:
            program.terminate()
            program.wait()
            print(_summary(folder / "log"))


def _as_nobody() -> dict[str, object]:
    """It refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _summary(log: Path) -> str:
    lines = log.read_text().splitlines()
    errors = [line for line in lines if "ERROR" in line or "WARNING" in line]
    return "\n".join(["pgbouncer:", *errors[:5], *lines[-1:]])


if __name__ == "__main__":
    import sys

    for each in asyncio.run(run("--quick" in sys.argv)):
        print(each)
