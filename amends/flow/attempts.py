"""Attempts: the intent to call Stripe, committed before the call and settled by what it shows."""

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from tortoise import connections
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, quarantine, rows
from amends.gateways import stripe
from amends.models import Attempt, Case, Leg
from amends.rules import sending
from amends.rules.plan import LegState

LIVE = ("sending", "unknown")
_STILL = "SELECT 1 FROM case_ WHERE id = $1 AND status = $2 AND version = $3 FOR UPDATE"
# Read under the case's lock: the last key of this leg and step, and whether sends are held back.
_READY = f"""
SELECT (SELECT coalesce(max(key_number), 0) FROM attempt WHERE leg_id = $1 AND step = $2) AS number,
  ({quarantine.HELD}) AS state
"""  # noqa: S608 - a statement of our own
_LEG_SENDS = "UPDATE leg SET state = 'sending' WHERE id = $1 AND state = $2 RETURNING id"
# The answer ends the attempt, and the question on the desk if there was one.
_SETTLE = """
WITH told AS (
  UPDATE exception_item SET resolved_at = $6, resolved_by = 'the facts',
    resolution = 'Stripe shows: ' || $3::text
  WHERE kind = 'unknown_outcome' AND key = $7 AND resolved_at IS NULL)
UPDATE attempt SET state = $3::text, stripe_id = $4, error_code = $5, settled_at = $6
WHERE leg_id = $1 AND state = ANY($2)
"""


class Step(StrEnum):
    """The calls that a leg can need; each has its own keys."""

    REFUND = "refund"
    CREATE = "create"
    CONFIRM = "confirm"
    CANCEL = "cancel"
    END = "end"
    CREDIT = "credit"


@dataclass(frozen=True)
class Moment:
    """When a step began to look at the world. What it decides rests on what it saw then."""

    at: datetime
    steady: float

    @classmethod
    def now(cls) -> "Moment":
        return cls(clock.now(), clock.monotonic())

    def age_s(self) -> float:
        """By both clocks: a paused machine's steady clock may have stood still with it."""
        return max(clock.monotonic() - self.steady, (clock.now() - self.at).total_seconds())


@dataclass(frozen=True)
class Decided:
    """An attempt that may be sent while what it rests on, seen since `moment`, is fresh."""

    attempt: Attempt
    moment: Moment

    @property
    def params(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.attempt.params)
        return loaded

    def in_time(self) -> bool:
        """False when this process stood still since looking; the look-up takes over then."""
        return self.moment.age_s() <= sending.SEND_DEADLINE_S


async def live(leg: Leg) -> Attempt | None:
    return await rows.first(Attempt, "WHERE leg_id = $1 AND state = ANY($2) LIMIT 1", leg.id, LIVE)


async def begin(
    case: Case, leg: Leg, step: Step, params: dict[str, Any], digest: str, moment: Moment
) -> Decided | None:
    """Write the intent down. None when the case or the leg moved meanwhile: look again.

    `moment` is from before the checks that the send rests on: its deadline covers them too.
    """
    try:
        async with in_transaction():
            if not await _still(case):
                return None
            attempt = await _next_key(leg, step, params, digest)
            if not await rows.insert_if(attempt, _LEG_SENDS, leg.id, leg.state):
                raise IntegrityError("the leg moved")
    except IntegrityError:
        return None
    return Decided(attempt, moment)


async def _still(case: Case) -> bool:
    """Hold the case's row: a lock by a chargeback either came before or waits for us."""
    held = await connections.get("default").execute_query_dict(
        _STILL, [case.id, case.status, case.version]
    )
    return bool(held)


async def _next_key(leg: Leg, step: Step, params: dict[str, Any], digest: str) -> Attempt:
    """The attempt under the next key. Raises Quarantined while sends are held back."""
    found = await connections.get("default").execute_query_dict(_READY, [leg.id, step])
    quarantine.must_read_clear(found[0]["state"])
    number = found[0]["number"] + 1
    now = clock.now()
    if step in (Step.REFUND, Step.CREATE, Step.CREDIT):
        params = {**params, "metadata": {**params["metadata"], "attempt": str(number)}}
    return Attempt(
        leg_id=leg.id,
        step=step,
        key_number=number,
        digest=digest,
        # From the leg's random id and the key number alone: the same for every send of this key.
        idempotency_key=f"amends:{leg.id}:{step}:{number}",
        params=json.dumps(params, sort_keys=True, separators=(",", ":")),
        state="sending",
        sends=1,
        first_sent_at=now,
        last_sent_at=now,
        next_lookup_at=sending.next_lookup(0, now),
        created_at=now,
    )


