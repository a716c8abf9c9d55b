"""A charge after a cancellation: when it took effect, by whom, and what is owed by the day."""

from dataclasses import dataclass
from datetime import date, datetime

from tortoise.transactions import in_transaction

from amends import clock, facts
from amends.dossier import Dossier
from amends.flow import comparison, desk, letters
from amends.flow.sighting import Reading, SeenCharge
from amends.models import Case, EffectiveDate, Order
from amends.rules import money, promises, workflow
from amends.rules.money import Money, Proration
from amends.rules.people import Staff
from amends.rules.workflow import Reason

STRIPE, ORDER, STAFF = "stripe", "order", "staff"


@dataclass(frozen=True)
class Basis:
    """The dates that the computation rests on, and where they come from."""

    effective_on: date
    period_start: date
    period_end: date
    source: str
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Computed:
    """The dates in force, what the systems say by themselves, and the sum per deposit."""

    basis: Basis | None
    known_elsewhere: date | None
    owed: dict[int, Proration]

    @property
    def contradicts(self) -> bool:
        """Staff recorded another day than Stripe or the order shows."""
        return (
            self.basis is not None
            and self.basis.source == STAFF
            and self.known_elsewhere != self.basis.effective_on
        )


def compute(read: Dossier, reading: Reading) -> Computed:
    """What is owed for every charge of the case, from the dates in force."""
    order, recorded = read.order, read.effective
    found = _from_systems(order, reading)
    basis = _from_staff(recorded) if recorded else found
    owed = {seen.deposit_id: _owed(seen, basis) for seen in reading.charges} if basis else {}
    return Computed(basis, ended_on(order, reading), owed)


def _from_staff(row: EffectiveDate) -> Basis:
    return Basis(row.effective_on, row.period_start, row.period_end, STAFF, row.by.name, row.reason)


def _from_systems(order: Order | None, reading: Reading) -> Basis | None:
    """Stripe's subscription; where it is silent, the day that came with the order."""
    ended, seen = ended_on(order, reading), reading.subscription
    if ended is None or seen is None or seen.period_starts is None or seen.period_ends is None:
        return None
    starts, ends = _local(seen.period_starts), _local(seen.period_ends)
    if any(not starts <= comparison.local_day(each) < ends for each in reading.charges):
        return None
    return Basis(ended, starts, ends, STRIPE if _stripe_day(reading) else ORDER)


def ended_on(order: Order | None, reading: Reading) -> date | None:
    return _stripe_day(reading) or (order.cancelled_on if order else None)


def _stripe_day(reading: Reading) -> date | None:
    seen = reading.subscription
    if seen is None:
        return None
    if seen.ended is not None:
        return _local(seen.ended)
    return _local(seen.period_ends) if seen.ends_at_period_end and seen.period_ends else None


def _local(at: datetime) -> date:
    return promises.local_day(at, letters.zone())


def _owed(seen: SeenCharge, basis: Basis) -> Proration:
    charge = Money(seen.charge.captured_minor, seen.charge.currency)
    return money.prorate_after_cancellation(
        charge,
        comparison.local_day(seen),
        basis.period_start,
        basis.period_end,
        basis.effective_on,
    )


def rest_minor(computed: Computed, seen: SeenCharge) -> int:
    """What is owed less what was refunded already."""
    owed = computed.owed.get(seen.deposit_id)
    if owed is None:
        return 0
    refunded = seen.charge.captured_minor - seen.refundable_minor
    return max(0, owed.refund.minor - refunded)


async def record(
    case: Case, by: Staff, effective_on: date, period_start: date, period_end: date, reason: str
) -> Case:
    """Staff know better than Stripe when it took effect, and say why. The approver sees both."""
    desk.must_prepare(case, by)
    if case.reason is not Reason.AFTER_CANCELLATION:
        raise facts.Refused("This is recorded only for a charge after a cancellation.")
    if case.status not in workflow.PLANNABLE | {workflow.Status.NEEDS_CUSTOMER}:
        raise facts.Refused("The date cannot be changed now.")
    errors = _wrong(effective_on, period_start, period_end)
    if errors:
        raise facts.InvalidInput(errors)
    reason = desk.words(reason, "reason", "Say how you know when it took effect")
    data: dict[str, object] = {"effective_on": effective_on.isoformat()}
    entry = desk.entry("record_cancellation", by, reason, data)
    async with in_transaction():
        changed = await desk.change(case, by, entry)
        await EffectiveDate.create(
            case_id=case.id,
            effective_on=effective_on,
            period_start=period_start,
            period_end=period_end,
            reason=reason,
            by_id=by.person_id,
            at=clock.now(),
        )
    return changed


def _wrong(effective_on: date, period_start: date, period_end: date) -> dict[str, str]:
    if period_end <= period_start:
        return {"period_end": "Enter a day after the first day of the period"}
    if effective_on > letters.today():
        return {"effective_on": "Enter a day that is not in the future"}
    return {}
