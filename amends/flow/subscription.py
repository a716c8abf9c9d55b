"""The end of a subscription, as a leg of an approved cancellation."""

from datetime import datetime

from tortoise.transactions import in_transaction

from amends import clock, jobs, pace, timeline
from amends.flow import attempts, execution, observe
from amends.flow.attempts import Moment, Step
from amends.flow.execution import Execution
from amends.gateways import stripe, stripe_money
from amends.models import Case, Leg, Order
from amends.rules import sending
from amends.rules.people import STRIPE
from amends.rules.plan import LegState
from amends.rules.workflow import Status

ENDED = frozenset({"canceled", "incomplete_expired"})


async def end(run: Execution, leg: Leg) -> datetime:
    """End it once; a subscription that has ended says so, so repeating is harmless."""
    moment = Moment.now()
    if await _written(leg, await stripe.subscription(leg.subscription_id)):
        return clock.now()
    attempt = await attempts.live(leg)
    if attempt is not None and attempt.next_lookup_at and attempt.next_lookup_at > clock.now():
        return attempt.next_lookup_at
    if attempt is not None:
        await attempts.close_absent(attempt)
        return clock.now()
    await execution.check_fresh(run)
    await pace.wait("subscriptions")
    decided = await attempts.begin(run.case, leg, Step.END, {}, run.plan.digest, moment)
    if decided is None or not decided.in_time():
        return clock.now()
    return await _send(leg, decided)


async def look(case: Case, leg: Leg) -> datetime:
    """Ask about an end that is under way; only a case that is ending sends it again."""
    if case.status is Status.REFUNDED:
        return await end(await execution.load(case), leg)
    if await _written(leg, await stripe.subscription(leg.subscription_id)):
        return clock.now()
    attempt = await attempts.live(leg)
    if attempt is not None and sending.wire_is_empty(attempts.sent(attempt), clock.now()):
        await attempts.close_absent(attempt)
    return clock.now() + sending.LOOKUPS[2]


async def _send(leg: Leg, decided: attempts.Decided) -> datetime:
    key = decided.attempt.idempotency_key
    try:
        seen = await stripe_money.end_subscription(leg.subscription_id, key)
    except stripe.Unknown as error:
        return await attempts.unknown(decided.attempt, error)
    except (stripe.NotExecuted, stripe.Misconfigured) as error:
        return await attempts.not_executed(decided.attempt, error)
    except (stripe.Refused, stripe.Declined, stripe.KeyMismatch):
        seen = await stripe.subscription(leg.subscription_id)
    await _written(leg, seen)
    return clock.now() + sending.LOOKUPS[0]


async def _written(leg: Leg, seen: stripe.SubscriptionFacts) -> bool:
    """Write the end down when Stripe shows it."""
    if seen.status not in ENDED:
        return False
    async with in_transaction():
        case, leg = await observe.held(leg.id)
        if leg.state is LegState.SUCCEEDED:
            return True
        now = clock.now()
        await attempts.settle(leg, LegState.SUCCEEDED, seen.id)
        await Leg.filter(id=leg.id).update(
            state=LegState.SUCCEEDED, stripe_id=seen.id, sent_at=now, confirmed_at=now
        )
        await Order.filter(subscription_id=seen.id).update(
            subscription_status="canceled", cancelled_on=now.date()
        )
        await timeline.append(
            case.id,
            timeline.Entry("subscription_ended", STRIPE, now, data={"subscription": seen.id}),
        )
        await jobs.defer(jobs.advance(case.id))
    return True
