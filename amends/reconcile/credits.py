"""Credits on customers' balances that Amends gave, customer by customer."""

from dataclasses import dataclass
from datetime import datetime

from tortoise import connections

from amends.flow import observe_credit
from amends.gateways import stripe, stripe_credits, stripe_pages
from amends.gateways.stripe_facts import CreditFacts
from amends.models import Account, Case, Leg
from amends.reconcile import rows
from amends.reconcile.report import Difference, Subject
from amends.reconcile.tally import Tally
from amends.rules import plan
from amends.rules.plan import LegKind, LegState

KINDS = frozenset({"credit_differs"})
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
    """Both sides: what Stripe lists against our legs, and our legs against what Stripe lists."""
    if not customer.stripe_id:
        return
    legs = await _legs(customer)
    try:
        seen = await stripe_pages.credits_of(customer.stripe_id, since)
        for invoice_id in sorted({leg.invoice_id for leg in legs if leg.invoice_id}):
            seen += await stripe_credits.notes_on(invoice_id)
    except stripe.NotThere:
        return
    for each in seen:
        await _one(each, tally)
    for leg in legs:
        if leg.stripe_id and leg.stripe_id not in {each.id for each in seen}:
            words = f"Our leg {leg.id} names credit {leg.stripe_id}; Stripe does not have it."
            await tally.differ(_differs(leg, "missing_at_stripe", leg.stripe_id, words))
            tally.sum(leg.currency).credited_in_ledger += await _booked(leg.stripe_id)


async def _legs(customer: Customer) -> list[Leg]:
    ids = await Leg.filter(kind=LegKind.CREDIT, case__account_id=customer.account_id).values_list(
        "id", flat=True
    )
    legs, _ = await rows.readable([str(each) for each in ids])
    return legs


async def _one(seen: CreditFacts, tally: Tally) -> None:
    count = tally.of(Subject.CREDITS)
    count.read += 1
    leg_id = stripe_pages.leg_of(seen.metadata)
    if not leg_id:
        return
    count.ours += 1
    there = await Leg.filter(id=leg_id).values_list("id", flat=True)
    legs, unreadable = await rows.readable([str(each) for each in there])
    if unreadable:
        return
    found = await _leg(legs[0], seen, tally) if legs else _lost(seen)
    if found is not None:
        await tally.differ(found)
    count.matched += found is None


def _lost(seen: CreditFacts) -> Difference:
    detail = f"{_what(seen)} was made by leg {seen.metadata['leg']}, which this database lacks."
    return Difference("lost_case", seen.id, detail, stripe_id=seen.id)


def _what(seen: CreditFacts) -> str:
    return f"Credit {seen.id} of {seen.amount_minor} {seen.currency} to {seen.customer_id}"


async def _leg(leg: Leg, seen: CreditFacts, tally: Tally) -> Difference | None:
    if leg.kind is LegKind.CREDIT and leg.state not in plan.OVER:
        await observe_credit.credit(leg.id, seen)
        leg = await Leg.get(id=leg.id)
        tally.repaired += leg.state is LegState.SUCCEEDED
    booked, sums = await _booked(seen.id), tally.sum(seen.currency)
    sums.credited_at_stripe += seen.amount_minor
    sums.credited_in_ledger += booked
    same = (leg.kind, leg.amount_minor, leg.currency, leg.stripe_id) == (
        LegKind.CREDIT,
        seen.amount_minor,
        seen.currency,
        seen.id,
    )
    if not same or leg.state is not LegState.SUCCEEDED:
        words = f"{_what(seen)}; leg {leg.id} says {leg.amount_minor} {leg.currency}, {leg.state}."
        return _differs(leg, "credit_differs", seen.id, words)
    if booked != seen.amount_minor:
        words = f"{_what(seen)}; our ledger says {booked}."
        return _differs(leg, "ledger_differs", seen.id, words)
    return None


async def _booked(credit_id: str) -> int:
    found = await connections.get("default").execute_query_dict(_BOOKED, [credit_id])
    return int(found[0]["minor"])


def _differs(leg: Leg, kind: str, stripe_id: str, words: str) -> Difference:
    return Difference(kind, stripe_id, words, leg.case_id, stripe_id)
