"""What Stripe shows, written down. Webhook, poll, answer and nightly run all end here."""

from datetime import datetime

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, ledger, moves, rows, timeline
from amends.flow import attempts, letters, outbox, proof_anew
from amends.gateways.document_data import ProofOfRefund
from amends.gateways.stripe_facts import RefundFacts
from amends.models import Case, Document, Leg
from amends.rules import sending, workflow
from amends.rules.people import STRIPE
from amends.rules.plan import LegKind, LegState
from amends.rules.sending import Change
from amends.rules.workflow import Action, Status

MOVING = frozenset({LegState.SENDING, LegState.PENDING, LegState.UNKNOWN, LegState.NEEDS_ACTION})
_LIVE_LEGS = """WHERE plan_id =
  (SELECT plan.id FROM plan WHERE plan.case_id = $1 AND plan.voided_at IS NULL) ORDER BY position"""


async def refund(leg_id: object, seen: RefundFacts) -> None:
    """Bring a refund leg up to what Stripe shows now; any number of times, in any order."""
    async with in_transaction():
        case, leg = await held(leg_id)
        if await _is_strange(leg, seen):
            return
        change = sending.refund_seen(leg.state, seen.status)
        await _take_reference(case, leg, seen)
        match change.change:
            case Change.STRANGE:
                await exceptions_desk.tell(
                    "unknown_status",
                    seen.id,
                    f"Refund {seen.id} reads '{seen.status}'.",
                    case_id=case.id,
                    stripe_id=seen.id,
                )
            case Change.STEP:
                await _step(case, leg, seen, change.state)
            case Change.LATE_FAILURE:
                await _late_failure(case, leg, seen)
            case Change.NONE:
                await _note_reason(leg, seen)
                await _tell_if_given_up(case, leg, seen)


async def held(leg_id: object) -> tuple[Case, Leg]:
    """The leg with its case's row held, so that what follows is one step."""
    case = await rows.one(
        Case, "WHERE id = (SELECT case_id FROM leg WHERE leg.id = $1) FOR UPDATE", leg_id
    )
    # Read only now: whoever held the case before us may have changed the leg.
    return case, await rows.one(Leg, "WHERE id = $1", leg_id)


async def _note_reason(leg: Leg, seen: RefundFacts) -> None:
    if leg.pending_reason != seen.pending_reason:
        await Leg.filter(id=leg.id).update(pending_reason=seen.pending_reason)


async def _is_strange(leg: Leg, seen: RefundFacts) -> bool:
    """Stripe's object must be the one that was approved; anything else stops and is told."""
    same = (seen.charge_id, seen.amount_minor, seen.currency) == (
        leg.charge_id,
        leg.amount_minor,
        leg.currency,
    )
    if same and leg.stripe_id in (None, seen.id):
        return False
    await exceptions_desk.tell(
        "refund_differs",
        seen.id,
        f"Refund {seen.id} ({seen.amount_minor} {seen.currency} of {seen.charge_id}) is not what "
        f"leg {leg.position} says ({leg.amount_minor} {leg.currency} of {leg.charge_id}, "
        f"{leg.stripe_id or 'not sent'}).",
        case_id=leg.case_id,
        stripe_id=seen.id,
    )
    return True


async def _tell_if_given_up(case: Case, leg: Leg, seen: RefundFacts) -> None:
    """A leg that ended without a refund has one after all: money moved, a person must know."""
    if leg.stripe_id is None and seen.counts:
        await exceptions_desk.tell(
            "refund_appeared",
            seen.id,
            f"Refund {seen.id} is there although leg {leg.position} was given up "
            f"({leg.failure or leg.state}).",
            case_id=case.id,
            stripe_id=seen.id,
        )


async def _step(case: Case, leg: Leg, seen: RefundFacts, state: LegState) -> None:
    """One step forward of a leg that was not over."""
    now = clock.now()
    await attempts.settle(leg, state, seen.id, seen.failure_reason)
    before, leg = leg, await _write(leg, state, seen, now)
    # Known by its id before it was booked: taken over after a restore.
    taken_over = before.state is LegState.UNKNOWN
    if seen.counts or before.stripe_id is None or taken_over:
        await ledger.book(leg, ledger.refund(leg, seen.id), now)
    if not seen.counts:
        await ledger.book(leg, ledger.refund_failure(leg, seen.id), now)
    await timeline.append(
        case.id, timeline.Entry(f"refund_{state}", STRIPE, now, data=_facts(leg, seen))
    )
    await _tell_customer(case, leg)
    await settle_refunds(case)


async def _write(leg: Leg, state: LegState, seen: RefundFacts, now: datetime) -> Leg:
    confirmed = state is LegState.SUCCEEDED
    written = await rows.changed(
        Leg,
        {
            "state": state,
            "stripe_id": seen.id,
            "failure": seen.failure_reason[:120],
            "pending_reason": "reversal" if seen.kind == "reversal" else seen.pending_reason,
            "sent_at": leg.sent_at or seen.created,
            "confirmed_at": now if confirmed else None,
            "failed_at": None if seen.counts else now,
            "watch_until": now + sending.WATCH if confirmed else None,
            "next_look_at": sending.next_watch(now, now) if confirmed else None,
        },
        "WHERE id = $1",
        leg.id,
    )
    return written[0]


