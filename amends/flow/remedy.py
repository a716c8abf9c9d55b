"""A refund failed: what a manager may decide, each way a new plan that somebody else approves."""

import uuid
from dataclasses import dataclass

from amends import facts, moves
from amends.flow import checks, desk, plan_legs, planning, remedy_options, sighting
from amends.flow.plan_legs import Wanted
from amends.flow.planning import Shown
from amends.flow.remedy_options import Option, Options, options
from amends.flow.sighting import Reading, SeenCharge
from amends.models import Attachment, Case, Leg, Plan
from amends.rules import workflow
from amends.rules.money import Money, format_money
from amends.rules.people import Staff
from amends.rules.plan import Draft, Outcome, PlannedLeg
from amends.rules.remedies import Remedy, Way

__all__ = [
    "Ask",
    "Option",
    "Options",
    "Paid",
    "options",
    "propose_keep",
    "propose_paid_otherwise",
    "propose_refund_of_new_charge",
    "propose_send_again",
    "shown",
]


@dataclass(frozen=True)
class Paid:
    """How the customer got the money past Stripe, what proves it, what the customer reads."""

    how: str
    evidence: str
    told: str
    attachment_id: str = ""


@dataclass(frozen=True)
class Ask:
    """A way with what it needs. `seed` is random, fixed when the plan is first shown."""

    way: Way
    seed: str = ""
    paid: Paid | None = None
    told: str = ""


async def shown(case: Case, by: Staff, ask: Ask) -> Shown:
    """The plan as it would be stored, with Stripe read now."""
    desk.must_prepare(case, by)
    if case.status not in workflow.PLANNABLE:
        raise facts.Refused(f"This case is {moves.words(case.status)}; nothing is proposed now.")
    found = await options(case)
    if why_not := found.of(ask.way).why_not:
        raise facts.Refused(why_not)
    known = await planning.facts_for(case, await sighting.read_claim(case, by))
    seed = _seed(ask.seed)
    draft = await _draft(case, known, found, ask, seed)
    return Shown(draft, known, seed)


def _seed(text: str) -> str:
    try:
        return str(uuid.UUID(text)) if text else planning.new_seed()
    except ValueError:
        raise facts.Stale("This page was incomplete. Open the case again.") from None


async def _draft(case: Case, known: checks.Facts, found: Options, ask: Ask, seed: str) -> Draft:
    assert known.reading is not None
    outcome, legs, rests_on = Outcome.REFUND, tuple[PlannedLeg, ...](), tuple[str, ...]()
    match ask.way:
        case Way.SEND_AGAIN:
            wanted = _again(known, known.reading, found.failed, seed)
            outcome, rests_on = wanted.outcome, plan_legs.rests_on(known, wanted)
            legs = _only(found.failed, plan_legs.build(known, known.reading, wanted))
        case Way.REFUND_NEW_CHARGE:
            legs = (_of_new_charge(case, known.reading, found, seed),)
        case Way.PAY_OTHERWISE:
            await _must_be_attached(case, ask.paid)
        case Way.KEEP:
            pass
    return Draft(
        case_ref=case.ref,
        version=known.next_version,
        policy_version=known.rules.version,
        outcome=outcome,
        recipient=case.contact_email,
        legs=legs,
        rests_on=rests_on,
        remedy=_remedy(found, ask),
    )


def _remedy(found: Options, ask: Ask) -> Remedy:
    option, paid = found.of(ask.way), ask.paid or Paid("", "", ask.told)
    mends = tuple(str(leg.id) for leg in found.failed)
    if ask.way is Way.PAY_OTHERWISE:
        return Remedy(
            ask.way,
            mends,
            option.amount_minor,
            option.currency,
            paid.how.strip(),
            paid.evidence.strip(),
            paid.attachment_id,
            paid.told.strip(),
        )
    return Remedy(ask.way, mends, option.amount_minor, option.currency, told=ask.told.strip())


