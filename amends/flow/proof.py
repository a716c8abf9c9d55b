"""Proof of refund, receipt, and the close: only when Stripe, our rows and the approval agree."""

import hashlib
from datetime import datetime
from uuid import UUID

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, moves
from amends.flow import letters, observe, outbox, proof_facts
from amends.flow.execution import Execution, Halt
from amends.gateways import document_data as documents
from amends.gateways import stripe
from amends.models import Case, Leg
from amends.rules import sending
from amends.rules.people import WORKER
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Action

RESOLVED = "Resolved: refund issued"


async def close(run: Execution) -> datetime | None:
    """Documents, mail and the resolved state in one step. Raises Halt where A11 does not hold."""
    refunds = await _refunds(run)
    await _check_at_stripe(refunds)
    await _check_rows(run, refunds)
    async with in_transaction():
        known = await proof_facts.known(run.case, refunds)
        documents = await _documents(run, refunds, known)
        head = known.letter_head()
        letter = letters.done(head, refunds, run.recharge, _ended(run))
        await outbox.mail(run.case, letter, outcome(refunds, run.recharge), documents)
        await moves.move(
            run.case,
            Action.RESOLVE,
            WORKER,
            reason=RESOLVED,
            changes={"outcome_reason": RESOLVED, "watch_until": clock.now() + sending.WATCH},
        )
    return clock.now()


async def _refunds(run: Execution) -> list[Leg]:
    if run.draft.remedy is None and not run.draft.rests_on:
        return list(run.refunds)
    earlier = Leg.filter(case_id=run.case.id, kind=LegKind.REFUND)
    if run.draft.remedy is not None:
        # The proof that was withdrawn also told of refunds that hold.
        held = earlier.filter(state=LegState.SUCCEEDED).exclude(plan_id=run.plan.id)
    else:
        held = earlier.filter(id__in=list(run.draft.rests_on))
    return [*await held.order_by("plan_id", "position"), *run.refunds]


async def _check_at_stripe(refunds: list[Leg]) -> None:
    """The refunds and their charges read so at Stripe, right now."""
    for leg in refunds:
        seen = await stripe.refund(leg.stripe_id or "")
        if seen.status != "succeeded":
            await observe.refund(leg.id, seen)
            raise Halt("not_confirmed", f"Refund {seen.id} reads {seen.status} at Stripe.")
        charge = await stripe.charge(leg.charge_id)
        if not charge.refunded and charge.refunded_minor <= 0:
            raise Halt("not_refunded", f"{leg.charge_id} does not read refunded at Stripe.")


async def _check_rows(run: Execution, refunds: list[Leg]) -> None:
    """Every refund id is stored and confirmed, the charge too, and the approval is on the case."""
    for leg in [*refunds, *([run.recharge] if run.recharge else [])]:
        if leg.state is not LegState.SUCCEEDED or not leg.stripe_id:
            raise Halt("not_confirmed", f"Leg {leg.position} is {leg.state}; it cannot be closed.")
    if run.approval.digest != run.plan.digest:
        raise Halt("digest", "The approval is for another plan.")


def outcome(refunds: list[Leg], recharge: Leg | None) -> str:
    """One name per outcome, so that each is proven once: what moved, and what the bank reported."""
    parts = [f"{leg.stripe_id}:{leg.state}:{leg.bank_reference}" for leg in refunds]
    parts += [f"{recharge.stripe_id}:{recharge.state}"] if recharge else []
    return hashlib.sha256("|".join(sorted(parts)).encode()).hexdigest()


def _ended(run: Execution) -> Leg | None:
    """The subscription's end, when this plan brought it about."""
    ends = (leg for leg in run.legs if leg.kind is LegKind.END_SUBSCRIPTION)
    return next((leg for leg in ends if leg.state is LegState.SUCCEEDED), None)


async def _documents(run: Execution, refunds: list[Leg], known: proof_facts.Known) -> list[UUID]:
    name = outcome(refunds, run.recharge)
    made: list[documents.Document] = []
    if refunds:
        made.append(known.proof(refunds, run.recharge))
    if run.draft.outcome is Outcome.CANCELLATION:
        made.append(await known.cancellation(refunds, _ended(run)))
    if run.recharge is not None:
        made.append(known.receipt(refunds, run.recharge))
    return [await outbox.document(run.case, each, name) for each in made]


async def halted(case: Case, halt: Halt) -> None:
    await exceptions_desk.tell(f"halt_{halt.key}", f"case:{case.id}", halt.text, case_id=case.id)
