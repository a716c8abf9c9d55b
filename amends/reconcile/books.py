"""Our own books against each other: the ledger against the legs, and cases that stand still.

Each leg was compared with its object at Stripe before, so a ledger that agrees with the legs,
charge by charge and case by case, agrees with Stripe.
"""

from datetime import datetime, timedelta

from tortoise import connections

from amends import clock, newer
from amends.models import Case, ExceptionItem
from amends.reconcile.report import Count, Difference, Subject
from amends.reconcile.tally import Tally
from amends.rules import due
from amends.rules.workflow import Status

KINDS = frozenset({"ledger_differs", "stuck_case", "refund_waits_for_balance"})
# The worker looks at once; an hour without a look means that the wake-up and the sweep failed.
_STUCK_AFTER = timedelta(hours=1)
_WAITS_AFTER = timedelta(hours=24)
# Refunds that count are booked onto their charge; a failure books them back.
_CHARGES = """
WITH legs AS (
  SELECT charge_id, min(case_id) AS case_id,
         sum(amount_minor) FILTER (WHERE state IN ('pending', 'succeeded')) AS minor
  FROM leg WHERE kind = 'refund' AND charge_id <> '' AND stripe_id IS NOT NULL GROUP BY charge_id),
booked AS (
  SELECT substr(book, 8) AS charge_id, min(case_id) AS case_id, sum(amount_minor) AS minor
  FROM ledger WHERE book LIKE 'charge:%' AND effect IN ('refund', 'refund_failure') GROUP BY book)
SELECT charge_id, coalesce(legs.case_id, booked.case_id) AS case_id,
       coalesce(legs.minor, 0)::bigint AS legs, coalesce(booked.minor, 0)::bigint AS booked
FROM legs FULL JOIN booked USING (charge_id)
WHERE NOT coalesce(legs.case_id, booked.case_id, 0) = ANY($1::bigint[])
"""
_CASES = """
WITH legs AS (
  SELECT case_id, sum(CASE WHEN kind = 'refund' AND state IN ('pending', 'succeeded')
      THEN -amount_minor WHEN kind = 'recharge' AND state = 'succeeded' THEN amount_minor
      ELSE 0 END) AS minor
  FROM leg WHERE stripe_id IS NOT NULL GROUP BY case_id),
booked AS (
  SELECT case_id, sum(amount_minor) AS minor FROM ledger
  WHERE book = 'stripe:balance' AND effect IN ('refund', 'refund_failure', 'recharge')
  GROUP BY case_id)
SELECT case_.ref, case_.id AS case_id, coalesce(legs.minor, 0)::bigint AS legs,
       coalesce(booked.minor, 0)::bigint AS booked
FROM legs FULL JOIN booked USING (case_id) JOIN case_ ON case_.id = case_id
WHERE NOT case_.id = ANY($1::bigint[])
"""
_WAITING = """
SELECT leg.stripe_id, leg.case_id, leg.pending_reason, leg.sent_at FROM leg
WHERE state = 'pending' AND kind = 'refund' AND sent_at < $1
  AND pending_reason = 'insufficient_funds'
"""


async def compare(tally: Tally) -> None:
    count = tally.of(Subject.BOOKS)
    # What a newer version wrote cannot be summed here.
    told = ExceptionItem.filter(kind=newer.KIND, resolved_at=None, case_id__not_isnull=True)
    unreadable = await told.values_list("case_id", flat=True)
    for row in await _read(_CHARGES, list(unreadable)):
        await _sums(row, f"charge:{row['charge_id']}", str(row["charge_id"]), count, tally)
    for row in await _read(_CASES, list(unreadable)):
        await _sums(row, f"case:{row['ref']}", "", count, tally)
    await _waiting(tally)
    await _stuck(tally)


async def _sums(
    row: dict[str, object], key: str, stripe_id: str, count: Count, tally: Tally
) -> None:
    count.read += 1
    count.ours += 1
    if row["legs"] == row["booked"]:
        count.matched += 1
        return
    case_id = int(str(row["case_id"])) if row["case_id"] else None
    words = f"The legs of {key} moved {row['legs']}, the ledger says {row['booked']}."
    await tally.differ(Difference("ledger_differs", key, words, case_id, stripe_id))


async def _waiting(tally: Tally) -> None:
    """Card refunds wait at Stripe while our available balance there is short."""
    for row in await _read(_WAITING, clock.now() - _WAITS_AFTER):
        words = (
            f"Refund {row['stripe_id']} waits since {row['sent_at']:%Y-%m-%d} for money on our "
            "balance at Stripe."
        )
        await tally.differ(
            Difference(
                "refund_waits_for_balance",
                str(row["stripe_id"]),
                words,
                int(str(row["case_id"])),
                str(row["stripe_id"]),
            )
        )


async def _stuck(tally: Tally) -> None:
    """Cases in which the worker has the next step and has not looked."""
    late = clock.now() - _STUCK_AFTER
    for status in sorted(due.WORKER):
        await _stuck_in(status, late, tally)


async def _stuck_in(status: Status, late: datetime, tally: Tally) -> None:
    waiting = Case.filter(status=status)
    found = {
        *await waiting.filter(next_check_at=None).values_list("id", "ref"),
        *await waiting.filter(next_check_at__lt=late).values_list("id", "ref"),
    }
    for case_id, ref in sorted(found):
        words = f"The worker has not looked at {ref} ({status.replace('_', ' ')}) when it was due."
        await tally.differ(Difference("stuck_case", f"case:{ref}", words, int(case_id)))


async def _read(statement: str, *values: object) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = await connections.get("default").execute_query_dict(
        statement, list(values)
    )
    return rows
