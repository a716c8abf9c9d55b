"""Audits of cancelled orders: how far each is, what is open, who is named to the customer."""

from dataclasses import dataclass
from datetime import date, datetime

from amends.flow import cancellation, letters
from amends.models import Audit, Case
from amends.rules import promises
from amends.rules.people import WORKER
from amends.rules.workflow import Status

MOST = 100


@dataclass(frozen=True)
class Item:
    """One point of the checklist, and who ticked it when."""

    key: str
    words: str
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class AuditRow:
    """One audit. `day` of `days` business days; `window` has the dates that were promised."""

    ref: str
    organisation: str
    order: str
    day: int
    days: int
    extended_by: int
    window: promises.Audit
    items: tuple[Item, ...]
    contact_id: int | None
    contact: str
    renewals_stopped_at: datetime | None
    overdue: bool

    @property
    def open(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if not item.by)

    @property
    def ends_on(self) -> date:
        return self.window.ends_on


async def running() -> tuple[AuditRow, ...]:
    """All audits that run, the overdue ones first, then by their last day."""
    rows = (
        await Audit.filter(case__status=Status.AUDITING)
        .order_by("ends_on", "case_id")
        .limit(MOST)
        .select_related("case__account", "case__order", "csm")
    )
    return tuple(row_of(row, row.case) for row in rows)


def row_of(row: Audit, case: Case) -> AuditRow:
    window = cancellation.window_of(row)
    today = letters.today()
    return AuditRow(
        ref=case.ref,
        organisation=case.account.organisation,
        order=case.order.number if case.order else case.claimed_order,
        day=min(cancellation.day_of(row), window.business_days),
        days=window.business_days,
        extended_by=row.extended_by,
        window=window,
        items=tuple(_item(row, key, words) for key, words in cancellation.CHECKLIST.items()),
        contact_id=row.csm_id,
        contact=row.csm.name if row.csm else "",
        renewals_stopped_at=row.renewals_stopped_at,
        overdue=today >= row.ends_on and row.finished_at is None,
    )


def _item(row: Audit, key: str, words: str) -> Item:
    tick = row.checklist.get(key)
    if not isinstance(tick, dict):
        return Item(key, words)
    by = "Amends" if tick["by"] == WORKER.name else str(tick["by"])
    return Item(key, words, by, datetime.fromisoformat(str(tick["at"])))