async def again(case: Case, attempt: Attempt, moment: Moment) -> Decided | None:
    """Take the same key once more. None when somebody else did, or the case moved.

    `moment` is from before the look-up that proved absence: a worker that stood still since
    then must not send, the key may be forgotten by now.
    """
    now = clock.now()
    async with in_transaction():
        if not await _still(case):
            return None
        await quarantine.must_be_clear()
        same = Attempt.filter(id=attempt.id, sends=attempt.sends, state__in=LIVE)
        taken = await same.update(
            state="sending",
            sends=F("sends") + 1,
            last_sent_at=now,
            lookups=0,
            next_lookup_at=sending.next_lookup(0, now),
        )
    if not taken:
        return None
    return Decided(await Attempt.get(id=attempt.id), moment)


async def unknown(attempt: Attempt, error: stripe.Unknown) -> datetime:
    """Nobody knows whether it happened. Stripe is asked before anything else is done."""
    code = sending.STORED_500 if error.stored else sending.NO_ANSWER
    return await _open_question(attempt, code, str(error), clock.now())


async def not_executed(attempt: Attempt, error: Exception) -> datetime:
    """A limit or a missing right stopped the call; the same key goes again soon."""
    soon = clock.now() + sending.LOOKUPS[0] / 4
    await Attempt.filter(id=attempt.id, state="sending").update(
        error_text=str(error)[:500], next_lookup_at=soon
    )
    return soon


async def refused_after_retry(attempt: Attempt, error: stripe.Refused) -> datetime:
    """A refusal of a repeated send proves nothing about the first: look before believing it."""
    return await _open_question(attempt, sending.REFUSED + error.code, error.message, None)


async def halted(attempt: Attempt, error: Exception) -> datetime:
    """A fault of ours (same key, other parameters): stays unknown, a person is told."""
    return await _open_question(attempt, sending.KEY_MISMATCH, str(error), clock.now())


async def _open_question(
    attempt: Attempt, code: str, text: str, since: datetime | None
) -> datetime:
    now = clock.now()
    ask_at = sending.next_lookup(attempt.lookups, now) if since else now
    async with in_transaction():
        changed = await Attempt.filter(id=attempt.id, state__in=LIVE).update(
            state="unknown", error_code=code[:80], error_text=text[:500], next_lookup_at=ask_at
        )
        if changed:
            await Leg.filter(id=attempt.leg_id, state=LegState.SENDING).update(
                state=LegState.UNKNOWN
            )
            leg = await Leg.get(id=attempt.leg_id)
            await exceptions_desk.tell(
                "unknown_outcome",
                str(leg.id),
                text[:300],
                case_id=leg.case_id,
                stripe_id=leg.charge_id,
            )
    return ask_at


async def looked(attempt: Attempt) -> datetime:
    """Nothing was found and nothing may be done yet: when to look again."""
    ask_at = sending.next_lookup(attempt.lookups + 1, clock.now())
    await Attempt.filter(id=attempt.id, state__in=LIVE).update(
        lookups=F("lookups") + 1, next_lookup_at=ask_at
    )
    return ask_at


async def close_absent(attempt: Attempt, back_to: LegState = LegState.PLANNED) -> None:
    """Absence is proven and the wire is empty: this key is done, the leg is as before.

    What became of the call is known by that, so the question on the desk is answered too.
    """
    async with in_transaction():
        closed = await Attempt.filter(id=attempt.id, state__in=LIVE, sends=attempt.sends).update(
            state="failed", error_text="absent at Stripe", settled_at=clock.now()
        )
        if closed:
            await Leg.filter(id=attempt.leg_id, state__in=["sending", "unknown"]).update(
                state=back_to
            )
            await exceptions_desk.settle(
                "unknown_outcome", str(attempt.leg_id), "Stripe shows: not there"
            )


async def settle(leg: Leg, state: LegState, stripe_id: str, code: str = "") -> None:
    """What Stripe shows ends the leg's open attempt. Joins the caller's transaction."""
    await connections.get("default").execute_query(
        _SETTLE,
        [leg.id, LIVE, state, stripe_id or None, code[:80], clock.now(), str(leg.id)],
    )


def sent(attempt: Attempt) -> sending.Sent:
    assert attempt.first_sent_at is not None and attempt.last_sent_at is not None
    return sending.Sent(
        attempt.key_number, attempt.first_sent_at, attempt.last_sent_at, attempt.error_code
    )
