"""What an approved plan costs the worker and PostgreSQL, and what waiting cases cost."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg

from amends import embedded, migrate
from bench import processes
from bench.result import Result

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=100")
_RESOLVED = "SELECT count(*) FROM case_ WHERE status = 'resolved'"
_MOST_S = 600
WAITING = 100_000
# Plans before the measurement, on which every connection learns its statements.
WARM = 60
_WAITING = """
INSERT INTO case_ (ref, account_id, kind, status, version, status_before_lock, channel,
  contact_name, contact_email, answers, deposit_ids, claimed_order, claimed_last4, currency,
  bank_dispute_claimed, story, card_brand, card_funding, card_last4, card_expires,
  card_fingerprint, outcome_reason, next_check_at, created_at, submitted_at)
SELECT 'BW-' || each, (SELECT min(id) FROM account), 'rebill', 'refunding', 1, '', 'portal',
  'Priya Raman', 'billing@harborfitness.example', '{}', '[]', '', '', 'usd',
  false, '', '', '', '', '', '', '', now() + interval '1 day', now(), now()
FROM generate_series(1, %(number)s) AS each
"""
# CPU of worker and PostgreSQL together for a plan of one refund and one new charge.
PLAN_MS = 40.0


@dataclass
class Scene:
    """PostgreSQL, the twin and the addresses of one measurement."""

    folder: Path
    server: embedded.Server
    url: str
    twin: str
    env: dict[str, str]

    @property
    def postmaster(self) -> int:
        return int((self.folder / "pg/data/postmaster.pid").read_text().splitlines()[0])

    async def ask(self, path: str) -> None:
        async with httpx2.AsyncClient(timeout=_MOST_S) as client:
            (await client.get(f"{self.twin}/_bench/{path}")).raise_for_status()

    def count(self, query: str) -> int:
        with psycopg.connect(self.url, autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            return int(row[0])


@asynccontextmanager
async def scene(webhooks: str = "") -> AsyncIterator[Scene]:
    """A migrated, empty database and a twin, which sends its webhooks there if told."""
    folder = _folder()
    server = embedded.start(folder / "pg", *FAST)
    try:
        embedded.create_database(server, "amends")
        url = server.url("amends")
        await migrate.run(url)
        with processes.free_port() as port:
            command = ("bench.outside", url, str(port), "--webhooks", webhooks)
            async with processes.running(folder, "twin", *command) as twin:
                await twin.says("twin is running")
                address = f"http://127.0.0.1:{port}"
                yield Scene(folder, server, url, address, _env(folder, url, address))
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    made = Path(tempfile.mkdtemp(prefix="amends-bench-"))
    made.chmod(0o755)
    return made


def _env(folder: Path, url: str, twin: str) -> dict[str, str]:
    return {
        "AMENDS_DATABASE_URL": url,
        "AMENDS_STRIPE_SECRET_KEY": "sk_test_worker",
        "AMENDS_STRIPE_API_BASE": twin,
        "AMENDS_STRIPE_WEBHOOK_SECRET": processes.SECRET,
        "AMENDS_SECRET_KEY": "bench-only-" + "k" * 32,
        "AMENDS_FILES_URL": (folder / "files").as_uri(),
    }


async def run(quick: bool) -> list[Result]:
    cases = 60 if quick else 300
    found = []
    async with scene() as stage:
        for name, deposits, latency, target in (
            ("one refund, one charge", 1, 0, PLAN_MS),
            ("one refund, one charge, Stripe takes 50 ms", 1, 50, PLAN_MS),
            ("two refunds, one charge", 2, 0, None),
        ):
            await stage.ask(f"slow/{latency}")
            found.append(await _plans(stage, f"worker: {name}", cases, deposits, target))
        found += await _waiting(stage, quick)
    return found


async def _waiting(stage: Scene, quick: bool) -> list[Result]:
    """What a worker costs that has nothing to do, without and with 100,000 waiting cases."""
    seconds = 12 if quick else 60
    pairs = [await _idle(stage, number, seconds) for number in (0, WAITING)]
    more_cpu, more_mb = (after - before for before, after in zip(*pairs, strict=True))
    found = [
        Result(f"worker with {number:,} waiting cases, {what}", round(value, 2), seconds, unit=unit)
        for number, values in zip((0, WAITING), pairs, strict=True)
        for what, value, unit in zip(("CPU", "memory"), values, ("% of a core", "MB"), strict=True)
    ]
    what = f"{WAITING:,} waiting cases"
    found.append(
        Result(f"{what}, CPU", round(more_cpu, 2), seconds, target=1.0, unit="% of a core")
    )
    return [*found, Result(f"{what}, memory", round(more_mb, 1), 1, target=50.0, unit="MB")]


async def _idle(stage: Scene, number: int, seconds: int) -> tuple[float, float]:
    """Percent of a core of worker and PostgreSQL, and the worker's megabytes."""
    _wait_for(stage, number)
    async with processes.running(stage.folder, "idle", "bench.money", env=stage.env) as worker:
        await worker.says("worker is running")
        await asyncio.sleep(3)
        before, started = sum(_cpu(stage, worker)), time.monotonic()
        await asyncio.sleep(seconds)
        share = (sum(_cpu(stage, worker)) - before) / (time.monotonic() - started) / 10
        return share, processes.rss_mb(worker.pid)


def _wait_for(stage: Scene, number: int) -> None:
    """So many cases that Stripe is asked about tomorrow, and their refunds."""
    with psycopg.connect(stage.url, autocommit=True) as connection:
        connection.execute(_WAITING.encode(), {"number": number})
        # What PostgreSQL does once after so many new rows is not what waiting costs.
        connection.execute("VACUUM ANALYZE case_")
        connection.execute("CHECKPOINT")


async def _plans(
    stage: Scene, name: str, cases: int, deposits: int, target: float | None
) -> Result:
    """CPU for the cases that a warm worker is given, to the last one's end."""
    await stage.ask(f"cases/{WARM + cases}/{deposits}")
    async with processes.running(stage.folder, "worker", "bench.money", env=stage.env) as worker:
        await worker.says("worker is running")
        await _carry_out(stage, WARM)
        before, started = _cpu(stage, worker), time.monotonic()
        await _carry_out(stage, cases)
        pairs = zip(before, _cpu(stage, worker), strict=True)
        parts = [round((after - first) / cases, 2) for first, after in pairs]
        rate = cases / (time.monotonic() - started)
    print(f"{name}: worker {parts[0]} ms + PostgreSQL {parts[1]} ms a plan, {rate:.1f} a second")
    return Result(name, round(sum(parts), 2), cases, target=target)


async def _carry_out(stage: Scene, cases: int) -> None:
    done, deadline = stage.count(_RESOLVED) + cases, time.monotonic() + _MOST_S
    await stage.ask(f"go/{cases}")
    while stage.count(_RESOLVED) < done:
        assert time.monotonic() < deadline, "the cases do not end"
        await asyncio.sleep(0.3)


def _cpu(stage: Scene, worker: processes.Child) -> tuple[float, float]:
    return processes.cpu_ms(worker.pid), processes.family_cpu_ms(stage.postmaster)


if __name__ == "__main__":
    import sys

    asyncio.run(run("--quick" in sys.argv))
