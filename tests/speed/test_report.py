"""What a measurement leaves behind: results by name, and a table that says what holds."""

import json
from pathlib import Path

from bench import memory, pages, report
from bench.result import Result

PAGES = [Result("bare", 2.0, 60), Result("queue", 7.0, 60, 3.5, "bare", 3)]


def test_each_part_replaces_its_own_rows_and_leaves_the_others(tmp_path: Path) -> None:
    results, document = tmp_path / "results.json", tmp_path / "doc.md"
    document.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    report.note("pages", [Result("gone", 1.0, 1), *PAGES], results)
    report.note("memory", [Result("portal", 140.0, 9, target=150, unit="MB")], results)
    report.note("pages", PAGES, results)
    rows = json.loads(results.read_text())
    assert set(rows) == {"bare", "queue", "portal"}
    assert (rows["queue"]["median"], rows["queue"]["ratio"], rows["queue"]["n"]) == (7.0, 3.5, 60)
    report.write_table(results, document)
    text = document.read_text()
    assert "| queue | 7 ms | 60 | 3.5 | bare | 3 | missed |" in text
    assert "| portal | 140 MB | 9 |  |  | 150 | holds |" in text
    assert text.startswith("before")
    assert text.endswith("after\n")
    assert "stale" not in text


def test_growth_is_read_off_the_points_and_a_mark_off_the_last_look_before_it() -> None:
    points = [(60.0 * minute, 100 + minute / 6) for minute in range(61)]
    assert round(memory.slope(points) * 3600, 3) == 10
    assert memory.after(points, 30) == 105


def test_the_bare_app_starts_as_a_process_of_its_own() -> None:
    """bench.webhooks has uvicorn make it, which passes nothing."""
    assert {route.path for route in pages.bare().routes} == {"/hello", "/rows", "/queried"}
