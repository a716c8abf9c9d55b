"""A credit that Stripe shows, written down: leg, books, history, mail, and the end of the case."""

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, ledger, moves, timeline
from amends.flow import attempts, letters, outbox
from amends.flow.observe import held
from amends.gateways import mail_contexts
from amends.gateways.stripe_facts import CreditFacts
from amends.models import Case, Leg
from amends.rules.people import STRIPE, WORKER
from amends.rules.plan import LegState
from amends.rules.workflow import Action, Status

RESOLVED = "Resolved: credit issued"


async def credit(leg_id: object, seen: CreditFacts) -> bool:
    """Bring the leg up to it; any number of times. False when it is not what was approved."""
    async with in_transaction():
        case, leg = await held(leg_id)
        if await _is_strange(leg, seen):
            return False
        if leg.state is not LegState.SUCCEEDED:
            await _write(case, leg, seen)
        await close(case)
    return True


async def _is_strange(leg: Leg, seen: CreditFacts) -> bool:
    """Another customer, amount or currency, or a credit of a leg that was given up."""
    same = (seen.customer_id, seen.amount_minor, seen.currency) == (
        leg.customer_id,
        leg.amount_minor,
        leg.currency,
    )
    given_up = leg.state in (LegState.FAILED, LegState.CANCELED)
    if same and not given_up and leg.stripe_id in (None, seen.id):
        return False
    await exceptions_desk.tell(
        "credit_differs",
        seen.id,
        f"Credit {seen.id} ({seen.amount_minor} {seen.currency} for {seen.customer_id}) is not "
        f"what leg {leg.position} says ({leg.amount_minor} {leg.currency} for {leg.customer_id}, "
        f"{leg.stripe_id or leg.state}).",
        case_id=leg.case_id,
        stripe_id=seen.id,
    )
    return True


async def _write(case: Case, leg: Leg, seen: CreditFacts) -> None:
    now = clock.now()
    await attempts.settle(leg, LegState.SUCCEEDED, seen.id)
    await Leg.filter(id=leg.id).update(
        state=LegState.SUCCEEDED, stripe_id=seen.id, sent_at=seen.created, confirmed_at=now
    )
    await ledger.book(leg, ledger.credit(leg, seen.id), now)
    data: dict[str, object] = {
        "leg": str(leg.id),
        "credit": seen.id,
        "amount_minor": leg.amount_minor,
        "currency": leg.currency,
    }
    await timeline.append(case.id, timeline.Entry("credit_added", STRIPE, now, data=data))
    await outbox.mail(case, await _letter(case, leg), f"leg:{leg.id}")


async def _letter(case: Case, leg: Leg) -> mail_contexts.CreditAdded:
    return mail_contexts.CreditAdded(
        letters.company(),
        letters.today(),
        await letters.head(case),
        letters.amount(leg),
        letters.today(),
        is_note=bool(leg.invoice_id),
    )


async def close(case: Case) -> None:
    """The credit is there: the case is done. A case that was locked meanwhile stays locked."""
    found = await Case.get(id=case.id)
    if found.status is Status.APPROVED:
        await moves.move(
            found,
            Action.RESOLVE,
            WORKER,
            reason=RESOLVED,
            changes={"outcome_reason": RESOLVED},
        )
