"""Numbers for reports: cases received and closed by week, reasons, how long things take."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tortoise import connections

from amends import settings
from amends.rules import promises

WEEKS = 8

_WEEKS = """
SELECT week::date AS week,
  (SELECT count(*) FROM case_ WHERE submitted_at >= week AT TIME ZONE $3
     AND submitted_at < (week + interval '7 days') AT TIME ZONE $3) AS received,
  (SELECT count(*) FROM case_ WHERE closed_at >= week AT TIME ZONE $3
     AND closed_at < (week + interval '7 days') AT TIME ZONE $3
     AND submitted_at IS NOT NULL) AS closed
FROM generate_series($1::timestamp, $2::timestamp, interval '7 days') AS week ORDER BY week
"""
_REASONS = """
SELECT coalesce(reason, '') AS reason, count(*) AS number,
       coalesce(sum(claimed_amount_minor) FILTER (WHERE currency = 'usd'), 0)::bigint AS usd_minor
FROM case_ WHERE submitted_at >= $1 GROUP BY reason ORDER BY number DESC, reason
"""
# From the proposal to the decision on it; from the approval to the last confirmed refund.
_TIMES = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.at - p.created_at))
         AS decide_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM done.at - a.at))
         FILTER (WHERE a.decision = 'approved') AS confirm_s,
       count(*) AS decisions
FROM approval a JOIN plan p ON p.id = a.plan_id
LEFT JOIN LATERAL (SELECT max(confirmed_at) AS at FROM leg
  WHERE leg.plan_id = p.id AND leg.kind = 'refund') done ON true
WHERE a.at >= $1
"""
_BANDS = """
WITH sums AS (
  SELECT a.id, a.decision, l.currency, sum(l.amount_minor) AS minor
  FROM approval a JOIN leg l ON l.plan_id = a.plan_id AND l.kind = 'refund'
  WHERE a.at >= $1 AND l.currency = 'usd' GROUP BY a.id, a.decision, l.currency)
SELECT CASE WHEN minor <= 10000 THEN 1 WHEN minor <= 50000 THEN 2 WHEN minor <= 200000 THEN 3
       ELSE 4 END AS band,
  count(*) FILTER (WHERE decision = 'approved') AS approved,
  count(*) FILTER (WHERE decision <> 'approved') AS turned_down
FROM sums GROUP BY band ORDER BY band
"""


@dataclass(frozen=True)
class Week:
    starts_on: date
    received: int
    closed: int


@dataclass(frozen=True)
class ReasonCount:
    reason: str
    number: int
    usd_minor: int


@dataclass(frozen=True)
class Band:
    band: int
    approved: int
    turned_down: int


@dataclass(frozen=True)
class Report:
    """The last eight weeks, this one included."""

    weeks: tuple[Week, ...]
    reasons: tuple[ReasonCount, ...]
    bands: tuple[Band, ...]
    decisions: int
    decide: timedelta | None
    confirm: timedelta | None

    @property
    def received(self) -> int:
        return sum(week.received for week in self.weeks)

    @property
    def closed(self) -> int:
        return sum(week.closed for week in self.weeks)


async def report(now: datetime) -> Report:
    zone = ZoneInfo(settings.load().time_zone)
    today = promises.local_day(now, zone)
    this_week = today - timedelta(days=today.weekday())
    first = this_week - timedelta(weeks=WEEKS - 1)
    since = datetime.combine(first, time(), zone).astimezone(UTC)
    weeks = await _read(_WEEKS, [_midnight(first), _midnight(this_week), zone.key])
    times = (await _read(_TIMES, [since]))[0]
    return Report(
        tuple(Week(row["week"], row["received"], row["closed"]) for row in weeks),
        tuple(ReasonCount(**row) for row in await _read(_REASONS, [since])),
        tuple(Band(**row) for row in await _read(_BANDS, [since])),
        times["decisions"],
        _span(times["decide_s"]),
        _span(times["confirm_s"]),
    )


def _midnight(day: date) -> datetime:
    """Without a zone: the statement itself says in whose."""
    return datetime.combine(day, time())


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=float(seconds))


async def _read(statement: str, values: list[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement, values
    )
    return rows
