"""The legs of a plan: every one built from what Stripe shows, never from what was written."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from amends import facts
from amends.flow import checks, comparison
from amends.flow.sighting import Reading, SeenCharge
from amends.models import Case, Leg
from amends.rules.money import Money, chargeable, format_money
from amends.rules.plan import LegKind, LegState, Outcome, PlannedLeg
from amends.rules.workflow import Reason


@dataclass(frozen=True)
class Wanted:
    """What a person asks the plan to do. Deposits without an amount are refunded in full.

    `seed` is random and fixed when the plan is first shown, so that the legs on the page are
    the legs that are stored.
    """

    outcome: Outcome
    amounts: Mapping[int, int] = field(default_factory=dict)
    recharge_minor: int | None = None
    seed: str = ""
    # Of a credit: how much, and the paid invoice it is a note on, by its number.
    credit_minor: int | None = None
    invoice_number: str = ""
    invoice_id: str = ""


def confirmed(known: checks.Facts) -> tuple[Leg, ...]:
    """Refunds of re-bills that are confirmed and that no new charge has used up yet.

    What was refunded for good, by a plan that only refunds, is never charged again.
    """
    done = {
        leg.plan_id
        for leg in known.legs
        if leg.kind is LegKind.RECHARGE and leg.state is LegState.SUCCEEDED
    }
    last = max(done, default=0)
    return tuple(
        leg
        for leg in checks.refund_legs(known.legs)
        if leg.state is LegState.SUCCEEDED
        and leg.plan_id > last
        and leg.plan.outcome == Outcome.REBILL
    )


def rests_on(known: checks.Facts, wanted: Wanted) -> tuple[str, ...]:
    """A new charge rests on refunds confirmed earlier; a mere refund rests on nothing."""
    if wanted.outcome not in (Outcome.REBILL, Outcome.RECHARGE):
        return ()
    return tuple(str(leg.id) for leg in confirmed(known))


def build(known: checks.Facts, reading: Reading, wanted: Wanted) -> tuple[PlannedLeg, ...]:
    legs: list[PlannedLeg] = []
    if wanted.outcome is Outcome.CREDIT:
        return tuple(_credit(known, wanted))
    if wanted.outcome is not Outcome.RECHARGE:
        legs += _refunds(known, reading, wanted)
    if wanted.outcome in (Outcome.REBILL, Outcome.RECHARGE):
        legs += _recharge(known, legs, wanted)
    if wanted.outcome is Outcome.CANCELLATION:
        legs += _end(known, wanted)
    return tuple(legs)


def _refunds(known: checks.Facts, reading: Reading, wanted: Wanted) -> list[PlannedLeg]:
    """One leg per deposit, back to its own card; nothing for one that is refunded already."""
    legs, errors = [], {}
    for seen in reading.charges:
        asked = wanted.amounts.get(seen.deposit_id, at_first(known, seen))
        if asked == 0:
            continue
        if sentence := _wrong_amount(seen, asked):
            errors[f"amount_{seen.deposit_id}"] = sentence
        legs.append(refund(seen, asked, known.case, wanted.seed, f"Deposit {seen.position}"))
    if errors:
        raise facts.InvalidInput(errors)
    return legs


def at_first(known: checks.Facts, seen: SeenCharge) -> int:
    """What a plan refunds of a charge until somebody says otherwise."""
    return known.recipe.amount_minor(seen) if known.recipe else seen.refundable_minor


def _wrong_amount(seen: SeenCharge, asked: int) -> str:
    card = comparison.card_name(seen.charge.card)
    if asked < 0 or asked > seen.refundable_minor:
        rest = format_money(Money(seen.refundable_minor, seen.charge.currency))
        return f"Enter {rest} or less. That is what can still be refunded to {card}"
    if not chargeable(Money(asked, seen.charge.currency)):
        return f"Stripe cannot refund exactly this amount to {card}"
    return ""


def refund(seen: SeenCharge, amount: int, case: Case, seed: str, label: str) -> PlannedLeg:
    """Back to the card of this charge; there is no way to name another."""
    charge = seen.charge
    return PlannedLeg(
        leg_id=_leg_id(seed, charge.id),
        kind=LegKind.REFUND,
        amount_minor=amount,
        currency=charge.currency,
        charge_id=charge.id,
        payment_intent_id=charge.payment_intent_id,
        customer_id=charge.customer_id,
        card_brand=charge.card.brand,
        card_funding=charge.card.funding,
        card_last4=charge.card.last4,
        card_fingerprint=charge.card.fingerprint,
        stripe_reason=stripe_reason(case),
        label=label,
    )


def stripe_reason(case: Case) -> str:
    """Stripe's word. Never `fraudulent` for a case that may be re-billed: it blocks the card."""
    match case.reason:
        case Reason.DUPLICATE:
            return "duplicate"
        case Reason.NOT_RECOGNISED:
            return "fraudulent"
        case _:
            return "requested_by_customer"


