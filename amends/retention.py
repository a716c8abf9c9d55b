"""What is deleted by itself, and when. docs/PRIVACY.md says why; the worker does it each night."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from tortoise import connections

from amends import access, clock, facts, moves, read_log, sign_in
from amends.flow import attachment
from amends.gateways import uploads
from amends.models import Attachment, Case, MailItem, StripeReading
from amends.rules import workflow
from amends.rules.people import WORKER
from amends.rules.workflow import Action, Status

log = structlog.get_logger(__name__)
DRAFTS: Final = timedelta(days=90)
FILES: Final = timedelta(days=730)
# Words, names and addresses of a closed case: as long as tax law wants its money rows kept.
CASES: Final = timedelta(days=3653)
# So late `amends privacy old` may come before somebody is told.
CASES_PATIENCE: Final = timedelta(days=30)
FAILED_JOBS: Final = timedelta(days=30)
_BATCH: Final = 500
_FAILED_JOBS = """
DELETE FROM procrastinate_jobs WHERE status IN ('failed', 'cancelled', 'aborted') AND NOT EXISTS
  (SELECT 1 FROM procrastinate_events e WHERE e.job_id = procrastinate_jobs.id AND e.at >= $1)
RETURNING id
"""


@dataclass(frozen=True)
class Rule:
    """One class of data: what it is, how long it is kept, and what deletes it."""

    what: str
    kept: str
    run: Callable[[], Awaitable[int]]


async def forget_old() -> dict[str, int]:
    """Apply every rule; returns how many things each of them deleted."""
    gone = {rule.what: await rule.run() for rule in RULES}
    log.info("old data deleted", **{what.replace(" ", "_"): count for what, count in gone.items()})
    return gone


async def drafts() -> int:
    """A draft nobody sent: what was typed and its files go, as when its owner deletes it."""
    old = Case.filter(status=Status.DRAFT, created_at__lt=clock.now() - DRAFTS)
    count = 0
    for case in await old.order_by("id").limit(_BATCH):
        count += await _drop(case)
    return count


async def _drop(case: Case) -> int:
    empty = {"story": "", "answers": {}, "claimed_order": "", "claimed_last4": ""}
    try:
        await moves.move(
            case, Action.WITHDRAW, WORKER, reason="The draft was never sent.", changes=empty
        )
    except facts.Fact:
        return 0  # sent or deleted in this moment
    await attachment.drop_all(case)
    return 1


async def files() -> int:
    """Files of cases that closed long ago; their names, sizes and hashes stay on the record."""
    ended = Attachment.filter(
        removed_at=None,
        case__status__in=list(workflow.FINAL),
        case__closed_at__lt=_long_ago(),
    )
    old = await ended.exclude(state=uploads.CHECKING).order_by("at").limit(_BATCH)
    for file in old:
        await attachment.store().delete(file.store_key)
        await Attachment.filter(id=file.id).update(removed_at=clock.now())
    return len(old)


async def mails() -> int:
    """The words of mails that were sent long ago; that they were sent stays on the record."""
    sent = MailItem.filter(created_at__lt=_long_ago()).exclude(state="queued")
    return await sent.exclude(context={}).update(context={})


async def readings() -> int:
    """Copies of what Stripe showed; Stripe itself keeps it."""
    old = StripeReading.filter(
        case__status__in=list(workflow.FINAL), case__closed_at__lt=_long_ago()
    )
    ids = [row.case_id for row in await old.limit(_BATCH)]
    return await StripeReading.filter(case_id__in=ids).delete() if ids else 0


async def failed_jobs() -> int:
    """Wake-ups that failed for good; some carry an address."""
    rows = await connections.get("default").execute_query_dict(
        _FAILED_JOBS, [clock.now() - FAILED_JOBS]
    )
    return len(rows)


def _long_ago() -> datetime:
    return clock.now() - FILES


RULES: Final = (
    Rule("sign-in codes and the mails they were in", "1 day, 10 minutes", sign_in.forget_old),
    Rule("sessions and counters", "30 days after they ended, 2 days", access.forget_old),
    Rule("failed wake-ups", f"{FAILED_JOBS.days} days", failed_jobs),
    Rule("drafts", f"{DRAFTS.days} days", drafts),
    Rule("the log of reads", f"{read_log.KEPT.days} days", read_log.forget_old),
    Rule("files", f"{FILES.days} days after the case closed", files),
    Rule("words of mails", f"{FILES.days} days", mails),
    Rule("readings from Stripe", f"{FILES.days} days after the case closed", readings),
)
