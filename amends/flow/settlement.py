"""Carries out an approved remedy: closes the hole in the books, or lets the new refund begin."""

from datetime import datetime

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, ledger, moves
from amends.flow import letters, outbox
from amends.flow.execution import Execution, Halt
from amends.gateways import mail_contexts
from amends.models import Case, Leg, Message, Person
from amends.rules import remedies
from amends.rules.people import WORKER, ActorKind
from amends.rules.plan import LegState
from amends.rules.remedies import Remedy, Way
from amends.rules.workflow import Action

# What was told of a failed refund is answered by the remedy that a manager approved.
_TOLD = ("refund_failed_late", "refund_refused", "charge_changed")
RESOLVED = {
    Way.PAY_OTHERWISE: "Resolved: paid in another way",
    Way.KEEP: "Resolved: kept as it is",
}


async def begin(run: Execution) -> None:
    """The exceptions of the refunds that it makes good are answered."""
    remedy = _remedy(run)
    for leg in await _mended(run, remedy):
        for kind in _TOLD:
            for key in {leg.stripe_id or "", str(leg.id)} - {""}:
                await exceptions_desk.settle(kind, key, _answer(remedy), "an approved remedy")


def _answer(remedy: Remedy) -> str:
    return f"A manager approved: {remedy.way.replace('_', ' ')}."


def _remedy(run: Execution) -> Remedy:
    if run.draft.remedy is None:
        raise Halt("digest", "The plan has no remedy.")
    return run.draft.remedy


async def _mended(run: Execution, remedy: Remedy) -> list[Leg]:
    """The failed legs, still failed. Raises Halt when one is not what was approved upon."""
    legs = await Leg.filter(id__in=list(remedy.mends), case_id=run.case.id).order_by("plan_id")
    if len(legs) != len(remedy.mends):
        raise Halt("remedy", "A refund that this remedy makes good is not on this case.")
    if any(leg.state not in (LegState.FAILED, LegState.CANCELED) for leg in legs):
        raise Halt("remedy", "A refund that this remedy makes good has not failed.")
    return legs


def is_decision_alone(run: Execution) -> bool:
    """Whether no money moves at Stripe by this plan."""
    remedy = run.draft.remedy
    return remedy is not None and remedy.way in remedies.WITHOUT_LEGS


async def carry_out(run: Execution) -> datetime:
    """Book what was paid past Stripe, tell the customer, close. In one transaction, once."""
    remedy = _remedy(run)
    legs = await _mended(run, remedy)
    async with in_transaction():
        if remedy.way is Way.PAY_OTHERWISE:
            await _book(legs, remedy)
        await begin(run)
        words = RESOLVED[remedy.way]
        moved = await moves.move(
            run.case,
            Action.RESOLVE,
            WORKER,
            reason=words,
            data={"plan": run.plan.version, "remedy": remedy.packed()},
            changes={"outcome_reason": words},
        )
        await _tell(moved, run, remedy)
    return clock.now()


async def _book(legs: list[Leg], remedy: Remedy) -> None:
    """To the cent what failed: a part would leave a hole, more would be a gift."""
    if sum(leg.amount_minor for leg in legs) != remedy.amount_minor:
        raise Halt("remedy", "What was paid is not what failed.")
    for leg in legs:
        await ledger.book(leg, ledger.paid_otherwise(leg), clock.now())


async def _tell(case: Case, run: Execution, remedy: Remedy) -> None:
    """What the customer reads is part of what was approved; who prepared it signs it."""
    author = await Person.get(id=run.plan.prepared_by_id)
    message = await Message.create(
        case_id=case.id,
        author_kind=ActorKind.STAFF,
        author_id=f"staff:{author.id}",
        author_name=author.name,
        audience="customer",
        body=remedy.told,
        at=clock.now(),
    )
    letter = mail_contexts.MessageFromUs(
        letters.company(), letters.today(), await letters.head(case), author.name, remedy.told
    )
    await outbox.mail(case, letter, f"message:{message.id}")
