"""`python -m bench [--quick]`: writes bench/results.json and the table of docs/PERFORMANCE.md."""

import argparse
import asyncio
import os
import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from amends import embedded, migrate
from bench import fill, memory, pages, processes, report, scale, vitals, webhooks, worker
from bench.result import Result

OPTIONS = (
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=512MB",
    "wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB",
)  # fmt: skip
QUICK, WHOLE = (1_000, 3_000), (10_000, 100_000)
ROUNDS = {True: 10, False: 60}
_PAGES = "pages"
PARTS: Mapping[str, Callable[[bool], list[Result]]] = {
    "webhooks": lambda quick: asyncio.run(webhooks.run(quick)),
    "worker": lambda quick: asyncio.run(worker.run(quick)),
    "memory": lambda quick: asyncio.run(memory.run(quick)),
    "several processes": lambda quick: asyncio.run(scale.run(quick)),
    "browser": vitals.run,
}


def main() -> None:
    options = _options()
    os.environ.setdefault("AMENDS_SECRET_KEY", "bench-only-" + "k" * 32)
    parts = {_PAGES: lambda quick: _pages(options, quick), **PARTS}
    wanted = options.only or ([_PAGES] if options.quick or options.url else list(parts))
    failed = [part for part in wanted if not _measured(part, parts[part], options.quick)]
    print(report.write_table())
    if failed:
        raise SystemExit(f"did not come to their end: {', '.join(failed)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="under a minute, pages only")
    parser.add_argument("--only", nargs="+", choices=[_PAGES, *PARTS], help="these parts alone")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of cases, such as 1000000")
    parser.add_argument("--url", action="append", help="a filled database, SIZE=URL, instead")
    return parser.parse_args()


def _measured(part: str, run: Callable[[bool], list[Result]], quick: bool) -> bool:
    """Whether the part came to its end. One that fails takes nothing from the others."""
    try:
        report.note(part, run(quick))
    except Exception:  # noqa: BLE001 - told, and the exit code says so
        traceback.print_exc()
        return False
    return True


def _pages(options: argparse.Namespace, quick: bool) -> list[Result]:
    if options.url:
        given = dict(each.split("=", 1) for each in options.url)
        urls = {int(size): url for size, url in given.items()}
        return asyncio.run(pages.main(urls, ROUNDS[quick]))
    sizes = tuple(options.sizes or (QUICK if quick else WHOLE))
    return _on_a_server_of_its_own(sizes, ROUNDS[quick])


def _on_a_server_of_its_own(sizes: Sequence[int], rounds: int) -> list[Result]:
    folder = Path(tempfile.mkdtemp(prefix="amends-bench-"))
    folder.chmod(0o755)
    os.environ["AMENDS_FILES_URL"] = (folder / "files").as_uri()
    server = embedded.start(folder, *OPTIONS)
    try:
        filled = [asyncio.run(_filled(server, folder, size)) for size in sizes]
        rows = asyncio.run(pages.main({made.cases: url for url, made, _ in filled}, rounds))
        return rows + [row for _, made, cpu in filled for row in _costs(made, cpu)]
    finally:
        server.leave()
        shutil.rmtree(folder, ignore_errors=True)


async def _filled(
    server: embedded.Server, folder: Path, cases: int
) -> tuple[str, fill.Filled, float]:
    """The database's address, what is in it, and PostgreSQL's processor time for that."""
    name = f"bench_{cases}"
    embedded.create_database(server, name)
    url = server.url(name)
    await migrate.run(url)
    postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
    before = processes.family_cpu_ms(postmaster)
    made = await fill.fill(url, cases)
    return url, made, processes.family_cpu_ms(postmaster) - before


def _costs(made: fill.Filled, cpu_ms: float) -> list[Result]:
    name = f"filling with {made.cases:,} cases"
    return [
        Result(name, made.seconds, 1, unit="s"),
        Result(f"{name}, processor time of PostgreSQL", round(cpu_ms / 1000, 1), 1, unit="s"),
    ]


if __name__ == "__main__":
    main()
