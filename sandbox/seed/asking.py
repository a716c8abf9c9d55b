"""What the people of the seed do, step by step, through the same functions as the two doors."""

from dataclasses import dataclass

from amends.flow import (
    approval,
    identity,
    intake,
    module_view,
    new_card,
    planning,
    sighting,
    triage,
)
from amends.flow.identity import IDENTITY, Verdict
from amends.flow.intake_answers import (
    AmountClaimed,
    CardLater,
    ChargeChosen,
    ReasonGiven,
    StoryTold,
    TermsRead,
)
from amends.flow.intake_steps import STEPS, Step
from amends.flow.plan_legs import Wanted
from amends.gateways import stripe
from amends.models import Case, Order, Plan
from amends.rules.people import Customer
from amends.rules.plan import Outcome
from amends.rules.workflow import Kind, Reason, Status
from sandbox.seed.stage import Stage


@dataclass(frozen=True)
class Request:
    """What a customer asks for. `card` names the new card, one of the customer's own."""

    tenant: str
    order: str
    kind: Kind
    reason: Reason | None
    last4: str
    story: str
    card: str = ""
    part: str = ""
    bank: bool = False
    # Of a payment that our own list does not know: its place among the order's payments.
    unlisted: int | None = None


async def file(stage: Stage, wanted: Request) -> Case:
    """The customer answers every question and sends the request."""
    by = await stage.customer(wanted.tenant)
    case = await intake.start_draft(by, wanted.kind)
    for step in STEPS[wanted.kind]:
        case = await _answer(stage, wanted, by, case, step)
    case = await intake.submit(case, by)
    await stage.send_post()
    return case


async def _answer(stage: Stage, wanted: Request, by: Customer, case: Case, step: Step) -> Case:
    match step:
        case Step.ORDER:
            if wanted.unlisted is not None:
                return await intake.save_answer(case, by, await _charge(stage, wanted))
            order = await Order.get(number=wanted.order)
            return await intake.save_answer(case, by, await intake.own_order(by, order.id))
        case Step.REASON:
            assert wanted.reason is not None
            return await intake.save_answer(case, by, ReasonGiven(wanted.reason))
        case Step.AMOUNT:
            claim = AmountClaimed(wanted.last4, wanted.part, wanted.bank)
            return await intake.save_answer(case, by, claim)
        case Step.NEW_CARD:
            return await _new_card(stage, wanted, by, case)
        case Step.TERMS:
            return await intake.save_answer(case, by, TermsRead())
        case Step.STORY:
            return await intake.save_answer(case, by, StoryTold(wanted.story))


async def _charge(stage: Stage, wanted: Request) -> ChargeChosen:
    """One of the charges that only Stripe knows."""
    charge = await stripe.charge(stage.past.charges[wanted.order, wanted.unlisted or 0]["id"])
    return ChargeChosen(
        charge.id,
        charge.description,
        charge.amount_minor,
        charge.currency,
        charge.created.date(),
    )


async def _new_card(stage: Stage, wanted: Request, by: Customer, case: Case) -> Case:
    if not wanted.card:
        return await intake.save_answer(case, by, CardLater())
    card = stage.past.cards[wanted.tenant, wanted.card]
    return await new_card.choose_saved_card(case, by, card["id"])


async def check(stage: Stage, case: Case, sub: str) -> Case:
    """Somebody takes the case, reads Stripe and proves who asks."""
    by = await stage.staff(sub)
    case = await triage.claim(case, by)
    await sighting.read_claim(case, by)
    for fact in IDENTITY:
        await identity.verify_identity(case, by, fact, Verdict.MATCH)
        case = await Case.get(id=case.id)
    return case


async def weigh_module(stage: Stage, case: Case, sub: str, manager: str, view: str) -> Case:
    """The account manager looks at an unused module before anybody plans."""
    case = await module_view.hand_over(case, await stage.staff(sub))
    return await module_view.give(case, await stage.staff(manager), view)


async def propose(stage: Stage, case: Case, sub: str, outcome: Outcome, why: str) -> Plan:
    by = await stage.staff(sub)
    known = await planning.facts_for(case, await sighting.read_claim(case, by))
    shown = await planning.draft_plan(case, by, Wanted(outcome), known)
    wanted = Wanted(outcome, seed=shown.seed)
    return await planning.propose(case, by, wanted, shown.digest, why)


async def approve(stage: Stage, plan: Plan, sub: str, note: str) -> Case:
    """A manager approves; over the second limit the other one approves the same plan as well."""
    case = await approve_once(stage, plan, sub, note)
    if case.status is Status.PROPOSED:
        other = "dana.cole" if sub != "dana.cole" else "ruth.adeyemi"
        case = await approve_once(stage, plan, other, "I agree.")
    return case


async def approve_once(stage: Stage, plan: Plan, sub: str, note: str) -> Case:
    by = await stage.staff(sub)
    case = await Case.get(id=plan.case_id)
    case = await approval.approve(case, by, plan.version, plan.digest, note)
    await stage.send_post()
    return case


async def ask(stage: Stage, case: Case, sub: str, question: str) -> Case:
    case = await triage.ask_customer(case, await stage.staff(sub), question)
    await stage.send_post()
    return case
