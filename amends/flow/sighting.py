"""What Stripe shows for a case: read live, kept with its time for the page that shows it."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from tortoise import connections

from amends import clock, dossier, facts
from amends.dossier import Dossier
from amends.flow import desk
from amends.gateways import stripe
from amends.models import Account, Case, Deposit, Order, StripeReading
from amends.rules import evidence
from amends.rules.evidence import Match
from amends.rules.people import Staff
from amends.rules.workflow import Reason

# Stripe's metadata has no fixed names; these are the ones shops use for the tenant.
TENANT_KEYS = ("tenant_id", "tenant")
_SCHEMA = 1


@dataclass(frozen=True)
class Candidate:
    """A Stripe customer who may be this account, and what speaks for it."""

    customer: stripe.CustomerFacts
    matches: tuple[str, ...]
    contradicts: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """An address alone proves nothing: two facts that agree, and none that differs."""
        return len(self.matches) >= 2 and not self.contradicts

    @property
    def rank(self) -> tuple[int, int]:
        return len(self.matches), -len(self.contradicts)


@dataclass(frozen=True)
class SeenCharge:
    """One charge of the case with everything that stands on it."""

    deposit_id: int
    position: int
    charge: stripe.ChargeFacts
    disputes: tuple[stripe.DisputeFacts, ...] = ()
    warnings: tuple[stripe.WarningFacts, ...] = ()
    refunds: tuple[stripe.RefundFacts, ...] = ()

    @property
    def refundable_minor(self) -> int:
        """What is left of it. Stripe's own sum may still count a refund that failed."""
        if self.charge.status != "succeeded":
            return 0
        used = sum(refund.amount_minor for refund in self.refunds if refund.counts)
        return max(0, self.charge.captured_minor - used)

    @property
    def blocking(self) -> tuple[stripe.DisputeFacts, ...]:
        return tuple(dispute for dispute in self.disputes if dispute.blocks)

    @property
    def warned(self) -> bool:
        return any(warning.actionable for warning in self.warnings)


@dataclass(frozen=True)
class Reading:
    """Stripe, as it showed itself at `read_at`. `missing` are charges it does not know."""

    read_at: datetime
    customer: stripe.CustomerFacts | None = None
    candidates: tuple[Candidate, ...] = ()
    charges: tuple[SeenCharge, ...] = ()
    others: tuple[stripe.ChargeFacts, ...] = ()
    cards: tuple[stripe.CardFacts, ...] = ()
    missing: tuple[str, ...] = ()
    subscription: stripe.SubscriptionFacts | None = None
    # What was charged to the new card, by this case's earlier plans.
    recharged: tuple[SeenCharge, ...] = ()

    @property
    def disputed(self) -> bool:
        return any(seen.blocking for seen in (*self.charges, *self.recharged))

    def charge_of(self, deposit_id: int) -> SeenCharge | None:
        return next((seen for seen in self.charges if seen.deposit_id == deposit_id), None)


def tenant_of(customer: stripe.CustomerFacts) -> str:
    return next((customer.metadata[key] for key in TENANT_KEYS if key in customer.metadata), "")


async def read_claim(case: Case, by: Staff) -> Reading:
    """Ask Stripe now and keep the answer. Raises Unavailable; then the last copy stays."""
    desk.must_work(by)
    return await look(await dossier.of(case), by)


async def look(read: Dossier, by: Staff) -> Reading:
    """The same for a case that was read with all that hangs on it."""
    desk.must_work(by)
    try:
        reading = replace(
            await _read(read.account, list(read.claimed)),
            subscription=await _subscription(read),
            recharged=await _recharged(read),
        )
    except (stripe.Unavailable, stripe.Misconfigured, stripe.NotExecuted) as error:
        raise facts.Unavailable(
            "Stripe does not answer at the moment. Nothing was changed; try again in a minute."
        ) from error
    await _keep(read.case.id, reading)
    return reading


async def deposits_of(case: Case) -> list[Deposit]:
    """The card payments this case is about: those picked, else all of its order."""
    if case.deposit_ids:
        return await Deposit.filter(id__in=case.deposit_ids).order_by("position", "id")
    if case.order_id is None:
        return []
    return await Deposit.filter(order_id=case.order_id).order_by("position", "id")


async def _read(account: Account, deposits: list[Deposit]) -> Reading:
    at = clock.now()
    found = await asyncio.gather(*(_charge(deposit) for deposit in deposits))
    charges = tuple(seen for seen in found if seen is not None)
    known = {seen.charge.id for seen in charges}
    missing = tuple(d.charge_id for d in deposits if d.charge_id not in known)
    customer = await _customer(account.stripe_customer_id)
    if customer is None:
        candidates = await _candidates(account, charges)
        return Reading(at, None, candidates, charges, (), (), missing)
    cards, others = await asyncio.gather(
        stripe.saved_cards(customer.id), stripe.charges_of(customer.id)
    )
    rest = tuple(other for other in others if other.id not in known)
    return Reading(at, customer, (), charges, rest, tuple(cards), missing)


