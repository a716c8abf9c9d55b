"""Stripe's events as hints: kept once, answered at once, and then the object itself is read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tortoise import connections

from amends import clock, exceptions_desk, jobs, newer, settings
from amends.flow import charge_cases, disputes, fraud, observe, observe_intent, strangers
from amends.gateways import stripe
from amends.models import Account, Case, Leg, WebhookEvent, WorkerState
from amends.rules.people import STRIPE
from amends.rules.plan import LegKind

# Events live 30 days at Stripe; the catch-up overlaps by an hour since they are not ordered.
_OVERLAP = timedelta(hours=1)
_FUTURE = timedelta(minutes=5)
TYPES = (
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "radar.early_fraud_warning.created",
    "radar.early_fraud_warning.updated",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "customer.updated",
)
_KEEP = jobs.with_job(
    """
INSERT INTO webhook_event (id, type, object_id, related, created_at, received_at, source, outcome,
                           tries, next_try_at)
VALUES ($1, $2, $3, $4::jsonb, $5, $6, $7, '', 0, $6)
ON CONFLICT (id) DO NOTHING RETURNING id
""",
    7,
)


async def receive(body: bytes, signature: str) -> None:
    """Take a webhook: verify, keep once, wake a job. Raises stripe.BadSignature."""
    known = settings.load()
    event = _verified(body, signature, known.webhook_secrets)
    if event.livemode is not known.has_live_key:
        await exceptions_desk.tell(
            "wrong_mode",
            event.type,
            "A webhook of the other mode came in; check the endpoint's secret.",
            stripe_id=event.id,
        )
        return
    if event.created > clock.now() + _FUTURE:
        raise stripe.BadSignature("The event is from the future.")
    await keep(event, "webhook")


def _verified(body: bytes, signature: str, secrets: Sequence[str]) -> stripe.EventFacts:
    """While the secret is exchanged, events signed by the old one are taken too."""
    found: stripe.BadSignature | None = None
    for secret in secrets:
        try:
            return stripe.event_from(body, signature, secret)
        except stripe.BadSignature as error:
            found = error
    raise found or stripe.BadSignature("AMENDS_STRIPE_WEBHOOK_SECRET is not set.")


async def keep(event: stripe.EventFacts, source: str) -> bool:
    """Store the event unless it is known, and its job with it, in one statement."""
    made = await connections.get("default").execute_query_dict(
        _KEEP,
        [
            event.id,
            event.type,
            event.object_id,
            jobs.as_json(event.related),
            event.created,
            clock.now(),
            source,
            *jobs.columns(jobs.look_at_event(event.id)),
        ],
    )
    return bool(made)


async def look(event_id: str) -> None:
    """Read what the event points at and write it down. Any number of times."""
    event = await WebhookEvent.get_or_none(id=event_id)
    if event is None or event.done_at is not None:
        return
    try:
        outcome = await _look(event)
    except (stripe.Unavailable, ValueError) as error:
        if isinstance(error, ValueError):
            await newer.leave_event(event_id, error)
        await WebhookEvent.filter(id=event_id).update(
            tries=event.tries + 1, next_try_at=clock.now() + timedelta(minutes=1)
        )
        return
    await WebhookEvent.filter(id=event_id).update(done_at=clock.now(), outcome=outcome)


async def _look(event: WebhookEvent) -> str:
    match event.type.split("."):
        case ["refund", *_]:
            return await _refund(event.object_id)
        case ["charge", "refunded"]:
            return await _charge_refunds(event.object_id)
        case ["charge", "dispute", *_]:
            return await _dispute(event.object_id)
        case ["radar", *_]:
            return await _warning(str(event.related.get("charge", "")))
        case ["payment_intent", *_]:
            return await _intent(event.object_id)
        case ["customer", "updated"]:
            return await _customer(event.object_id)
    return "ignored"


async def _charge_refunds(charge_id: str) -> str:
    outcomes = [await _write_refund(refund) for refund in await stripe.refunds_of(charge_id)]
    return outcomes[-1] if outcomes else "ignored"


async def _refund(refund_id: str) -> str:
    return await _write_refund(await stripe.refund(refund_id))


async def _write_refund(seen: stripe.RefundFacts) -> str:
    """Ours by our random leg id or by the stored refund id; anything else is not guessed."""
    leg = await Leg.get_or_none(stripe_id=seen.id)
    if leg is None and _is_uuid(seen.metadata.get("leg", "")):
        leg = await Leg.get_or_none(id=seen.metadata["leg"])
    if leg is not None and leg.kind is LegKind.REFUND:
        await observe.refund(leg.id, seen)
        return "written"
    return await _tell(await strangers.refund(seen))


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def _tell(found: strangers.Stranger | None) -> str:
    """Made in the Dashboard, by another program, or by us before a restore: a person explains."""
    if found is None:
        return "not ours"
    await exceptions_desk.tell(
        found.kind, found.key, found.detail, case_id=found.case_id, stripe_id=found.key
    )
    return "exception"


async def _dispute(dispute_id: str) -> str:
    """The bank's process began, changed or ended: the dispute itself says which."""
    try:
        return await disputes.heard(dispute_id)
    except stripe.NotThere:
        return "ignored"


