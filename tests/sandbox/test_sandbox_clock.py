"""The clock that the sandbox and the application share through one file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from amends import clock as application_clock
from sandbox.clock import Clock


class _StoppedClock(Clock):
    """Starts at a chosen moment; the rest is the real clock's code."""

    start = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.offset_s())


def test_it_moves_and_the_application_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(tmp_path / "clock.json")
    monkeypatch.setenv("AMENDS_CLOCK_FILE", str(clock.path))
    clock.advance(3 * 86_400)
    assert json.loads(clock.path.read_text()) == {"offset_s": 259_200}
    assert abs(application_clock.now() - clock.now()) < timedelta(seconds=2)
    assert clock.now() - datetime.now(UTC) > timedelta(days=2, hours=23)


def test_it_stays_moved_over_a_restart(tmp_path: Path) -> None:
    Clock(tmp_path / "clock.json").advance(60)
    assert Clock(tmp_path / "clock.json").offset_s() == 60


def test_it_does_not_go_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="forward only"):
        Clock(tmp_path / "clock.json").advance(-1)


@pytest.mark.parametrize(
    ("days", "date"),
    [
        (1, "2026-11-25"),
        # Thanksgiving and a weekend lie between.
        (10, "2026-12-09"),
        # As the customer is told for an audit that starts that day.
        (60, "2027-02-23"),
    ],
)
def test_it_moves_by_business_days(tmp_path: Path, days: int, date: str) -> None:
    clock = _StoppedClock(tmp_path / "clock.json")
    seconds = clock.advance_business_days(days)
    assert clock.now().date().isoformat() == date
    assert clock.offset_s() == seconds


def test_it_keeps_the_time_of_day_over_the_change_to_summer_time(tmp_path: Path) -> None:
    clock = _StoppedClock(tmp_path / "clock.json")
    clock.start = datetime(2027, 3, 12, 15, 0, tzinfo=UTC)
    clock.advance_business_days(1)
    assert clock.now() == datetime(2027, 3, 15, 14, 0, tzinfo=UTC)


def test_it_knows_other_countries(tmp_path: Path) -> None:
    clock = _StoppedClock(tmp_path / "clock.json", country="GB", zone="Europe/London")
    clock.advance_business_days(10)
    assert clock.now().date().isoformat() == "2026-12-08"