def _again(known: checks.Facts, reading: Reading, failed: tuple[Leg, ...], seed: str) -> Wanted:
    """The failed amounts and nothing else; the new charge follows only if it never came."""
    again = {leg.charge_id: leg.amount_minor for leg in failed}
    amounts = {seen.deposit_id: again.get(seen.charge.id, 0) for seen in reading.charges}
    outcomes = {leg.plan.outcome for leg in failed}
    if Outcome.CANCELLATION in outcomes:
        return Wanted(Outcome.CANCELLATION, amounts, seed=seed)
    rebills = Outcome.REBILL in outcomes and not remedy_options.charged(list(known.legs))
    return Wanted(Outcome.REBILL if rebills else Outcome.REFUND, amounts, seed=seed)


def _only(failed: tuple[Leg, ...], legs: tuple[PlannedLeg, ...]) -> tuple[PlannedLeg, ...]:
    """Every failed refund has its new leg; one of a charge that is not read cannot be planned."""
    missing = {leg.charge_id for leg in failed} - {leg.charge_id for leg in legs}
    if missing:
        raise facts.Refused(f"{', '.join(sorted(missing))} is not among the charges of this case.")
    return legs


def _of_new_charge(case: Case, reading: Reading, found: Options, seed: str) -> PlannedLeg:
    """From the new charge back what the old card did not take; the newest charge that holds it."""
    option = found.of(Way.REFUND_NEW_CHARGE)
    charges = [seen for seen in reversed(reading.recharged) if _holds(seen, option)]
    if not charges:
        shown_amount = format_money(Money(option.amount_minor, option.currency))
        raise facts.Refused(f"No new charge of this case has {shown_amount} left to refund.")
    return plan_legs.refund(charges[0], option.amount_minor, case, seed, "New card")


def _holds(seen: SeenCharge, option: Option) -> bool:
    same = seen.charge.currency == option.currency
    return same and seen.refundable_minor >= option.amount_minor


async def _must_be_attached(case: Case, paid: Paid | None) -> None:
    """The evidence may be a file; then it is one of this case that was found clean."""
    if paid is None:
        raise facts.InvalidInput({"how": "Say how it was paid, and what proves it"})
    desk.words(paid.evidence, "evidence", "Say what proves it")
    if not paid.attachment_id:
        return
    try:
        wanted = uuid.UUID(paid.attachment_id)
    except ValueError:
        raise facts.InvalidInput({"attachment": "Pick a file of this case"}) from None
    there = Attachment.filter(id=wanted, case_id=case.id, removed_at=None, state="clean")
    if not await there.exists():
        raise facts.InvalidInput({"attachment": "Pick a file of this case"})


async def _propose(case: Case, by: Staff, ask: Ask, digest_seen: str, why: str) -> Plan:
    """Store exactly what was seen; a manager who had no hand in it decides."""
    desk.must_prepare(case, by)
    why = desk.words(why, "why", "Say why, so that the person who decides knows")
    found = await shown(case, by, ask)
    if found.digest != digest_seen:
        raise facts.Stale("The plan is not the one you saw any more. Check it and send it again.")
    if found.blocking:
        raise facts.Refused(". ".join(check.sentence for check in found.blocking) + ".")
    return await planning.submit(case, by, found.draft, why)


async def propose_send_again(case: Case, by: Staff, seed: str, digest_seen: str, why: str) -> Plan:
    """The same amounts to the same cards once more, by new legs."""
    return await _propose(case, by, Ask(Way.SEND_AGAIN, seed), digest_seen, why)


async def propose_refund_of_new_charge(
    case: Case, by: Staff, seed: str, digest_seen: str, why: str
) -> Plan:
    """Back to the new card what the old one did not take."""
    return await _propose(case, by, Ask(Way.REFUND_NEW_CHARGE, seed), digest_seen, why)


async def propose_paid_otherwise(
    case: Case, by: Staff, paid: Paid, digest_seen: str, why: str
) -> Plan:
    """It was paid past Stripe; the evidence is part of what is approved."""
    ask = Ask(Way.PAY_OTHERWISE, paid=paid)
    return await _propose(case, by, ask, digest_seen, why)


async def propose_keep(case: Case, by: Staff, told: str, digest_seen: str, why: str) -> Plan:
    """Nothing more moves, and the customer is told why."""
    return await _propose(case, by, Ask(Way.KEEP, told=told), digest_seen, why)
