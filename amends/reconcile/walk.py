"""One reconciliation: page by page through Stripe, then our own books, then the desk."""

from datetime import UTC, date, datetime, time, timedelta

from tortoise import connections

from amends import clock, newer, quarantine, settings
from amends.gateways import stripe_pages
from amends.gateways.stripe_pages import Span
from amends.models import ExceptionItem
from amends.reconcile import (
    books,
    credits,
    disputes,
    intents,
    progress,
    refunds,
    transactions,
)
from amends.reconcile.progress import Busy, Progress
from amends.reconcile.report import Open, Report, Subject

# A late failure comes up to 30 days after; disputes later still, and those are events.
_AT_LEAST = timedelta(days=40)
_FIRST = """
SELECT least((SELECT min(created_at) FROM attempt), (SELECT min(sent_at) FROM leg)) AS first
"""
KINDS = frozenset().union(
    *(each.KINDS for each in (refunds, intents, disputes, transactions, credits, books))
)


async def run() -> Report:
    """Read and compare everything; may be interrupted anywhere and repeated any time.

    A run that began during a quarantine and completes is what the quarantine waits for. Raises
    Busy while another one is at work, stripe.Unavailable when Stripe does not answer; then the
    next run goes on from the last page.
    """
    mine = await progress.claim(await _since())
    try:
        while not mine.is_over:
            await _step(mine)
            await progress.save(mine)
    except Busy:
        raise
    except BaseException:
        await progress.let_go(mine)
        raise
    return await _finish(mine)


async def is_wanted() -> bool:
    """A run was killed or gave up a while ago, and nobody is at work on it."""
    known = await progress.last()
    if known is None or known.is_over or await progress.is_recent(clock.now()):
        return False
    held = await quarantine.standing()
    return known.can_go_on(clock.now(), held.id if held.is_on else "")


async def _since() -> datetime:
    """Go-live, our first attempt or forty days ago, whichever is the earliest."""
    moments = [clock.now() - _AT_LEAST]
    if live := settings.load().go_live:
        moments.append(datetime.combine(date.fromisoformat(live), time(), UTC))
    rows = await connections.get("default").execute_query_dict(_FIRST)
    moments += [rows[0]["first"]] if rows[0]["first"] else []
    # Stripe's clock and ours may differ by a little.
    return min(moments) - timedelta(hours=1)


async def _step(mine: Progress) -> None:
    """One page of the present subject; the subject after it when there is no further page."""
    span = Span(mine.since, mine.until)
    match mine.subject:
        case Subject.REFUNDS:
            refunded = await stripe_pages.refunds(span, mine.after)
            oldest = refunded.things[-1].created if refunded.things else None
            await refunds.compare(refunded.things, mine.turn(oldest, refunded.last), mine.tally)
        case Subject.INTENTS:
            charged = await stripe_pages.intents(span, mine.after)
            oldest = charged.things[-1].created if charged.things else None
            await intents.compare(charged.things, mine.turn(oldest, charged.last), mine.tally)
        case Subject.DISPUTES:
            disputed = await stripe_pages.disputes(span, mine.after)
            await disputes.compare(disputed.things, mine.tally)
            mine.after = disputed.last
        case Subject.TRANSACTIONS:
            moved = await stripe_pages.transactions(span, mine.after)
            await transactions.compare(moved.things, mine.tally)
            mine.after = moved.last
        case Subject.CREDITS:
            mine.after = await _credits(mine)
        case Subject.BOOKS:
            await books.compare(mine.tally)
    if not mine.after:
        mine.next_subject()


async def _credits(mine: Progress) -> str:
    batch = await credits.customers(int(mine.after or 0))
    for customer in batch:
        await credits.compare(customer, mine.since, mine.tally)
    return str(batch[-1].account_id) if len(batch) == credits.BATCH else ""


async def _finish(mine: Progress) -> Report:
    settled = await mine.tally.settle_vanished(KINDS, mine.began_at)
    await newer.settle(mine.began_at)
    report = await _report(mine, settled)
    if mine.quarantine_id:
        held = await quarantine.standing()
        if held.id == mine.quarantine_id:
            await quarantine.reconciled(held, _note(report))
    return report


def _note(report: Report) -> str:
    read = sum(count.read for count in report.counts.values())
    ours = sum(count.ours for count in report.counts.values())
    return (
        f"{read} objects read, {ours} of ours, {report.repaired} brought up to date, "
        f"{report.differences} told."
    )


async def _report(mine: Progress, settled: int) -> Report:
    keys = {(each.kind, each.key) for each in mine.tally.found}
    told = await ExceptionItem.filter(kind__in=sorted(KINDS), resolved_at=None)
    found = [item for item in told if (item.kind, item.key) in keys]
    kinds = sorted({item.kind for item in found})
    return Report(
        mine.since,
        mine.until,
        mine.tally.counts,
        mine.tally.sums,
        tuple(_open(kind, [item for item in found if item.kind == kind]) for kind in kinds),
        mine.tally.explained,
        mine.tally.repaired,
        settled,
        tuple(mine.tally.found),
    )


def _open(kind: str, items: list[ExceptionItem]) -> Open:
    return Open(kind, len(items), min(item.opened_at for item in items))
