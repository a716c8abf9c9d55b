"""Every refund at Stripe against its leg and the ledger; every leg against its refund."""

from amends import newer
from amends.flow import observe, strangers
from amends.gateways import stripe
from amends.gateways.stripe_facts import RefundFacts
from amends.gateways.stripe_pages import Span
from amends.models import Leg
from amends.reconcile import rows
from amends.reconcile.report import Count, Difference, Subject
from amends.reconcile.rows import Rows
from amends.reconcile.tally import Tally
from amends.rules import sending
from amends.rules.plan import LegKind, LegState

KINDS = frozenset(
    {
        strangers.FOREIGN_REFUND,
        "lost_case",
        "refund_differs",
        "leg_differs",
        "ledger_differs",
        "missing_at_stripe",
    }
)


async def compare(things: tuple[RefundFacts, ...], between: Span, tally: Tally) -> None:
    """One page, and the legs whose refunds should stand on it."""
    known = await rows.of(things)
    count = tally.of(Subject.REFUNDS)
    for seen in things:
        count.read += 1
        if not known.is_unreadable(seen.metadata):
            async with newer.left_alone(seen.id):
                await _one(seen, known, count, tally)
    await _legs_without(things, between, tally)


async def _one(seen: RefundFacts, known: Rows, count: Count, tally: Tally) -> None:
    leg = known.of(seen.id, seen.metadata)
    if leg is not None:
        count.ours += 1
        count.matched += await _leg(leg, seen, known, tally)
    elif (stranger := await strangers.refund(seen)) is not None:
        count.ours += 1
        await tally.differ(told(stranger))


def told(stranger: strangers.Stranger) -> Difference:
    return Difference(
        stranger.kind, stranger.key, stranger.detail, stranger.case_id, stripe_id=stranger.key
    )


async def _leg(leg: Leg, seen: RefundFacts, known: Rows, tally: Tally) -> bool:
    """Bring the leg up to date first; only what differs after that is a difference."""
    moved = known.moved.get(seen.id, 0)
    if _is_behind(leg, seen):
        before = (leg.state, leg.stripe_id)
        await observe.refund(leg.id, seen)
        leg, moved = await Leg.get(id=leg.id), await rows.moved_by(seen.id)
        tally.repaired += before != (leg.state, leg.stripe_id)
        await rows.wake(leg)
    sums = tally.sum(seen.currency)
    sums.refunded_at_stripe += seen.amount_minor if seen.counts else 0
    sums.refunded_in_ledger -= moved
    found = _difference(leg, seen, moved)
    if found is not None:
        await tally.differ(found)
    return found is None


def _is_behind(leg: Leg, seen: RefundFacts) -> bool:
    if not _is_same_money(leg, seen) or (leg.stripe_id or seen.id) != seen.id:
        return False
    return leg.state is not _state(seen) or leg.stripe_id is None


def _state(seen: RefundFacts) -> LegState:
    """The state of a leg whose refund reads so."""
    return sending.refund_seen(LegState.SENDING, seen.status).state


def _is_same_money(leg: Leg, seen: RefundFacts) -> bool:
    return (leg.kind, leg.charge_id, leg.amount_minor, leg.currency) == (
        LegKind.REFUND,
        seen.charge_id,
        seen.amount_minor,
        seen.currency,
    )


def _difference(leg: Leg, seen: RefundFacts, moved: int) -> Difference | None:
    what = f"Refund {seen.id} ({seen.amount_minor} {seen.currency} of {seen.charge_id})"
    if leg.stripe_id != seen.id and not seen.counts:
        return None  # an earlier try that moved nothing
    if leg.stripe_id != seen.id or not _is_same_money(leg, seen):
        return _differs(
            leg,
            "refund_differs",
            seen.id,
            f"{what} is not what leg {leg.id} says ({leg.amount_minor} {leg.currency} of "
            f"{leg.charge_id}, {leg.stripe_id or 'not sent'}).",
        )
    if leg.state is not _state(seen):
        return _differs(
            leg, "leg_differs", seen.id, f"{what} reads {seen.status}, our leg {leg.state}."
        )
    expected = -seen.amount_minor if seen.counts else 0
    if moved != expected:
        return _differs(
            leg,
            "ledger_differs",
            seen.id,
            f"{what} moved {expected}, our ledger says {moved}.",
        )
    return None


def _differs(leg: Leg, kind: str, stripe_id: str, detail: str) -> Difference:
    return Difference(kind, stripe_id, detail, leg.case_id, stripe_id)


async def _legs_without(things: tuple[RefundFacts, ...], between: Span, tally: Tally) -> None:
    """Legs that name a refund of this span which Stripe did not list."""
    suspects = Leg.filter(
        kind=LegKind.REFUND,
        stripe_id__not_isnull=True,
        sent_at__gte=between.since,
        sent_at__lte=between.until,
    ).exclude(stripe_id__in=[seen.id for seen in things])
    for leg_id, stripe_id in await suspects.values_list("id", "stripe_id"):
        try:
            await stripe.refund(str(stripe_id))
        except stripe.NotThere:
            leg = await Leg.get(id=leg_id)
            words = f"Our leg {leg.id} names refund {stripe_id}; Stripe does not have it."
            await tally.differ(_differs(leg, "missing_at_stripe", str(stripe_id), words))
            tally.sum(leg.currency).refunded_in_ledger -= await rows.moved_by(str(stripe_id))
