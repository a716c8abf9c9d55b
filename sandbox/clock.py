"""The sandbox's clock: the real one plus an offset that all processes read from one file."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays


class Clock:
    """Moves forward only: what has happened at the twin cannot be undone."""

    def __init__(self, path: Path, *, country: str = "US", zone: str = "America/New_York") -> None:
        self.path = path
        self._zone = ZoneInfo(zone)
        self._holidays = holidays.country_holidays(country)
        self._read_at, self._offset_s = 0, 0
        if not path.exists():
            self._write(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset_s())

    def offset_s(self) -> int:
        """Read again only when the file has changed: the twin asks at every step."""
        changed_at = self.path.stat().st_mtime_ns
        if changed_at != self._read_at:
            self._offset_s = int(json.loads(self.path.read_text())["offset_s"])
            self._read_at = changed_at
        return self._offset_s

    def advance(self, seconds: int) -> None:
        if seconds < 0:
            raise ValueError("The clock moves forward only")
        self._write(self.offset_s() + seconds)

    def seconds_to_business_day(self, days: int) -> int:
        """From now to the same time of day, that many business days later."""
        here = self.now().astimezone(self._zone)
        there = here
        for _ in range(days):
            there = self._next_business_day(there)
        # Subtract in UTC: two times of one zone would ignore a change to winter time.
        return int((there.astimezone(UTC) - here.astimezone(UTC)).total_seconds())

    def advance_business_days(self, days: int) -> int:
        """Moves the clock and answers by how many seconds."""
        seconds = self.seconds_to_business_day(days)
        self.advance(seconds)
        return seconds

    def _next_business_day(self, day: datetime) -> datetime:
        day += timedelta(days=1)
        while day.weekday() >= 5 or day.date() in self._holidays:
            day += timedelta(days=1)
        return day

    def _write(self, offset_s: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps({"offset_s": offset_s}))
        temporary.replace(self.path)
