"""For auditors: plans that wait for a second look, who approves for whom, conspicuous amounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise import connections

from amends.rules import oversight
from amends.rules.policy import Policy

WINDOW = timedelta(days=90)
MOST = 50

# The open ones first, the oldest of them on top; then what was decided last.
_REVIEWS = """
SELECT r.id, c.ref, a.organisation, p.version, r.digest, r.percent, r.drawn_at, r.decision,
       r.decided_at, r.reason, coalesce(who.name, '') AS reviewer, maker.name AS prepared_by,
       (SELECT string_agg(s.name, ' and ' ORDER BY d.id) FROM approval d
         JOIN person s ON s.id = d.approver_id
         WHERE d.plan_id = p.id AND d.decision IN ('agreed','approved')) AS approved_by,
       EXISTS (SELECT 1 FROM timeline t WHERE t.case_id = c.id AND t.actor_id = $2) AS has_part
FROM second_review r JOIN plan p ON p.id = r.plan_id JOIN case_ c ON c.id = r.case_id
JOIN account a ON a.id = c.account_id JOIN person maker ON maker.id = p.prepared_by_id
LEFT JOIN person who ON who.id = r.reviewer_id
WHERE r.decision = '' OR r.decided_at >= $1
ORDER BY r.decision <> '', CASE WHEN r.decision = '' THEN r.drawn_at END, r.decided_at DESC
LIMIT 51
"""
_COUNTS = """
SELECT maker.name || ' (' || maker.id || ')' AS prepared_by,
       who.name || ' (' || who.id || ')' AS approved_by, count(*) AS number
FROM approval a JOIN plan p ON p.id = a.plan_id
JOIN person maker ON maker.id = p.prepared_by_id JOIN person who ON who.id = a.approver_id
WHERE a.decision IN ('agreed','approved') AND a.at >= $1
GROUP BY maker.id, maker.name, who.id, who.name
"""
# A whole charge has the price of what was bought; only a part of it was chosen by somebody.
_AMOUNTS = """
SELECT c.ref, sum(l.amount_minor)::bigint AS minor, l.currency, maker.name AS prepared_by,
       who.name AS approved_by, a.at, bool_or(l.amount_minor % k.step = 0) AS is_round
FROM approval a JOIN plan p ON p.id = a.plan_id JOIN leg l ON l.plan_id = p.id
JOIN case_ c ON c.id = a.case_id JOIN deposit d ON d.charge_id = l.charge_id
JOIN unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
  AS k(currency, step, almost, most) ON k.currency = l.currency
JOIN person maker ON maker.id = p.prepared_by_id JOIN person who ON who.id = a.approver_id
WHERE a.decision = 'approved' AND a.at >= $1 AND l.kind = 'refund'
  AND l.amount_minor < d.amount_minor
GROUP BY a.id, a.at, c.ref, l.currency, maker.name, who.name
HAVING bool_or(l.amount_minor % k.step = 0)
   OR sum(l.amount_minor) BETWEEN min(k.almost) AND min(k.most)
ORDER BY a.at DESC LIMIT 51
"""


@dataclass(frozen=True)
class Review:
    """A drawn plan; `has_part`: the viewer worked on its case."""

    id: int
    ref: str
    organisation: str
    version: int
    digest: str
    percent: int
    drawn_at: datetime
    decision: str
    decided_at: datetime | None
    reason: str
    reviewer: str
    prepared_by: str
    approved_by: str
    has_part: bool


@dataclass(frozen=True)
class Amount:
    """A part of a charge that is a round number, or lies just under the limit."""

    ref: str
    minor: int
    currency: str
    prepared_by: str
    approved_by: str
    at: datetime
    is_round: bool


async def reviews(now: datetime, viewer: str) -> tuple[Review, ...]:
    rows = await _read(_REVIEWS, [now - WINDOW, viewer])
    return tuple(Review(**row) for row in rows)


async def pairs(now: datetime) -> tuple[oversight.Pair, ...]:
    """Names carry the person's number: two people may have one name."""
    rows = await _read(_COUNTS, [now - WINDOW])
    return oversight.pairs(oversight.Count(**row) for row in rows)


async def amounts(now: datetime, rules: Policy) -> tuple[Amount, ...]:
    """The newest first; currencies without a limit always need a lead and are left out."""
    limits = {key: minor for key, minor in rules.refund_limits.items() if minor}
    values = [
        now - WINDOW,
        list(limits),
        [oversight.round_step(minor) for minor in limits.values()],
        [oversight.just_under(minor) for minor in limits.values()],
        list(limits.values()),
    ]
    return tuple(Amount(**row) for row in await _read(_AMOUNTS, values))


async def _read(statement: str, values: list[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement, values
    )
    return rows
