"""Live checks right before a leg is sent: the world may have changed since the approval."""

from dataclasses import dataclass

from amends.flow import execution, strangers
from amends.flow.execution import Execution
from amends.gateways import stripe
from amends.models import Case, Leg
from amends.rules.workflow import Reason


@dataclass(frozen=True)
class Clear:
    """Nothing is in the way. `refunds` are those that the charge already has."""

    refunds: tuple[stripe.RefundFacts, ...] = ()


@dataclass(frozen=True)
class Disputed:
    dispute: stripe.DisputeFacts


@dataclass(frozen=True)
class Warned:
    warning: stripe.WarningFacts


@dataclass(frozen=True)
class Changed:
    """The charge is not what was approved any more."""

    text: str


Finding = Clear | Disputed | Warned | Changed


async def refund(run: Execution, leg: Leg) -> Finding:
    """Disputes and warnings on the plan's charges, and the refundable rest of the leg's own."""
    blocked = await in_the_way(run, leg)
    if not isinstance(blocked, Clear):
        return blocked
    charge = await stripe.charge(leg.charge_id)
    refunds = tuple(await stripe.refunds_of(leg.charge_id))
    if any(mine(leg, refund) for refund in refunds):
        return Clear(refunds)
    if (lost := await strangers.lost_refund(refunds)) is not None:
        return Changed(f"{lost.id} paid {leg.charge_id} back before; its plan was lost.")
    return _refundable(leg, charge, refunds) or Clear(refunds)


async def in_the_way(run: Execution, leg: Leg) -> Finding:
    """What stands on the leg's charge or on one that moves, or is rested on, with it.

    One dispute stops the whole plan, so a leg is not sent while another one's charge is disputed.
    """
    for charge_id in await execution.charges_under(run, leg):
        found = await _blocks(run.case, charge_id)
        if not isinstance(found, Clear):
            return found
    return Clear()


async def _blocks(case: Case, charge_id: str) -> Finding:
    """As `claims_on`; a warning does not stop the refund that Security decided because of it."""
    found = await claims_on(charge_id)
    own = case.reason is Reason.NOT_RECOGNISED and isinstance(found, Warned)
    return Clear() if own else found


async def claims_on(charge_id: str) -> Finding:
    """Whether the bank's process or a warning stands on a charge."""
    for dispute in await stripe.disputes_of(charge_id):
        if dispute.blocks:
            return Disputed(dispute)
    for warning in await stripe.warnings_of(charge_id):
        if warning.actionable:
            return Warned(warning)
    return Clear()


def mine(leg: Leg, refund: stripe.RefundFacts) -> bool:
    """Ours by the leg's random id in the metadata; never by amount."""
    return refund.metadata.get("leg") == str(leg.id)


def _refundable(
    leg: Leg, charge: stripe.ChargeFacts, refunds: tuple[stripe.RefundFacts, ...]
) -> Changed | None:
    # Stripe's own sum may still count a failed refund, so our count of the living ones decides too.
    used = sum(refund.amount_minor for refund in refunds if refund.counts)
    rest = charge.captured_minor - used
    if charge.currency != leg.currency:
        return Changed(f"{leg.charge_id} is in {charge.currency}, the plan in {leg.currency}.")
    if charge.status != "succeeded":
        return Changed(f"{leg.charge_id} reads {charge.status} at Stripe.")
    if rest < leg.amount_minor:
        return Changed(
            f"{leg.charge_id} has {rest} left to refund, the plan says "
            f"{leg.amount_minor} (minor units of {leg.currency})."
        )
    return None