def _recharge(
    known: checks.Facts, refunds: Sequence[PlannedLeg], wanted: Wanted
) -> list[PlannedLeg]:
    case, account = known.case, known.account
    earlier = confirmed(known)
    back = sum(leg.amount_minor for leg in refunds) + sum(leg.amount_minor for leg in earlier)
    amount = back if wanted.recharge_minor is None else wanted.recharge_minor
    currencies = [leg.currency for leg in refunds] + [leg.currency for leg in earlier]
    currency = next(iter(currencies), case.currency)
    if amount != back:
        shown = format_money(Money(back, currency))
        raise facts.InvalidInput({"recharge": f"Enter {shown}. That is what is refunded in all"})
    if amount == 0:
        return []
    return [
        PlannedLeg(
            leg_id=_leg_id(wanted.seed, case.card_payment_method_id or "card"),
            kind=LegKind.RECHARGE,
            amount_minor=amount,
            currency=currency,
            payment_method_id=case.card_payment_method_id or "",
            customer_id=account.stripe_customer_id or "",
            card_brand=case.card_brand,
            card_funding=case.card_funding,
            card_last4=case.card_last4,
            card_fingerprint=case.card_fingerprint,
            label="New card",
        )
    ]


def _credit(known: checks.Facts, wanted: Wanted) -> list[PlannedLeg]:
    """What was asked for, but not more than a case may get, until somebody says otherwise."""
    case, amount = known.case, wanted.credit_minor
    if amount is None:
        amount = credit_at_first(known)
    if amount == 0:
        return []
    return [
        PlannedLeg(
            leg_id=_leg_id(wanted.seed, "credit"),
            kind=LegKind.CREDIT,
            amount_minor=amount,
            currency=case.currency,
            customer_id=known.account.stripe_customer_id or "",
            label=f"on invoice {wanted.invoice_number}"
            if wanted.invoice_id
            else "for next invoices",
            invoice_id=wanted.invoice_id,
        )
    ]


def credit_at_first(known: checks.Facts) -> int:
    left = known.goodwill.left.minor if known.goodwill else 0
    asked = known.case.claimed_amount_minor
    return left if asked is None else min(asked, left)


def _end(known: checks.Facts, wanted: Wanted) -> list[PlannedLeg]:
    order = known.order
    if order is None or not order.subscription_id or order.subscription_status == "canceled":
        return []
    return [
        PlannedLeg(
            leg_id=_leg_id(wanted.seed, order.subscription_id),
            kind=LegKind.END_SUBSCRIPTION,
            amount_minor=0,
            currency=order.currency,
            customer_id=known.account.stripe_customer_id or "",
            subscription_id=order.subscription_id,
            label=f"Subscription {order.subscription_id}",
        )
    ]


def _leg_id(seed: str, name: str) -> str:
    return str(uuid.uuid5(uuid.UUID(seed), name))
