"""What a customer may see of the audit of their own cancelled order."""

from dataclasses import dataclass
from datetime import datetime

from amends.flow import cancellation
from amends.models import Audit
from amends.queries.customer_rows import CaseRow
from amends.rules import promises
from amends.rules.workflow import Status


@dataclass(frozen=True)
class AuditSeen:
    """The dates in force, who is named, and since when nothing renews any more."""

    window: promises.Audit
    contact: str
    renewals_stopped_at: datetime | None


async def of(case: CaseRow) -> AuditSeen | None:
    """`case` was found for its owner before; nothing where no audit runs."""
    if case.status is not Status.AUDITING:
        return None
    row = await Audit.filter(case_id=case.id).select_related("csm").first()
    if row is None:
        return None
    contact = row.csm.name if row.csm else ""
    return AuditSeen(cancellation.window_of(row), contact, row.renewals_stopped_at)
