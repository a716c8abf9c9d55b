"""`python -m bench [--quick]`: writes bench/results.json and the table of docs/PERFORMANCE.md."""

import argparse
import asyncio
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amends import embedded, migrate
from bench import fill, memory, pages, scale, webhooks, worker
from bench.result import Result

RESULTS = Path(__file__).parent / "results.json"
TABLE = Path(__file__).parent.parent / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- measured -->", "<!-- end -->"
OPTIONS = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=512MB",
    "wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB",
)  # fmt: skip
QUICK, WHOLE = (1_000, 3_000), (10_000, 100_000)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="under a minute, pages only")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of cases, such as 1000000")
    parser.add_argument("--url", action="append", help="a filled database, SIZE=URL, instead")
    options = parser.parse_args()
    os.environ.setdefault("AMENDS_SECRET_KEY", "bench-only-" + "k" * 32)
    given = dict(each.split("=", 1) for each in options.url or ())
    rounds = 10 if options.quick else 60
    if given:
        rows = asyncio.run(pages.main({int(size): url for size, url in given.items()}, rounds))
    else:
        rows = _on_a_server_of_its_own(tuple(options.sizes or (QUICK if options.quick else WHOLE)),
                                       rounds)  # fmt: skip
    if not options.quick and not given:
        rows += asyncio.run(_others())
    write(rows)


def _on_a_server_of_its_own(sizes: Sequence[int], rounds: int) -> list[Result]:
    folder = Path(tempfile.mkdtemp(prefix="amends-bench-"))
    folder.chmod(0o755)
    os.environ["AMENDS_FILES_URL"] = (folder / "files").as_uri()
    server = embedded.start(folder, *OPTIONS)
    try:
        urls = {size: asyncio.run(_filled(server, size)) for size in sizes}
        return asyncio.run(pages.main(urls, rounds))
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)


async def _filled(server: embedded.Server, cases: int) -> str:
    name = f"bench_{cases}"
    embedded.create_database(server, name)
    url = server.url(name)
    await migrate.run(url)
    made = await fill.fill(url, cases)
    print(f"{cases:,} cases in {made.seconds} s")
    return url


async def _others() -> list[Result]:
    """Webhooks, worker, memory and several processes, one after the other."""
    return [row for module in (webhooks, worker, memory, scale) for row in await module.run(False)]


def write(rows: Sequence[Result]) -> None:
    RESULTS.write_text(json.dumps({row.name: _plain(row) for row in rows}, indent=2) + "\n")
    text = TABLE.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    TABLE.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}")
    print(table(rows))


def _plain(row: Result) -> dict[str, Any]:
    return {
        "median": row.median_ms, "unit": row.unit, "n": row.n, "ratio": row.ratio,
        "limit": row.limit_name, "target": row.target, "holds": row.holds,
    }  # fmt: skip


def table(rows: Sequence[Result]) -> str:
    """Markdown: the machine, then a line for each measurement."""
    lines = [f"Measured on {_machine()}.", "", "| what | median | n | ratio | to | target | |",
             "| --- | ---: | ---: | ---: | --- | ---: | --- |"]  # fmt: skip
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(row: Result) -> str:
    ratio = "" if row.ratio is None else f"{row.ratio:g}"
    target = "" if row.target is None else f"{row.target:g}"
    verdict = {None: "", True: "holds", False: "missed"}[row.holds]
    shown = f"{row.median_ms:g} {row.unit}"
    return f"| {row.name} | {shown} | {row.n} | {ratio} | {row.limit_name} | {target} | {verdict} |"


def _machine() -> str:
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}, at a load of {load:.0f}"
    )


if __name__ == "__main__":
    main()
