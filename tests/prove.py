"""`python -m tests.prove`: the long proofs, and of each how much ran, how long, and what broke.

Further arguments go to pytest. Exits non-zero on any violation, and when nothing ran.
"""

import os
import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest

# The part that a test file belongs to, and what is counted where a test does not say it itself.
PARTS = {
    "tests/money/test_crash_matrix.py": ("crash matrix", "killed runs"),
    "tests/money/test_webhook_shuffler.py": ("webhook shuffler", "runs"),
    "tests/reconcile/test_restore.py": ("restore drill", "restores"),
    "tests/money/test_mutants.py": ("mutants", "mutants"),
}
OTHERS = ("others", "tests")


@dataclass
class Part:
    violations: int = 0
    seconds: float = 0.0
    ran: Counter[str] = field(default_factory=Counter)

    def line(self, name: str) -> str:
        ran = "  ".join(f"{what}: {count}" for what, count in sorted(self.ran.items()))
        minutes = f"{self.seconds / 60:.1f} minutes of one process"
        return f"{name}: violations: {self.violations}  {ran}  ({minutes})"


@dataclass
class Tally:
    """A pytest plugin: adds up what the tests report, whichever process ran them."""

    parts: dict[str, Part] = field(default_factory=dict)
    proofs: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name, unit = PARTS.get(report.nodeid.split("::")[0], OTHERS)
        part = self.parts.setdefault(name, Part())
        part.seconds += report.duration
        part.violations += report.failed
        if report.when == "call":
            self.proofs.add(report.nodeid)
            part.ran.update(_counted(report) or {unit: 1})

    @property
    def violations(self) -> int:
        return sum(part.violations for part in self.parts.values())

    def lines(self) -> list[str]:
        return [
            *(part.line(name) for name, part in self.parts.items()),
            f"violations: {self.violations}  proofs: {len(self.proofs)}",
        ]


def _counted(report: pytest.TestReport) -> dict[str, int]:
    """What a test says that it ran (`record_property`)."""
    return {name: int(str(count)) for name, count in report.user_properties}


def main(arguments: list[str]) -> int:
    tally = Tally()
    processes = ["-n", str(min(2, os.cpu_count() or 1)), "--dist", "worksteal"]
    code = pytest.main(["-m", "slow", *processes, *arguments], plugins=[tally])
    print("\n".join(tally.lines()), flush=True)
    return 1 if code or tally.violations or not tally.proofs else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
