"""After a restore: money at Stripe whose plan was lost becomes part of its case again.

Nothing moves by it. The legs get their own random ids back, so that they can never be sent anew,
and the next plan rests on what they did. The worker reads each object and books it.
"""

import uuid
from dataclasses import dataclass

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, jobs, moves, policies, quarantine
from amends.flow import desk, strangers
from amends.gateways import stripe, stripe_pages
from amends.gateways.stripe_facts import IntentFacts, RefundFacts
from amends.models import Account, Case, Deposit, ExceptionItem, Leg, Plan
from amends.rules import policy
from amends.rules.people import Staff
from amends.rules.plan import Draft, LegKind, LegState, Outcome, PlannedLeg
from amends.rules.workflow import Kind


@dataclass(frozen=True)
class _Lost:
    """What Stripe shows of this case and our books lack."""

    refunds: tuple[RefundFacts, ...]
    intents: tuple[IntentFacts, ...]

    @property
    def all(self) -> list[RefundFacts | IntentFacts]:
        return [*self.refunds, *self.intents]

    @property
    def ids(self) -> list[str]:
        return [seen.id for seen in self.all]


async def take_over(case: Case, by: Staff, reason: str) -> Plan:
    """Write the lost movements down as a plan that is over. Only a manager does that."""
    if not by.roles & policy.MANAGERS:
        raise facts.Refused("Only a manager takes over money whose plan was lost.")
    reason = desk.words(reason, "reason", "Say how you know that this money belongs here")
    lost = await _read(case)
    if not lost.ids:
        raise facts.Refused("Stripe holds no lost money of this case.")
    draft = await _draft(case, lost)
    async with in_transaction():
        plan = await _store(case, by, draft, lost)
        entry = desk.entry("take_over", by, reason, {"plan": draft.version, "objects": lost.ids})
        await moves.note(case, entry)
        for stripe_id in lost.ids:
            await exceptions_desk.settle(quarantine.LOST, stripe_id, reason, by.name)
    # The worker reads what was taken over, as after a lost answer; an intent that is still open is
    # canceled then: its plan is over.
    await Case.filter(id=case.id).update(next_check_at=clock.now())
    await jobs.defer(jobs.advance(case.id))
    return plan


async def _read(case: Case) -> _Lost:
    """Read live, whatever the desk was told or has closed since.

    Money of this case's reference is its own. Money whose whole case was lost is told without a
    case; it may join another case of the same customer.
    """
    account = await Account.get(id=case.account_id)
    customer = account.stripe_customer_id or ""
    told = ExceptionItem.filter(kind=quarantine.LOST, case_id=None, resolved_at=None)
    without_case = {each.key for each in await told}
    intents = await stripe.intents_of(customer) if customer else []
    paid = [each.charge_id for each in await Deposit.filter(order__account_id=case.account_id)]
    paid += [each.charge_id for each in intents if stripe_pages.leg_of(each.metadata)]
    refunds = [seen for charge in paid if charge for seen in await stripe.refunds_of(charge)]
    refunds += [
        await stripe.refund(key)
        for key in without_case - {seen.id for seen in refunds}
        if key.startswith("re_")
    ]

    def is_its(seen: RefundFacts | IntentFacts) -> bool:
        named = seen.metadata.get("case") == case.ref and bool(stripe_pages.leg_of(seen.metadata))
        return seen.customer_id == customer and (named or seen.id in without_case)

    lost_refunds = await strangers.unknown(seen for seen in refunds if seen.counts and is_its(seen))
    lost_intents = await strangers.unknown(
        seen for seen in intents if seen.status != "canceled" and is_its(seen)
    )
    # A list does not hold the card; the object read alone does.
    return _Lost(
        tuple(lost_refunds), tuple([await stripe.intent(seen.id) for seen in lost_intents])
    )


async def _draft(case: Case, lost: _Lost) -> Draft:
    last = await Plan.filter(case_id=case.id).order_by("-version").first()
    rebill = bool(lost.intents) or case.kind is Kind.REBILL
    legs = [await _refund(seen) for seen in lost.refunds]
    legs += [_recharge(seen) for seen in lost.intents]
    return Draft(
        case.ref,
        last.version + 1 if last else 1,
        (await policies.current()).version,
        Outcome.REBILL if rebill else Outcome.REFUND,
        case.contact_email,
        tuple(legs),
    )


async def _refund(seen: RefundFacts) -> PlannedLeg:
    charge = await stripe.charge(seen.charge_id)
    return PlannedLeg(
        stripe_pages.leg_of(seen.metadata),
        LegKind.REFUND,
        seen.amount_minor,
        seen.currency,
        charge_id=seen.charge_id,
        payment_intent_id=charge.payment_intent_id,
        customer_id=seen.customer_id,
        card_brand=charge.card.brand,
        card_funding=charge.card.funding,
        card_last4=charge.card.last4,
        card_fingerprint=charge.card.fingerprint,
        label="Taken over",
    )


def _recharge(seen: IntentFacts) -> PlannedLeg:
    card = seen.card
    return PlannedLeg(
        stripe_pages.leg_of(seen.metadata),
        LegKind.RECHARGE,
        seen.amount_minor,
        seen.currency,
        # A card that was declined is not named any more; the leg is never sent, so no card is.
        payment_method_id=seen.payment_method_id or "unknown",
        customer_id=seen.customer_id,
        card_brand=card.brand if card else "",
        card_funding=card.funding if card else "",
        card_last4=card.last4 if card else "",
        card_fingerprint=card.fingerprint if card else "",
        label="Taken over",
    )


async def _store(case: Case, by: Staff, draft: Draft, lost: _Lost) -> Plan:
    """Void from the beginning: it can never be approved or carried out."""
    now = clock.now()
    plan = await Plan.create(
        case_id=case.id,
        version=draft.version,
        digest=draft.digest(),
        canonical=draft.canonical(),
        policy_version=draft.policy_version,
        outcome=draft.outcome,
        why="Taken over from Stripe after a restore.",
        prepared_by_id=by.person_id,
        created_at=now,
        voided_at=now,
        void_reason="Carried out before a restore; its approval was lost with it.",
    )
    objects = {stripe_pages.leg_of(seen.metadata): seen for seen in lost.all}
    for position, leg in enumerate(draft.legs, 1):
        seen = objects[leg.leg_id]
        await Leg.create(
            id=uuid.UUID(leg.leg_id),
            plan_id=plan.id,
            case_id=case.id,
            position=position,
            kind=leg.kind,
            # It was sent; what became of it is the worker's to read.
            state=LegState.UNKNOWN,
            stripe_id=seen.id if leg.kind is LegKind.REFUND else None,
            payment_intent_id=seen.id if leg.kind is LegKind.RECHARGE else "",
            amount_minor=leg.amount_minor,
            currency=leg.currency,
            charge_id=leg.charge_id,
            payment_method_id=leg.payment_method_id,
            customer_id=leg.customer_id,
            card_brand=leg.card_brand,
            card_funding=leg.card_funding[:10],
            card_last4=leg.card_last4,
            card_fingerprint=leg.card_fingerprint,
            label=leg.label,
        )
    return plan
