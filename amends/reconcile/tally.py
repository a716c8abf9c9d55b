"""The running count of a reconciliation; what differs goes to the exceptions desk at once."""

from dataclasses import dataclass, field

from amends import clock, exceptions_desk
from amends.models import ExceptionItem
from amends.reconcile.report import Count, Difference, Subject, Sums

BY = "the reconciliation"
# Settled by the software itself; everybody else who closed one is a person who explained it.
_SOFTWARE = ("the facts", BY)


@dataclass
class Tally:
    """Kept with the position after each page, so that a restart goes on where it was."""

    counts: dict[Subject, Count] = field(default_factory=dict)
    sums: dict[str, Sums] = field(default_factory=dict)
    found: list[Difference] = field(default_factory=list)
    explained: int = 0
    repaired: int = 0

    def of(self, subject: Subject) -> Count:
        return self.counts.setdefault(subject, Count())

    def sum(self, currency: str) -> Sums:
        return self.sums.setdefault(currency, Sums())

    async def differ(self, found: Difference) -> None:
        """Tell the desk, unless a person has explained exactly this before."""
        if any((each.kind, each.key) == (found.kind, found.key) for each in self.found):
            return
        self.found.append(found)
        if await _is_explained(found):
            self.explained += 1
            return
        await exceptions_desk.tell(
            found.kind, found.key, found.detail, case_id=found.case_id, stripe_id=found.stripe_id
        )
        # What is true now is what the desk reads, also where it was told before.
        await ExceptionItem.filter(kind=found.kind, key=found.key, resolved_at=None).update(
            detail=found.detail
        )

    async def settle_vanished(self, kinds: frozenset[str], before: object) -> int:
        """Close what was told before this run began and was not found by it."""
        keys = {(each.kind, each.key) for each in self.found}
        told = await ExceptionItem.filter(
            kind__in=sorted(kinds), resolved_at=None, opened_at__lt=before
        )
        gone = [item.id for item in told if (item.kind, item.key) not in keys]
        return await ExceptionItem.filter(id__in=gone, resolved_at=None).update(
            resolved_at=clock.now(), resolved_by=BY, resolution="Stripe and our rows agree now."
        )


async def _is_explained(found: Difference) -> bool:
    told = ExceptionItem.filter(kind=found.kind, key=found.key, detail=found.detail)
    return (
        await told.filter(resolved_at__not_isnull=True).exclude(resolved_by__in=_SOFTWARE).exists()
        and not await told.filter(resolved_at=None).exists()
    )
