"""The plan: built from Stripe's facts only, shown as it will be stored, proposed once."""

import uuid
from dataclasses import dataclass, replace
from functools import cached_property

from tortoise.transactions import in_transaction

from amends import clock, dossier, facts, moves, policies
from amends.dossier import Dossier
from amends.flow import (
    checks,
    desk,
    goodwill,
    goodwill_invoice,
    identity,
    plan_legs,
    recipes,
    sighting,
    strangers,
)
from amends.flow.checks import Check
from amends.flow.plan_legs import Wanted
from amends.flow.sighting import Reading
from amends.models import Case, ChargeClaim, Leg, Plan
from amends.rules import policy, workflow
from amends.rules.people import Staff
from amends.rules.plan import Draft, LegKind, LegState, Outcome, PlannedLeg
from amends.rules.workflow import Action, Kind, Reason, Status


@dataclass(frozen=True)
class Shown:
    """A plan that is not proposed yet, with everything a person needs to judge it."""

    draft: Draft
    known: checks.Facts
    seed: str

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Run when they are asked for: of several outcomes a page shows those of one."""
        return checks.run(self.known, self.draft)

    @property
    def digest(self) -> str:
        return self.draft.digest()

    @property
    def blocking(self) -> tuple[Check, ...]:
        return checks.blocking(self.checks)


def new_seed() -> str:
    return str(uuid.uuid4())


def outcomes(case: Case) -> tuple[Outcome, ...]:
    """What a plan for this case may do, the usual first."""
    if case.status is Status.NEEDS_NEW_CARD:
        return (Outcome.RECHARGE,)
    if case.kind is Kind.CANCELLATION:
        return (Outcome.CANCELLATION,)
    if case.kind is Kind.REBILL and case.reason is not Reason.NOT_RECOGNISED:
        if case.status is Status.PARTLY_REFUNDED:
            # What went back may be charged to the new card, without what did not.
            return (Outcome.REBILL, Outcome.RECHARGE, Outcome.REFUND)
        return (Outcome.REBILL, Outcome.REFUND)
    if case.kind is Kind.DISPUTE and case.reason is Reason.DISSATISFIED:
        return (Outcome.CREDIT, Outcome.REFUND)
    return (Outcome.REFUND,)


async def facts_for(case: Case, reading: Reading | None) -> checks.Facts:
    """Everything the checks and the plan look at, read at once."""
    return facts_in(await dossier.of(case), reading)


def facts_in(read: Dossier, reading: Reading | None) -> checks.Facts:
    """The same from what was read already."""
    case, rules = read.case, policies.in_force(read.policy)
    return checks.Facts(
        case=case,
        account=read.account,
        order=read.order,
        deposits=read.deposits,
        legs=read.legs,
        identity=identity.stands(read.account, read.checks, reading),
        reading=reading,
        now=clock.now(),
        rules=rules,
        next_version=read.next_version,
        card_elsewhere=read.card_elsewhere,
        recipe=recipes.of(read, reading),
        goodwill=goodwill.room(read, rules) if Outcome.CREDIT in outcomes(case) else None,
    )


async def draft_plan(case: Case, by: Staff, wanted: Wanted, known: checks.Facts) -> Shown:
    """The plan as it would be stored. Raises InvalidInput for amounts that cannot be."""
    desk.must_prepare(case, by)
    if wanted.outcome not in outcomes(case):
        raise facts.Refused("This case cannot be solved that way.")
    if known.reading is None:
        raise facts.Refused("Stripe was not read yet. Read it, then plan.")
    wanted = await goodwill_invoice.with_invoice(case, _seeded(wanted))
    draft = Draft(
        case_ref=case.ref,
        version=known.next_version,
        policy_version=known.rules.version,
        outcome=wanted.outcome,
        recipient=case.contact_email,
        legs=plan_legs.build(known, known.reading, wanted),
        rests_on=plan_legs.rests_on(known, wanted),
    )
    return Shown(draft, known, wanted.seed)


def _seeded(wanted: Wanted) -> Wanted:
    try:
        seed = str(uuid.UUID(wanted.seed)) if wanted.seed else new_seed()
    except ValueError:
        raise facts.Stale("This page was incomplete. Open the case again.") from None
    return replace(wanted, seed=seed)


async def propose(case: Case, by: Staff, wanted: Wanted, digest_seen: str, why: str) -> Plan:
    """Store exactly the plan that was seen and ask for a decision.

    Stripe is read again; anything that differs from what was shown raises Stale, anything that
    is in the way raises Refused. Earlier plans of the case are void from here on.
    """
    desk.must_prepare(case, by)
    if not _may_propose(case):
        raise facts.Refused(f"This case is {moves.words(case.status)}; nothing is proposed now.")
    why = desk.words(why, "why", "Say why, so that the person who decides knows")
    known = await facts_for(case, await sighting.read_claim(case, by))
    shown = await draft_plan(case, by, wanted, known)
    if shown.digest != digest_seen:
        raise facts.Stale("The plan is not the one you saw any more. Check it and send it again.")
    if shown.blocking:
        raise facts.Refused(checks.told(shown.blocking))
    await goodwill.must_have_room(by, shown.draft, known.rules)
    return await submit(case, by, shown.draft, why)


async def submit(case: Case, by: Staff, draft: Draft, why: str) -> Plan:
    """Store a plan that was checked, and ask for a decision on it."""
    await strangers.must_be_explained(case)
    async with in_transaction():
        await moves.move(case, Action.PROPOSE, by, reason=why, data=_told(case, draft))
        return await store(case, by.person_id, draft, why)


def _may_propose(case: Case) -> bool:
    """Also where Security pays a charge back while the account stays frozen."""
    if case.status is Status.LOCKED_FRAUD:
        return case.reason is Reason.NOT_RECOGNISED
    return case.status in workflow.PLANNABLE


def _told(case: Case, draft: Draft) -> dict[str, object]:
    """What the history keeps: the plan, and who held the case when it was prepared."""
    return {
        "plan": draft.version,
        "digest": draft.digest(),
        "outcome": str(draft.outcome),
        "refund_minor": sum(leg.amount_minor for leg in draft.refunds()),
        "currency": next((leg.currency for leg in draft.legs), case.currency),
        "held_by": case.owner_id,
    }


async def store(case: Case, prepared_by_id: int, draft: Draft, why: str) -> Plan:
    """Write the plan and its legs; joins the caller's transaction. Earlier plans are void."""
    at = clock.now()
    await void_live(case.id, f"Replaced by plan v{draft.version}")
    await _claim_charges(case, draft)
    stored = await Plan.create(
        case_id=case.id,
        version=draft.version,
        digest=draft.digest(),
        canonical=draft.canonical(),
        policy_version=draft.policy_version,
        outcome=draft.outcome,
        why=why,
        prepared_by_id=prepared_by_id,
        created_at=at,
    )
    await Leg.bulk_create([_row(stored, leg, number) for number, leg in enumerate(draft.legs, 1)])
    return stored


