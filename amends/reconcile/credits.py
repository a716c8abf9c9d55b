"""Credits on customers' balances that Amends gave, customer by customer."""

from dataclasses import dataclass
from datetime import datetime

from tortoise import connections

from amends.gateways import stripe, stripe_pages
from amends.gateways.stripe_facts import CreditFacts
from amends.models import Account, Case, Leg
from amends.reconcile import rows
from amends.reconcile.report import Difference, Subject
from amends.reconcile.tally import Tally
from amends.rules.plan import LegKind, LegState

# Customers at a time.
BATCH = 50
_BOOKED = """
SELECT coalesce(sum(amount_minor), 0)::bigint AS minor FROM ledger
WHERE stripe_id = $1 AND effect = 'credit' AND amount_minor > 0
"""


@dataclass(frozen=True)
class Customer:
    account_id: int
    stripe_id: str


async def customers(after: int) -> list[Customer]:
    """Customers with a case, in the order of their accounts; Stripe lists credits by customer."""
    ids = await (
        Case.filter(account_id__gt=after, submitted_at__not_isnull=True)
        .distinct()
        .order_by("account_id")
        .limit(BATCH)
        .values_list("account_id", flat=True)
    )
    found = await Account.filter(id__in=[int(str(each)) for each in ids]).order_by("id")
    return [Customer(each.id, each.stripe_customer_id or "") for each in found]


async def compare(customer: Customer, since: datetime, tally: Tally) -> None:
    if not customer.stripe_id:
        return
    try:
        seen = await stripe_pages.credits_of(customer.stripe_id, since)
    except stripe.NotThere:
        return
    for each in seen:
        await _one(each, tally)


async def _one(seen: CreditFacts, tally: Tally) -> None:
    count = tally.of(Subject.CREDITS)
    count.read += 1
    leg_id = stripe_pages.leg_of(seen.metadata)
    if not leg_id:
        return
    count.ours += 1
    legs, unreadable = await rows.readable(
        [str(each) for each in await Leg.filter(id=leg_id).values_list("id", flat=True)]
    )
    if unreadable:
        return
    found = await _difference(legs[0] if legs else None, seen, tally)
    if found is not None:
        await tally.differ(found)
    count.matched += found is None


async def _difference(leg: Leg | None, seen: CreditFacts, tally: Tally) -> Difference | None:
    what = f"Credit {seen.id} of {seen.amount_minor} {seen.currency} to {seen.customer_id}"
    if leg is None:
        detail = f"{what} was made by leg {seen.metadata['leg']}, which this database lacks."
        return Difference("lost_case", seen.id, detail, stripe_id=seen.id)
    booked = await connections.get("default").execute_query_dict(_BOOKED, [seen.id])
    sums = tally.sum(seen.currency)
    sums.credited_at_stripe += seen.amount_minor
    sums.credited_in_ledger += int(booked[0]["minor"])
    says = f"{what}; our leg {leg.id} says {leg.amount_minor} {leg.currency}, {leg.state}."
    same = (leg.kind, leg.amount_minor, leg.currency, leg.state) == (
        LegKind.CREDIT,
        seen.amount_minor,
        seen.currency,
        LegState.SUCCEEDED,
    )
    if not same:
        return Difference("leg_differs", seen.id, says, leg.case_id, seen.id)
    if int(booked[0]["minor"]) != seen.amount_minor:
        words = f"{what}; our ledger says {booked[0]['minor']}."
        return Difference("ledger_differs", seen.id, words, leg.case_id, seen.id)
    return None