def _facts(leg: Leg, seen: RefundFacts) -> dict[str, object]:
    return {
        "leg": str(leg.id),
        "refund": seen.id,
        "charge": seen.charge_id,
        "amount_minor": seen.amount_minor,
        "currency": seen.currency,
        "pending_reason": seen.pending_reason,
        "failure": seen.failure_reason,
    }


async def _tell_customer(case: Case, leg: Leg) -> None:
    if leg.state is LegState.SUCCEEDED:
        siblings = await rows.read(Leg, "WHERE plan_id = $1 ORDER BY position", leg.plan_id)
        waiting = [
            each
            for each in siblings
            if each.kind is LegKind.REFUND and each.state is not LegState.SUCCEEDED
        ]
        recharge = next((each for each in siblings if each.kind is LegKind.RECHARGE), None)
        letter = await letters.refund_sent(case, leg, waiting, recharge)
        await outbox.mail(case, letter, f"leg:{leg.id}")
    elif leg.state in (LegState.FAILED, LegState.CANCELED):
        await outbox.mail(case, await letters.refund_failed(case, leg), f"leg:{leg.id}")


async def settle_refunds(case: Case) -> None:
    """The gate. Only the transaction that sees every refund confirmed moves the case on."""
    if case.status is not Status.REFUNDING:
        return
    planned = await rows.read(Leg, _LIVE_LEGS, case.id)
    legs = [leg for leg in planned if leg.kind is LegKind.REFUND]
    states = {leg.state for leg in legs}
    if legs and states == {LegState.SUCCEEDED}:
        recharge = next((leg for leg in planned if leg.kind is LegKind.RECHARGE), None)
        await _all_confirmed(case, legs, recharge)
    elif states & {LegState.FAILED, LegState.CANCELED} and not states & (
        MOVING | {LegState.PLANNED}
    ):
        failed = [leg.failure or "failed" for leg in legs if leg.state is not LegState.SUCCEEDED]
        await moves.move(case, Action.REFUND_FAILED, STRIPE, reason=", ".join(failed))


async def _all_confirmed(case: Case, refunds: list[Leg], recharge: Leg | None) -> None:
    await moves.move(
        case, Action.CONFIRM_REFUNDS, STRIPE, data={"refunds": [leg.stripe_id for leg in refunds]}
    )
    if recharge is not None:
        letter = await letters.refunds_confirmed(case, refunds, recharge)
        await outbox.mail(case, letter, f"plan:{recharge.plan_id}")


async def _late_failure(case: Case, leg: Leg, seen: RefundFacts) -> None:
    """Confirmed, and failed afterwards: the money is back with us and a manager decides."""
    now = clock.now()
    await Leg.filter(id=leg.id).update(
        state=LegState.FAILED,
        failed_at=now,
        watch_until=None,
        failure=(seen.failure_reason or "failed late")[:120],
    )
    await ledger.book(leg, ledger.refund_failure(leg, seen.id), now)
    # The proof says what is not true any more; the remedy that a manager picks makes a new one.
    await Document.filter(case_id=case.id, kind=ProofOfRefund.kind, superseded_at=None).update(
        superseded_at=now
    )
    await exceptions_desk.tell(
        "refund_failed_late",
        seen.id,
        f"Refund {seen.id} failed after it was confirmed: {seen.failure_reason}.",
        case_id=case.id,
        stripe_id=seen.id,
    )
    await outbox.mail(
        case, await letters.refund_failed(case, await Leg.get(id=leg.id)), f"late:{leg.id}"
    )
    await _fail_late(case, leg, seen)


async def _fail_late(case: Case, leg: Leg, seen: RefundFacts) -> None:
    if case.status is Status.REFUND_FAILED_LATE or not workflow.target(
        case.status, Action.FAIL_LATE
    ):
        await timeline.append(
            case.id,
            timeline.Entry("refund_failed_late", STRIPE, clock.now(), data=_facts(leg, seen)),
        )
        return
    await moves.move(
        case, Action.FAIL_LATE, STRIPE, reason=seen.failure_reason, data=_facts(leg, seen)
    )


async def _take_reference(case: Case, leg: Leg, seen: RefundFacts) -> None:
    """The bank's trace number arrives up to seven business days later."""
    if not seen.reference or seen.reference == leg.bank_reference:
        return
    await Leg.filter(id=leg.id).update(
        bank_reference=seen.reference[:64], bank_reference_type=seen.reference_type[:40]
    )
    leg.bank_reference = seen.reference[:64]
    await timeline.append(
        case.id,
        timeline.Entry(
            "bank_reference",
            STRIPE,
            clock.now(),
            data={"leg": str(leg.id), "reference": seen.reference},
        ),
    )
    if leg.confirmed_at is not None:
        papers = await proof_anew.with_trace_number(case, leg)
        letter = await letters.bank_reference(case, leg)
        await outbox.mail(case, letter, f"leg:{leg.id}", papers)
