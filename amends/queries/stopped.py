"""Cases whose money stands still until a person decides, with how long they have."""

from dataclasses import dataclass
from datetime import datetime

from tortoise import connections

from amends.rules.workflow import Status

MOST = 50
# Refunds that stopped halfway or came back, and new charges that did not come.
STATUSES = (Status.REFUND_FAILED_LATE, Status.PARTLY_REFUNDED, Status.NEEDS_NEW_CARD)
# Each status in itself is in the order of the partial index on open cases.
_READ = """
SELECT c.ref, a.organisation, c.status, c.due_at,
       coalesce((SELECT max(t.at) FROM timeline t
                 WHERE t.case_id = c.id AND t.to_status = c.status), c.created_at) AS since,
       coalesce((SELECT sum(l.amount_minor) FROM leg l JOIN plan p ON p.id = l.plan_id
                 WHERE l.case_id = c.id AND l.state IN ('failed','canceled')
                   AND p.voided_at IS NULL), 0)::bigint AS stopped_minor,
       c.currency
FROM case_ c JOIN account a ON a.id = c.account_id
WHERE c.status = ANY($1) AND c.status NOT IN ('draft','resolved','declined','withdrawn')
ORDER BY since LIMIT $2
"""


@dataclass(frozen=True)
class Stopped:
    """`stopped_minor` is what failed of the plan in force."""

    ref: str
    organisation: str
    status: Status
    due_at: datetime | None
    since: datetime
    stopped_minor: int
    currency: str

    @property
    def has_ways_out(self) -> bool:
        """Whether the remedies are for it: a refund of it failed."""
        return self.status is not Status.NEEDS_NEW_CARD


async def cases() -> tuple[Stopped, ...]:
    """The longest first."""
    found = await connections.get("default").execute_query_dict(_READ, [list(STATUSES), MOST])
    return tuple(Stopped(**row | {"status": Status(row["status"])}) for row in found)
