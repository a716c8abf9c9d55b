"""The movements of our balance at Stripe against the legs that caused them; fees and disputes."""

from amends.gateways.stripe_facts import TransactionFacts
from amends.models import BankDispute, Leg
from amends.reconcile import rows
from amends.reconcile.report import Difference, Subject
from amends.reconcile.tally import Tally

KINDS = frozenset({"balance_differs"})
_REFUND = frozenset({"refund", "payment_refund"})
_FAILURE = frozenset({"refund_failure", "payment_failure_refund"})
_CHARGE = frozenset({"charge", "payment"})


async def compare(things: tuple[TransactionFacts, ...], tally: Tally) -> None:
    legs = await _legs([seen.source_id for seen in things])
    disputes = await _disputes([seen.source_id for seen in things])
    count = tally.of(Subject.TRANSACTIONS)
    for seen in things:
        count.read += 1
        if seen.source_id in disputes:
            count.ours += 1
            count.matched += 1
            sums = tally.sum(seen.currency)
            sums.disputed += seen.amount_minor
            sums.fees += seen.fee_minor
        elif (leg := legs.get(seen.source_id)) is not None:
            count.ours += 1
            count.matched += await _leg(leg, seen, tally)


async def _legs(sources: list[str]) -> dict[str, Leg]:
    refunded = await Leg.filter(stripe_id__in=sources).values_list("id", flat=True)
    charged = await Leg.filter(result_charge_id__in=sources).values_list("id", flat=True)
    legs, _ = await rows.readable([str(each) for each in (*refunded, *charged)])
    return {leg.result_charge_id or leg.stripe_id or "": leg for leg in legs}


async def _disputes(sources: list[str]) -> set[str]:
    found = await BankDispute.filter(id__in=sources).values_list("id", flat=True)
    return {str(each) for each in found}


async def _leg(leg: Leg, seen: TransactionFacts, tally: Tally) -> bool:
    sums = tally.sum(seen.currency)
    sums.balance_moved += seen.amount_minor
    sums.fees += seen.fee_minor
    expected = _expected(leg, seen)
    # In an account that settles in another currency the amounts are Stripe's exchange.
    if expected is None or seen.currency != leg.currency or seen.amount_minor == expected:
        return True
    detail = (
        f"Balance transaction {seen.id} ({seen.kind}) moved {seen.amount_minor} {seen.currency}, "
        f"leg {leg.id} says {expected}."
    )
    await tally.differ(Difference("balance_differs", seen.id, detail, leg.case_id, seen.source_id))
    return False


def _expected(leg: Leg, seen: TransactionFacts) -> int | None:
    """None for a movement that is no whole one, such as a fee of its own."""
    amount: int = leg.amount_minor
    if seen.kind in _REFUND:
        return -amount
    return amount if seen.kind in _FAILURE | _CHARGE else None