def _row(stored: Plan, leg: PlannedLeg, position: int) -> Leg:
    return Leg(
        id=uuid.UUID(leg.leg_id),
        plan_id=stored.id,
        case_id=stored.case_id,
        position=position,
        kind=leg.kind,
        state=LegState.PLANNED,
        amount_minor=leg.amount_minor,
        currency=leg.currency,
        charge_id=leg.charge_id,
        payment_intent_id=leg.payment_intent_id,
        payment_method_id=leg.payment_method_id,
        customer_id=leg.customer_id,
        card_brand=leg.card_brand,
        card_funding=leg.card_funding[:10],
        card_last4=leg.card_last4,
        card_fingerprint=leg.card_fingerprint,
        stripe_reason=leg.stripe_reason,
        subscription_id=leg.subscription_id,
        invoice_id=leg.invoice_id,
        label=leg.label,
    )


async def void_live(case_id: int, reason: str) -> None:
    """The plan in force is none any more; its approval, if any, dies with it."""
    await Plan.filter(case_id=case_id, voided_at=None).update(
        voided_at=clock.now(), void_reason=reason
    )


async def _claim_charges(case: Case, draft: Draft) -> None:
    """One case at a time may move a charge's money; the database decides who was first."""
    wanted = [leg.charge_id for leg in draft.refunds()]
    at = clock.now()
    await ChargeClaim.bulk_create(
        [ChargeClaim(charge_id=charge_id, case_id=case.id, since=at) for charge_id in wanted],
        ignore_conflicts=True,
    )
    held = await ChargeClaim.filter(charge_id__in=wanted, released_at=None).prefetch_related("case")
    for claim in held:
        if claim.case_id != case.id:
            raise facts.Refused(
                f"{claim.case.ref} already moves the money of {claim.charge_id}. "
                "Join the two cases or wait for that one."
            )
    moved = (
        await Leg.filter(case_id=case.id, kind=LegKind.REFUND)
        .exclude(state=LegState.PLANNED)
        .values_list("charge_id", flat=True)
    )
    keep = {*wanted, *moved}
    await (
        ChargeClaim.filter(case_id=case.id, released_at=None)
        .exclude(charge_id__in=sorted(str(charge) for charge in keep))
        .update(released_at=at)
    )


def approvers(route: policy.Route) -> str:
    """Whom the button asks: a colleague where any of the desk may decide."""
    if route.roles >= policy.DECIDERS:
        return "a colleague"
    return route.sentence.removeprefix("Needs ").split(":")[0]
