"""What must be true before a plan may be proposed or approved, and what a person should know."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from amends import moments
from amends.flow import charges, comparison, fraud, recipes
from amends.flow.goodwill import Room
from amends.flow.identity import NAMES, Identity
from amends.flow.sighting import Reading, SeenCharge
from amends.models import Account, Case, Deposit, Leg, Order
from amends.rules import card_words, plan, policy
from amends.rules.money import Money, format_money, total
from amends.rules.plan import Draft, LegKind, LegState, PlannedLeg
from amends.rules.workflow import Reason, Status

IN_FLIGHT = frozenset({LegState.SENDING, LegState.PENDING, LegState.UNKNOWN, LegState.NEEDS_ACTION})


class Mood(StrEnum):
    """Passed, to be known, or in the way."""

    PASSED = "passed"
    WARNING = "warning"
    BLOCKS = "blocks"


@dataclass(frozen=True)
class Check:
    key: str
    mood: Mood
    sentence: str


@dataclass(frozen=True)
class Facts:
    """All that the checks look at, loaded once."""

    case: Case
    account: Account
    order: Order | None
    deposits: tuple[Deposit, ...]
    legs: tuple[Leg, ...]
    identity: Identity
    reading: Reading | None
    now: datetime
    rules: policy.Policy
    next_version: int = 1
    card_elsewhere: bool = False
    recipe: recipes.Recipe | None = None
    goodwill: Room | None = None


def run(known: Facts, draft: Draft | None) -> tuple[Check, ...]:
    """Every check, in the order people read them."""
    return (
        *_identity(known),
        *_locks(known, draft),
        *_charges(known, draft),
        *_disputes(known, draft),
        *_amounts(known, draft),
        *_recipe(known, draft),
        *_goodwill(known, draft),
        *_new_card(known, draft),
        *_shipping(known),
    )


def blocking(found: Sequence[Check]) -> tuple[Check, ...]:
    return tuple(check for check in found if check.mood is Mood.BLOCKS)


def told(found: Sequence[Check]) -> str:
    """All of it in sentences, for the page that says no."""
    return ". ".join(check.sentence.rstrip(".") for check in found) + "."


def _identity(known: Facts) -> Iterator[Check]:
    if known.identity.verified:
        yield Check("identity", Mood.PASSED, "Identity: email, organization and tenant match")
    else:
        names = ", ".join(NAMES[standing.fact] for standing in known.identity.missing)
        yield Check("identity", Mood.BLOCKS, f"Identity is not verified yet: {names}")
    if known.identity.papers_open:
        yield Check("papers", Mood.BLOCKS, "The customer was asked for papers; accept them first")


def _locks(known: Facts, draft: Draft | None) -> Iterator[Check]:
    if known.case.status is Status.LOCKED_CHARGEBACK:
        yield Check("lock", Mood.BLOCKS, "The bank decides this now; no manual refund is possible")
    charges_anew = draft is not None and draft.recharge() is not None
    own = fraud.may_pay_back(known.case.reason, charges_anew)
    mood = Mood.WARNING if own else Mood.BLOCKS
    if known.case.status is Status.LOCKED_FRAUD:
        yield Check("lock", mood, "Security holds this case; its money is frozen")
    if known.account.flagged_at is not None:
        yield Check("flag", mood, "The account is flagged by Security; its money is frozen")
    if any(leg.state in IN_FLIGHT for leg in known.legs):
        yield Check("in_flight", Mood.BLOCKS, "Money of an earlier plan is still on its way")


def _charges(known: Facts, draft: Draft | None) -> Iterator[Check]:
    reading = known.reading
    if reading is None:
        yield Check("charges", Mood.BLOCKS, "Stripe was not read yet")
        return
    if reading.customer is None:
        yield Check("customer", Mood.BLOCKS, "The Stripe customer is not picked yet")
    if reading.missing:
        yield Check("charges", Mood.BLOCKS, f"Stripe does not know {', '.join(reading.missing)}")
    elif not reading.charges:
        yield Check("charges", Mood.BLOCKS, "No charge is picked yet")
    else:
        yield from _found(known, reading)
    yield from _strangers(draft, reading)


def _found(known: Facts, reading: Reading) -> Iterator[Check]:
    count = len(reading.charges)
    words = "Charge found at Stripe" if count == 1 else f"{count} charges found at Stripe"
    yield Check("charges", Mood.PASSED, words)
    if any(not charges.is_recent(seen.charge) for seen in reading.charges):
        yield Check(
            "age", Mood.WARNING, "A charge is older than 180 days; its bank may refuse the refund"
        )


def _strangers(draft: Draft | None, reading: Reading) -> Iterator[Check]:
    """A charge that somebody else's card customer paid is never refunded on this account."""
    ours = reading.customer.id if reading.customer else ""
    wanted = {leg.charge_id for leg in draft.refunds()} if draft else set()
    for seen in reading.charges:
        payer = seen.charge.customer_id
        if ours and payer and payer != ours and (not wanted or seen.charge.id in wanted):
            yield Check(
                "payer", Mood.BLOCKS, f"{seen.charge.id} was paid by another Stripe customer"
            )


