"""`python -m bench [--sizes 1000 10000] [--quick]`: writes bench/results.json, prints a table."""

import argparse
import asyncio
import json
import shutil
import tempfile
from pathlib import Path

import httpx2
from tortoise import Tortoise

from amends import database, embedded, migrate
from amends.rules.people import Role
from bench import fill, pages
from bench.pages import Measured
from tests import shop
from tests.backoffice import desk

FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=256MB")
RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    sizes = [1_000, 10_000] if options.quick else options.sizes
    folder = Path(tempfile.mkdtemp(prefix="amends-bench-"))
    folder.chmod(0o755)
    server = embedded.start(folder, *FAST)
    try:
        found = {size: asyncio.run(_size(server, size, 30 if options.quick else 100))
                 for size in sizes}  # fmt: skip
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)
    _report(found)


async def _size(server: embedded.Server, cases: int, n: int) -> list[Measured]:
    name = f"bench_{cases}"
    embedded.create_database(server, name)
    await migrate.run(server.url(name))
    filled = fill.fill(server.url(name), cases)
    await Tortoise.init(config=database.config(server.url(name), 4), _enable_global_fallback=True)
    try:
        return await _measure(filled, n)
    finally:
        await Tortoise.close_connections()


async def _measure(filled: fill.Filled, n: int) -> list[Measured]:
    sam = await shop.person("Sam Ito", Role.AGENT)
    bare = httpx2.AsyncClient(
        transport=httpx2.ASGITransport(pages.bare()), base_url="http://bare.test"
    )
    staff = await desk.browser(sam)
    calls = {
        "bare hello": lambda: bare.get("/hello"),
        "bare 50 rows, one query": lambda: bare.get("/fifty"),
        "queue, 50 rows": lambda: staff.get("/queue?view=all"),
        "approvals": lambda: staff.get("/approvals"),
        "refunds on their way": lambda: staff.get("/refunds"),
        "search, exact id": lambda: staff.get(f"/search?q={filled.closed_ref}"),
        "search, a word": lambda: staff.get("/search?q=word77"),
        "case log": lambda: staff.get(f"/cases/{filled.closed_ref}/log"),
    }
    return [await pages.measure(name, call, n) for name, call in calls.items()]


def _report(found: dict[int, list[Measured]]) -> None:
    """A row a page: its median at each size, and its ratio to the bare 50-row page."""
    rows = {}
    for size, measured in found.items():
        limit = next(each.median_ms for each in measured if each.name.startswith("bare 50"))
        for each in measured:
            rows.setdefault(each.name, {})[str(size)] = {
                "median_ms": each.median_ms, "ratio": round(each.median_ms / limit, 2),
                "n": each.n,
            }  # fmt: skip
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")
    for name, sizes in rows.items():
        cells = "  ".join(f"{size}: {row['median_ms']:7.2f} ms x{row['ratio']:<5}"
                          for size, row in sizes.items())  # fmt: skip
        print(f"{name:26} {cells}")


if __name__ == "__main__":
    main()