async def _warning(charge_id: str) -> str:
    warned = [each for each in await stripe.warnings_of(charge_id) if each.actionable]
    if not warned:
        return "over"
    words = f"Early fraud warning on {charge_id}."
    cases = await cases_on(charge_id)
    for case in cases:
        await fraud.flag(case, STRIPE, words)
    if cases or not await strangers.knows_charge(charge_id):
        return "flagged" if cases else "not ours"
    # Nothing is open that could be stopped; a person decides what it means for a closed case.
    await exceptions_desk.tell("fraud_warning", warned[0].id, words, stripe_id=charge_id)
    return "exception"


async def cases_on(charge_id: str) -> list[Case]:
    return await charge_cases.cases_on(charge_id)


async def _intent(intent_id: str) -> str:
    # The deposits' own intents stand on refund legs, once per plan version.
    leg = await Leg.filter(payment_intent_id=intent_id, kind=LegKind.RECHARGE).first()
    seen = await stripe.intent(intent_id)
    if leg is None and _is_uuid(seen.metadata.get("leg", "")):
        leg = await Leg.get_or_none(id=seen.metadata["leg"])
        if leg is not None:
            await observe_intent.created(leg.id, seen)
    if leg is None or leg.kind is not LegKind.RECHARGE:
        return await _tell(await strangers.intent(seen))
    await observe_intent.intent(leg.id, seen)
    await jobs.defer(jobs.advance(leg.case_id))
    return "written"


async def _customer(customer_id: str) -> str:
    """The billing address at Stripe is part of the sign-in identity: a change is looked at."""
    account = await Account.filter(stripe_customer_id=customer_id).first()
    if account is None:
        return "not ours"
    seen = await stripe.customer(customer_id)
    if seen.email.lower() == account.billing_email:
        return "same"
    await exceptions_desk.tell(
        "billing_email",
        f"account:{account.id}",
        f"Stripe's address of {account.organisation} is not the registered one.",
        stripe_id=customer_id,
    )
    return "exception"


async def catch_up() -> int:
    """Events that no webhook brought, since the last time. Returns how many were new."""
    started = clock.now()
    since = await _position(started)
    found = 0
    for event in await stripe.events_since(int((since - _OVERLAP).timestamp()), list(TYPES)):
        found += await keep(event, "catch_up")
    await WorkerState.update_or_create(
        {"value": {"until": started.isoformat()}, "at": started}, key="events"
    )
    return found


async def _position(now: datetime) -> datetime:
    state = await WorkerState.get_or_none(key="events")
    oldest = now - timedelta(days=29)
    if state is None:
        return now - timedelta(days=1)
    return max(datetime.fromisoformat(str(state.value["until"])), oldest)
