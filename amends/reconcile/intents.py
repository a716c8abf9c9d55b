"""Every PaymentIntent at Stripe against its leg and the ledger, and charges past our plans."""

from amends import newer
from amends.flow import observe_intent, strangers
from amends.gateways import stripe, stripe_pages
from amends.gateways.stripe_facts import IntentFacts
from amends.gateways.stripe_pages import Span
from amends.models import Account, Attempt, Case, Deposit, Leg
from amends.reconcile import rows
from amends.reconcile.refunds import told
from amends.reconcile.report import Count, Difference, Subject
from amends.reconcile.rows import Rows
from amends.reconcile.tally import Tally
from amends.rules import plan, workflow
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Kind

KINDS = frozenset({"recharge_differs", "foreign_charge", "open_intent"})
# What a leg reads while its intent reads so; the worker and the customer move between them.
_STATES = {
    "succeeded": frozenset({LegState.SUCCEEDED}),
    "processing": frozenset({LegState.PENDING}),
    "canceled": frozenset({LegState.CANCELED, LegState.FAILED}),
}


async def compare(things: tuple[IntentFacts, ...], between: Span, tally: Tally) -> None:
    known = await rows.of(things)
    count = tally.of(Subject.INTENTS)
    for seen in things:
        count.read += 1
        if not known.is_unreadable(seen.metadata):
            async with newer.left_alone(seen.id):
                await _one(seen, known, count, tally)
    await _legs_without(things, between, tally)


async def _one(seen: IntentFacts, known: Rows, count: Count, tally: Tally) -> None:
    leg = known.of(seen.id, seen.metadata)
    if leg is not None:
        count.ours += 1
        count.matched += await _leg(leg, seen, known, tally)
    elif (found := await _stranger(seen)) is not None:
        count.ours += 1
        await tally.differ(found)


async def _leg(leg: Leg, seen: IntentFacts, known: Rows, tally: Tally) -> bool:
    moved = known.moved.get(seen.id, 0)
    if await _is_behind(leg, seen):
        before = (leg.state, leg.payment_intent_id)
        await observe_intent.created(leg.id, seen)
        # The list does not hold the card; the object read alone does.
        await observe_intent.intent(leg.id, await stripe.intent(seen.id))
        leg, moved = await Leg.get(id=leg.id), await rows.moved_by(seen.id)
        tally.repaired += before != (leg.state, leg.payment_intent_id)
        await rows.wake(leg)
    sums = tally.sum(seen.currency)
    sums.charged_at_stripe += seen.amount_minor if seen.status == "succeeded" else 0
    sums.charged_in_ledger += moved
    found = _difference(leg, seen, moved)
    if found is not None:
        await tally.differ(found)
    return found is None


async def _is_behind(leg: Leg, seen: IntentFacts) -> bool:
    if leg.state in plan.OVER or not _is_same_money(leg, seen):
        return False
    if leg.payment_intent_id:
        expected = _STATES.get(seen.status)
        return (
            leg.payment_intent_id == seen.id
            and expected is not None
            and (leg.state not in expected)
        )
    if seen.status in ("succeeded", "processing"):
        return True
    # Not charged yet: the worker finds it by itself where the plan is under way. Elsewhere it is
    # adopted, so that the worker sees to it that it never charges.
    return seen.status != "canceled" and not await _is_under_way(leg)


async def _is_under_way(leg: Leg) -> bool:
    live = Leg.filter(id=leg.id, plan__voided_at=None)
    return await live.filter(case__status__in=sorted(workflow.EXECUTING)).exists()


def _is_same_money(leg: Leg, seen: IntentFacts) -> bool:
    return (leg.kind, leg.amount_minor, leg.currency, leg.customer_id) == (
        LegKind.RECHARGE,
        seen.amount_minor,
        seen.currency,
        seen.customer_id,
    )