async def _recharged(read: Dossier) -> tuple[SeenCharge, ...]:
    """What this case charged to the new card: a dispute there stops it too, and it may have to
    be paid back."""
    ids = [leg.result_charge_id for leg in read.legs if leg.result_charge_id]
    found = await asyncio.gather(*(_look_at(charge_id) for charge_id in ids))
    return tuple(SeenCharge(0, 0, *seen) for seen in found if seen is not None)


async def _charge(deposit: Deposit) -> SeenCharge | None:
    seen = await _look_at(deposit.charge_id)
    return SeenCharge(deposit.id, deposit.position, *seen) if seen is not None else None


_Seen = tuple[
    stripe.ChargeFacts,
    tuple[stripe.DisputeFacts, ...],
    tuple[stripe.WarningFacts, ...],
    tuple[stripe.RefundFacts, ...],
]


async def _look_at(charge_id: str) -> _Seen | None:
    try:
        charge, disputes, warnings, refunds = await asyncio.gather(
            stripe.charge(charge_id),
            stripe.disputes_of(charge_id),
            stripe.warnings_of(charge_id),
            stripe.refunds_of(charge_id),
        )
    except stripe.NotThere:
        return None
    return charge, tuple(disputes), tuple(warnings), tuple(refunds)


async def _subscription(read: Dossier) -> stripe.SubscriptionFacts | None:
    """The order's subscription, where the case is about its end."""
    if read.case.reason is not Reason.AFTER_CANCELLATION:
        return None
    order = read.order
    if order is None and read.claimed:
        order = await Order.get_or_none(id=read.claimed[0].order_id)
    if order is None or not order.subscription_id:
        return None
    try:
        return await stripe.subscription(order.subscription_id)
    except stripe.NotThere:
        return None


async def _customer(customer_id: str | None) -> stripe.CustomerFacts | None:
    if not customer_id:
        return None
    found = await stripe.find_customers(customer_id=customer_id)
    return found[0] if found else None


async def _candidates(account: Account, charges: tuple[SeenCharge, ...]) -> tuple[Candidate, ...]:
    """By the billing address, and who paid the deposits; the likeliest first."""
    payers = {seen.charge.customer_id for seen in charges if seen.charge.customer_id}
    found = await asyncio.gather(
        stripe.find_customers(email=account.billing_email),
        *(stripe.find_customers(customer_id=payer) for payer in sorted(payers)),
    )
    by_id = {customer.id: customer for group in found for customer in group}
    ranked = [candidate(account, customer, payers) for customer in by_id.values()]
    return tuple(sorted(ranked, key=lambda one: (one.rank, one.customer.id), reverse=True))


def candidate(account: Account, customer: stripe.CustomerFacts, payers: set[str]) -> Candidate:
    """What speaks for and against this customer being the account."""
    compared = {
        "tenant ID": evidence.identifiers(account.tenant_id, tenant_of(customer)),
        "email": evidence.addresses(account.billing_email, customer.email),
        "organization": evidence.organisations(account.organisation, customer.name),
        "paid this order": Match.MATCH if customer.id in payers else Match.UNKNOWN,
    }
    return Candidate(
        customer,
        tuple(name for name, match in compared.items() if match is Match.MATCH),
        tuple(name for name, match in compared.items() if match is Match.MISMATCH),
    )


async def shown(case: Case) -> Reading | None:
    """The last copy, for a page that must not wait for Stripe."""
    return unpacked(await StripeReading.get_or_none(case_id=case.id))


def unpacked(row: StripeReading | None) -> Reading | None:
    """The same from a row that was read already; a copy of another version counts as none."""
    if row is None or row.facts.get("schema") != _SCHEMA:
        return None
    return _adapter().validate_python(row.facts["reading"])


async def forget(case: Case) -> None:
    """The copy is of other charges or another customer than the case has now."""
    await StripeReading.filter(case_id=case.id).delete()


_KEEP = """
INSERT INTO stripe_reading (case_id, facts, read_at) VALUES ($1, $2, $3)
ON CONFLICT (case_id) DO UPDATE SET facts = excluded.facts, read_at = excluded.read_at
"""


async def _keep(case_id: int, reading: Reading) -> None:
    packed: dict[str, Any] = {
        "schema": _SCHEMA,
        "reading": _adapter().dump_python(reading, mode="json"),
    }
    await connections.get("default").execute_query(
        _KEEP, [case_id, json.dumps(packed), reading.read_at]
    )


@cache
def _adapter() -> TypeAdapter[Reading]:
    return TypeAdapter(Reading)
