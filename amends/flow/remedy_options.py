"""What may follow a refund that failed: which refunds are still open, and the ways out."""

from dataclasses import dataclass

from amends.flow import checks
from amends.models import Case, Leg, Plan
from amends.rules import plan as plans
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.remedies import Way

_FAILED = (LegState.FAILED, LegState.CANCELED)


@dataclass(frozen=True)
class Option:
    """One way out and what it is about. `why_not` is empty when it can be proposed."""

    way: Way
    amount_minor: int
    currency: str
    why_not: str = ""


@dataclass(frozen=True)
class Options:
    """The refunds that failed and are not made good yet, and the ways out."""

    failed: tuple[Leg, ...]
    ways: tuple[Option, ...]

    def of(self, way: Way) -> Option:
        return next(option for option in self.ways if option.way is way)


async def options(case: Case) -> Options:
    """What may be proposed, from our rows; Stripe is asked when a way is shown or proposed."""
    legs = await Leg.filter(case_id=case.id).order_by("plan_id", "position").select_related("plan")
    failed = await _open(case, legs)
    amount = sum(leg.amount_minor for leg in failed)
    currency = failed[0].currency if failed else case.currency
    why_not = _never(failed, legs)
    ways = tuple(Option(way, amount, currency, why_not.get(way, "")) for way in Way)
    return Options(failed, ways)


async def _open(case: Case, legs: list[Leg]) -> tuple[Leg, ...]:
    """Failed refunds that neither a later refund of the same charge nor a remedy made good."""
    mended = await _mended(case)
    return tuple(
        leg
        for leg in checks.refund_legs(legs)
        if leg.state in _FAILED
        and str(leg.id) not in mended
        and not any(_follows(other, leg) for other in checks.refund_legs(legs))
    )


def _follows(other: Leg, leg: Leg) -> bool:
    """A later try; if it failed too, it is the one to make good."""
    after = leg.failed_at is None or other.plan.created_at >= leg.failed_at
    tried = other.state is not LegState.PLANNED or other.plan.voided_at is None
    return other.charge_id == leg.charge_id and other.plan_id > leg.plan_id and after and tried


async def _mended(case: Case) -> set[str]:
    """What an approved remedy made good without a refund of the same charge."""
    approved = Plan.filter(case_id=case.id, approvals__decision="approved")
    drafts = [plans.read(stored.canonical) for stored in await approved]
    return {
        leg for draft in drafts if draft.remedy is not None for leg in draft.remedy.mends
        if draft.remedy.way is not Way.SEND_AGAIN
    }  # fmt: skip


def _never(failed: tuple[Leg, ...], legs: list[Leg]) -> dict[Way, str]:
    if not failed:
        return _nothing_failed(legs)
    found: dict[Way, str] = {}
    if not charged(legs):
        found[Way.REFUND_NEW_CHARGE] = "The new card was not charged."
    if not _is_out_of_money(failed, legs):
        found[Way.PAY_OTHERWISE] = (
            "The customer is not out of money: the new card was not charged for this refund."
        )
    if len({leg.currency for leg in failed}) > 1:
        many = "The failed refunds are in several currencies; plan them one by one."
        found |= dict.fromkeys((Way.PAY_OTHERWISE, Way.REFUND_NEW_CHARGE), many)
    return found


def _nothing_failed(legs: list[Leg]) -> dict[Way, str]:
    """Then a case may only be closed as it is, and only after money of it moved."""
    found = {way: "No refund of this case has failed." for way in Way}
    if any(leg.state is LegState.SUCCEEDED for leg in legs):
        del found[Way.KEEP]
    return found


def charged(legs: list[Leg]) -> list[Leg]:
    return [leg for leg in legs if leg.kind is LegKind.RECHARGE and leg.state is LegState.SUCCEEDED]


def _is_out_of_money(failed: tuple[Leg, ...], legs: list[Leg]) -> bool:
    """A re-bill whose new charge never came leaves the order paid as it was."""
    return bool(charged(legs)) or any(leg.plan.outcome != Outcome.REBILL for leg in failed)
