"""bench/results.json, name -> median, ratio to its limit, n; and the table made of it."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.result import Result

RESULTS = Path(__file__).parent / "results.json"
TABLE = Path(__file__).parent.parent / "docs" / "PERFORMANCE.md"
BEGIN, END = "<!-- measured -->", "<!-- end -->"
Rows = Mapping[str, Mapping[str, Any]]


def note(part: str, rows: Sequence[Result], results: Path = RESULTS) -> None:
    """The part's rows instead of those it had; what other parts measured stays."""
    before: Rows = json.loads(results.read_text()) if results.exists() else {}
    kept = {name: row for name, row in before.items() if row["part"] != part}
    load = round(os.getloadavg()[0])
    new = {row.name: _plain(row) | {"part": part, "load": load} for row in rows}
    results.write_text(json.dumps(kept | new, indent=2) + "\n")


def _plain(row: Result) -> dict[str, Any]:
    return {
        "median": row.median_ms, "unit": row.unit, "n": row.n, "ratio": row.ratio,
        "limit": row.limit_name, "target": row.target, "holds": row.holds,
    }  # fmt: skip


def write_table(results: Path = RESULTS, document: Path = TABLE) -> str:
    """Markdown: the machine, then a table for each part, put between the marks of the document."""
    rows: Rows = json.loads(results.read_text())
    parts = dict.fromkeys(row["part"] for row in rows.values())
    text = "\n\n".join([f"Measured on {_machine()}.", *(_part(each, rows) for each in parts)])
    before, _, rest = document.read_text().partition(BEGIN)
    document.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return text


def _part(part: str, rows: Rows) -> str:
    own = {name: row for name, row in rows.items() if row["part"] == part}
    load = max(row["load"] for row in own.values())
    return "\n".join([
        f"**{part}**, at a load of {load}", "",
        "| what | median | n | ratio | to | target | |",
        "| --- | ---: | ---: | ---: | --- | ---: | --- |",
        *(_line(name, row) for name, row in own.items()),
    ])  # fmt: skip


def _line(name: str, row: Mapping[str, Any]) -> str:
    ratio = "" if row["ratio"] is None else f"{row['ratio']:g}"
    target = "" if row["target"] is None else f"{row['target']:g}"
    verdict = {None: "", True: "holds", False: "missed"}[row["holds"]]
    shown = f"{row['median']:g} {row['unit']}".strip()
    return f"| {name} | {shown} | {row['n']} | {ratio} | {row['limit']} | {target} | {verdict} |"


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