def _disputes(known: Facts, draft: Draft | None) -> Iterator[Check]:
    reading = known.reading
    if reading is None or not reading.charges:
        return
    blocked = [dispute for seen in _all_charges(reading) for dispute in seen.blocking]
    for dispute in blocked:
        yield Check(
            "dispute",
            Mood.BLOCKS,
            f"The bank disputes {dispute.charge_id} ({dispute.status.replace('_', ' ')}); "
            "no manual refund beside it",
        )
    warned = [seen for seen in _all_charges(reading) if seen.warned]
    for seen in warned:
        mood = Mood.WARNING if known.case.reason is Reason.NOT_RECOGNISED else Mood.BLOCKS
        yield Check("warning", mood, f"Stripe warns of fraud on {seen.charge.id}; Security decides")
    if not blocked and not warned:
        where = "the charge" if len(reading.charges) == 1 else "any charge"
        yield Check("dispute", Mood.PASSED, f"No bank dispute on {where}")


def _amounts(known: Facts, draft: Draft | None) -> Iterator[Check]:
    if draft is None or known.reading is None:
        return
    for problem in plan.problems(draft):
        yield Check("plan", Mood.BLOCKS, problem)
    rest = {seen.charge.id: seen.refundable_minor for seen in _all_charges(known.reading)}
    # Legs that were carried out before a restore are in the books again and need no rest.
    done = {str(leg.id) for leg in known.legs if leg.state is LegState.SUCCEEDED}
    open_legs = [leg for leg in draft.refunds() if leg.leg_id not in done]
    over = [leg for leg in open_legs if leg.amount_minor > rest.get(leg.charge_id, 0)]
    for leg in over:
        left = format_money(Money(rest.get(leg.charge_id, 0), leg.currency))
        yield Check("amount", Mood.BLOCKS, f"{leg.label}: only {left} can still be refunded")
    if draft.refunds() and not over:
        yield Check("amount", Mood.PASSED, "Each amount can be refunded in full")
    yield from _sum(known, draft)


def _sum(known: Facts, draft: Draft) -> Iterator[Check]:
    """The new card takes exactly what goes back: not a cent more, not a cent less."""
    recharge = draft.recharge()
    if recharge is None:
        return
    earlier = [leg.amount_minor for leg in known.legs if str(leg.id) in draft.rests_on]
    back = sum(leg.amount_minor for leg in draft.refunds()) + sum(earlier)
    if recharge.amount_minor > _room(known, draft):
        yield Check("twice", Mood.BLOCKS, "In all, more would be charged than goes back")
    if recharge.amount_minor == back:
        yield Check("sum", Mood.PASSED, "The new charge is what is refunded, to the cent")
        return
    shown = format_money(Money(back, recharge.currency))
    yield Check("sum", Mood.BLOCKS, f"The refunds add up to {shown}, the new charge does not")