def _difference(leg: Leg, seen: IntentFacts, moved: int) -> Difference | None:
    what = f"Charge {seen.id} ({seen.amount_minor} {seen.currency})"
    is_its = leg.payment_intent_id == seen.id
    if not is_its and seen.status == "canceled":
        return None  # an earlier intent that can never charge
    if not _is_same_money(leg, seen) or (leg.payment_intent_id and not is_its):
        detail = (
            f"{what} is not what leg {leg.id} says ({leg.amount_minor} {leg.currency}, "
            f"{leg.payment_intent_id or 'not sent'})."
        )
        return _differs(leg, "recharge_differs", seen, detail)
    charged = seen.status == "succeeded"
    if charged is not (leg.state is LegState.SUCCEEDED):
        detail = f"{what} reads {seen.status}, our leg {leg.state}."
        return _differs(leg, "leg_differs", seen, detail)
    if leg.state in plan.OVER and seen.status not in ("succeeded", "canceled"):
        detail = f"{what} can still be charged, but our leg is {leg.state}. Cancel it at Stripe."
        return _differs(leg, "open_intent", seen, detail)
    if moved != (seen.amount_minor if charged else 0):
        detail = f"{what} reads {seen.status}, our ledger says {moved}."
        return _differs(leg, "ledger_differs", seen, detail)
    return None


def _differs(leg: Leg, kind: str, seen: IntentFacts, detail: str) -> Difference:
    return Difference(kind, seen.id, detail, leg.case_id, seen.id)


async def _stranger(seen: IntentFacts) -> Difference | None:
    lost = await strangers.intent(seen)
    return told(lost) if lost is not None else await _foreign(seen)


async def _foreign(seen: IntentFacts) -> Difference | None:
    """Somebody charged a customer by hand while a re-bill of theirs was with us."""
    if seen.status != "succeeded" or not seen.customer_id or seen.created is None:
        return None
    case = await _rebill_at(seen)
    if case is None or await _is_a_deposit(seen) or await stripe_pages.pays_an_invoice(seen.id):
        return None
    detail = (
        f"Charge of {seen.amount_minor} {seen.currency} to customer {seen.customer_id} "
        f"({seen.id}) was made while {case.ref} was open, not by an approved plan."
    )
    return Difference("foreign_charge", seen.id, detail, case.id, seen.id)


async def _rebill_at(seen: IntentFacts) -> Case | None:
    account = await Account.filter(stripe_customer_id=seen.customer_id).first()
    if account is None:
        return None
    asked = Case.filter(account_id=account.id, kind=Kind.REBILL, submitted_at__lte=seen.created)
    open_then = [
        case
        for case in await asked.order_by("-id")
        if case.closed_at is None or (seen.created is not None and case.closed_at >= seen.created)
    ]
    return next(iter(open_then), None)


async def _is_a_deposit(seen: IntentFacts) -> bool:
    return (
        await Deposit.filter(charge_id=seen.charge_id).exists()
        or await Deposit.filter(payment_intent_id=seen.id).exists()
    )


async def _legs_without(things: tuple[IntentFacts, ...], between: Span, tally: Tally) -> None:
    """Legs whose intent was made in this span by our clock, and that Stripe did not list."""
    made = await Attempt.filter(
        step="create", created_at__gte=between.since, created_at__lte=between.until
    ).values_list("leg_id", flat=True)
    suspects = Leg.filter(id__in=[str(each) for each in made]).exclude(payment_intent_id="")
    listed = [seen.id for seen in things]
    for leg_id, intent_id in await suspects.exclude(payment_intent_id__in=listed).values_list(
        "id", "payment_intent_id"
    ):
        try:
            await stripe.intent(str(intent_id))
        except stripe.NotThere:
            leg = await Leg.get(id=leg_id)
            words = f"Our leg {leg.id} names charge {intent_id}; Stripe does not have it."
            found = Difference(
                "missing_at_stripe", str(intent_id), words, leg.case_id, str(intent_id)
            )
            await tally.differ(found)
            tally.sum(leg.currency).charged_in_ledger += await rows.moved_by(str(intent_id))
