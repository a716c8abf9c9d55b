"""The long proofs say what ran, and are red when anything broke."""

from pathlib import Path

import pytest

from tests import prove


def _report(nodeid: str, outcome: str, **ran: int) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid,
        ("", 0, ""),
        {},
        outcome,  # type: ignore[arg-type]
        None,
        "call",
        user_properties=[(name.replace("_", " "), count) for name, count in ran.items()],
        duration=30.0,
    )


def test_it_adds_up_what_each_part_ran_and_what_broke() -> None:
    tally = prove.Tally()
    matrix, others = "tests/money/test_crash_matrix.py", "tests/speed/test_plans.py"
    tally.pytest_runtest_logreport(_report(f"{matrix}::t[a]", "passed", killed_runs=200))
    tally.pytest_runtest_logreport(_report(f"{matrix}::t[b]", "failed", killed_runs=100))
    tally.pytest_runtest_logreport(_report(f"{others}::t", "passed"))
    assert tally.lines() == [
        "crash matrix: violations: 1  killed runs: 300  (1.0 minutes of one process)",
        "others: violations: 0  tests: 1  (0.5 minutes of one process)",
        "violations: 1  proofs: 3",
    ]


def test_its_parts_are_there() -> None:
    assert all(Path(name).exists() for name in prove.PARTS)


@pytest.mark.parametrize("broken", [0, 1])
def test_it_is_red_when_a_proof_is(
    broken: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(arguments: list[str], plugins: list[prove.Tally]) -> int:
        assert arguments[:2] == ["-m", "slow"]
        plugins[0].pytest_runtest_logreport(_report("x::t", "failed" if broken else "passed"))
        return broken

    monkeypatch.setattr(pytest, "main", run)
    assert prove.main([]) == broken
    assert capsys.readouterr().out.splitlines()[-1] == f"violations: {broken}  proofs: 1"


def test_it_is_red_when_nothing_ran(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest, "main", lambda arguments, plugins: 0)
    assert prove.main([]) == 1