def _room(known: Facts, draft: Draft) -> int:
    """What this case may still charge: all that went back or will, less what was charged."""
    done = [leg for leg in known.legs if leg.state is LegState.SUCCEEDED]
    own = {leg.leg_id for leg in draft.legs}
    others = [leg for leg in done if str(leg.id) not in own]
    charged: int = sum(leg.amount_minor for leg in others if leg.kind is LegKind.RECHARGE)
    went_back: int = sum(leg.amount_minor for leg in refund_legs(others))
    return went_back + sum(leg.amount_minor for leg in draft.refunds()) - charged


def _all_charges(reading: Reading) -> tuple[SeenCharge, ...]:
    return (*reading.charges, *reading.recharged)


def _recipe(known: Facts, draft: Draft | None) -> Iterator[Check]:
    """What the reason of a dispute asks for; a remedy was owed already."""
    if known.recipe is None or known.reading is None or (draft and draft.remedy):
        return
    for found in recipes.findings(known.recipe, known.reading, draft):
        yield Check(found.key, Mood(found.mood), found.sentence)


def _goodwill(known: Facts, draft: Draft | None) -> Iterator[Check]:
    """A credit within what one case may get, with what it got before."""
    if draft is None or not draft.credits():
        return
    amount = sum(leg.amount_minor for leg in draft.credits())
    left = known.goodwill.left if known.goodwill else Money(0, draft.legs[0].currency)
    shown = format_money(left)
    if amount > left.minor:
        yield Check("goodwill", Mood.BLOCKS, f"This case may still get a credit of {shown}")
    else:
        yield Check("goodwill", Mood.PASSED, f"Within {shown}, what this case may still get")


def _new_card(known: Facts, draft: Draft | None) -> Iterator[Check]:
    recharge = draft.recharge() if draft else None
    if recharge is None:
        return
    if known.case.reason is Reason.NOT_RECOGNISED:
        yield Check("reason", Mood.BLOCKS, "A card that was not recognized is never charged anew")
    hold = known.account.rebill_hold_until
    if hold is not None and hold > known.now:
        yield Check("hold", Mood.BLOCKS, f"No re-bill for this account until {moments.words(hold)}")
    yield from _card(known, recharge)


def _card(known: Facts, recharge: PlannedLeg) -> Iterator[Check]:
    reading = known.reading
    if not recharge.payment_method_id:
        yield Check(
            "card", Mood.BLOCKS, "The new card is not saved yet; ask the customer to add it"
        )
        return
    name = card_words.name(recharge.card_brand, recharge.card_last4, recharge.card_funding)
    if reading is None or comparison.saved_card(known.case, reading) is None:
        yield Check("card", Mood.BLOCKS, f"{name} is not saved on this Stripe customer")
        return
    yield Check("card", Mood.PASSED, f"New card saved, not charged: {name}")
    if same := comparison.same_card(known.case, reading):
        paid = comparison.card_name(same.charge.card)
        yield Check("same_card", Mood.WARNING, f"The new card is the card already charged: {paid}")
    if known.card_elsewhere:
        yield Check("card_elsewhere", Mood.WARNING, "Another account has used this very card")


def _shipping(known: Facts) -> Iterator[Check]:
    """A unit ships only when it is fully paid; a refund changes that."""
    order = known.order
    if order is None:
        return
    if order.handed_over_on is None:
        yield Check(
            "not_shipped",
            Mood.WARNING,
            "Not shipped yet: after a refund the unit waits until it is fully paid again",
        )
    if order.unpaid_hold:
        yield Check(
            "unpaid", Mood.WARNING, "Unpaid hold: the unit does not ship until it is charged again"
        )
    paid = total(
        (Money(d.amount_minor, d.currency) for d in known.deposits if d.currency == order.currency),
        order.currency,
    )
    whole = Money(order.total_minor, order.currency)
    if paid < whole:
        yield Check(
            "not_paid",
            Mood.WARNING,
            f"Not fully paid: {format_money(paid)} of {format_money(whole)}",
        )


def refund_legs(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    return tuple(leg for leg in legs if leg.kind is LegKind.REFUND)
