"""`python -m tests.simulate --seeds 500 [--first 1] [--processes 2]`: exits non-zero on any."""

import argparse
import asyncio
import os
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tortoise import Tortoise

from amends import database, embedded, migrate, settings
from amends.rules.people import Role
from tests import shop as shops
from tests.simulate import story

_PROGRESS = 100
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="amends-sim-"))
    folder.chmod(0o755)
    server = embedded.start(folder, *FAST)
    try:
        return _run(server, options)
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)


def _run(server: embedded.Server, options: argparse.Namespace) -> int:
    embedded.create_database(server, "template_sim")
    asyncio.run(migrate.run(server.url("template_sim")))
    started = time.monotonic()
    shares = [
        list(range(options.first + n, options.first + options.seeds, options.processes))
        for n in range(options.processes)
    ]
    urls = []
    for _ in shares:
        name = "sim_" + secrets.token_hex(4)
        embedded.create_database(server, name, "template_sim")
        urls.append(server.url(name))
    with ProcessPoolExecutor(options.processes) as pool:
        results = list(pool.map(_share, urls, shares))
    return _summary(results, time.monotonic() - started)


def _summary(results: list[tuple[Counter[str], list[str]]], seconds: float) -> int:
    ends: Counter[str] = sum((ends for ends, _ in results), Counter())
    failures = [failure for _, failed in results for failure in failed]
    seeds = sum(count for name, count in ends.items() if name.startswith("end: "))
    for name, count in sorted(ends.items()):
        print(f"{name}: {count}")
    print(f"seconds: {seconds:.0f}")
    print(f"violations: {len(failures)}  seeds: {seeds + len(failures)}")
    return 1 if failures else 0


def _share(url: str, seeds: list[int]) -> tuple[Counter[str], list[str]]:
    return asyncio.run(_seeds(url, seeds))


async def _seeds(url: str, seeds: list[int]) -> tuple[Counter[str], list[str]]:
    os.environ["AMENDS_STRIPE_WEBHOOK_SECRET"] = shops.SECRET
    settings.load.cache_clear()
    await Tortoise.init(config=database.config(url, 8), _enable_global_fallback=True)
    ends: Counter[str] = Counter()
    failures: list[str] = []
    try:
        story.PEOPLE["sam"] = await shops.person("Sam Ito", Role.AGENT)
        story.PEOPLE["dana"] = await shops.person("Dana Cole", Role.MANAGER)
        for number, seed in enumerate(seeds, 1):
            await _one(seed, ends, failures)
            if number % _PROGRESS == 0:
                print(f"  {number} seeds, {len(failures)} violations", flush=True)
    finally:
        await Tortoise.close_connections()
    return ends, failures


async def _one(seed: int, ends: Counter[str], failures: list[str]) -> None:
    try:
        report = await story.tell(seed)
    except Exception:  # noqa: BLE001 - whatever it is, this seed fails
        failures.append(traceback.format_exc())
        print(f"seed {seed} failed:\n{failures[-1]}", file=sys.stderr, flush=True)
        return
    ends[f"end: {report.status}"] += 1
    ends["steps"] += report.steps
    ends["kills"] += report.kills
    ends["faults"] += report.faults
    ends["requests that arrived late"] += report.late


if __name__ == "__main__":
    raise SystemExit(main())
