"""After a restore nothing is sent until a reconciliation has asked Stripe what happened since."""

import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from tortoise import connections
from tortoise.transactions import in_transaction

from amends import clock, epoch, exceptions_desk, facts
from amends.gateways import stripe, stripe_pages
from amends.models import Attempt, ExceptionItem, Leg, Session, SignInCode, WorkerState
from amends.rules.plan import LegState

log = structlog.get_logger()
KIND = "quarantine"
LOST = "lost_case"
RESTORE = "restore"
# How many of our newest objects at Stripe are compared with our rows at a worker's start.
NEWEST = 200
# An intent reads so only after a confirmation of ours; a leg reads so before it was seen.
_CONFIRMED = frozenset({"processing", "succeeded"})
_NOT_CHARGED = [LegState.SENDING, LegState.UNKNOWN]
_CLEAR, _UNCHECKED, _ON = "clear", "unchecked", "on"
# FOR SHARE: whoever enters the quarantine waits for attempts being written, and every attempt
# that begins afterwards sees it.
# A row without a state holds sends back too: only the word "clear" and no row at all let them out.
HELD = """SELECT coalesce(value->>'state', 'unreadable') AS state
FROM worker_state WHERE key = 'quarantine' FOR SHARE"""
# Whoever is first wins, and nothing but its end overwrites a quarantine that is on.
_PUT = """
INSERT INTO worker_state (key, value, at) VALUES ('quarantine', $1::jsonb, $2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, at = excluded.at
WHERE worker_state.value->>'state' <> 'on' RETURNING key
"""
# Numbers given to customers since the backup must not be given again to others.
_SKIP_REFS = "SELECT setval('case_ref_seq', nextval('case_ref_seq') + 1000)"


class Quarantined(Exception):
    """Nothing may be sent now; the cases wait where they are."""


@dataclass(frozen=True)
class Standing:
    """Whether sends are held back, why and since when. `by` is a person or `restore`."""

    state: str = _CLEAR
    reason: str = ""
    by: str = ""
    id: str = ""
    since: datetime | None = None
    reconciled_at: datetime | None = None

    @property
    def is_on(self) -> bool:
        return self.state == _ON

    @property
    def is_clear(self) -> bool:
        return self.state == _CLEAR

    @property
    def wants_reconcile(self) -> bool:
        return self.is_on and self.reconciled_at is None


async def standing() -> Standing:
    row = await WorkerState.get_or_none(key=KIND)
    if row is None:
        return Standing()
    value = {name: str(found) for name, found in row.value.items()}
    return Standing(
        value["state"],
        value.get("reason", ""),
        value.get("by", ""),
        value.get("id", ""),
        _moment(value.get("since", "")),
        _moment(value.get("reconciled_at", "")),
    )


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def must_be_clear() -> None:
    """Called in the transaction that writes an attempt down. Raises Quarantined."""
    rows = await connections.get("default").execute_query_dict(HELD)
    must_read_clear(rows[0]["state"] if rows else None)


def must_read_clear(state: str | None) -> None:
    """The same of what `HELD` found. Raises Quarantined."""
    if state not in (None, _CLEAR):
        raise Quarantined


async def check() -> Standing:
    """At a worker's start: is this database as new as Stripe, and as what we saw of it?"""
    found = await standing()
    if found.is_on:
        return found
    try:
        why = await epoch.gone_back() or await _unknown_at_stripe()
    except stripe.StripeError as error:
        log.warning("Stripe cannot be asked yet; nothing is sent", error=str(error))
        await _put(Standing(_UNCHECKED, "Stripe could not be asked yet."))
        return await standing()
    if why:
        return await enter(why)
    if not found.is_clear or found.since is None:
        await _put(Standing(since=clock.now()))
    return await standing()


async def watch() -> bool:
    """Every few seconds. True when a reconciliation is wanted for the quarantine to end."""
    found = await standing()
    if not found.is_on and (found.state == _UNCHECKED or await epoch.gone_back()):
        found = await check()
    return found.wants_reconcile


async def _unknown_at_stripe() -> str:
    """Every object of ours follows an attempt of ours; one without shows that rows were lost."""
    refunds = await stripe_pages.our_newest_refunds(NEWEST)
    intents = await stripe_pages.our_newest_intents(NEWEST)
    # What failed or was canceled moved nothing and never will.
    living = {each.id: each.metadata for each in refunds if each.counts}
    unknown = await _without_attempt(living, "refund")
    living = {each.id: each.metadata for each in intents if each.status != "canceled"}
    unknown += await _without_attempt(living, "create")
    charged = {each.id: each.metadata for each in intents if each.status in _CONFIRMED}
    unknown += await _never_confirmed(charged)
    if not unknown:
        return ""
    return (
        f"Stripe holds {len(unknown)} of our newest movements that this database does not know, "
        f"such as {unknown[0]}: it was restored from a backup."
    )


async def _without_attempt(objects: dict[str, dict[str, str]], step: str) -> list[str]:
    ours = {name: data for name, data in objects.items() if stripe_pages.leg_of(data)}
    tried = await Attempt.filter(
        step=step, leg_id__in=[data["leg"] for data in ours.values()]
    ).values_list("leg_id", "key_number")
    known = {(str(leg), str(number)) for leg, number in tried}
    seen = {*await _stored(list(ours)), *await _told(list(ours))}
    return [
        name
        for name, data in ours.items()
        if (data["leg"], data.get("attempt", "1")) not in known and name not in seen
    ]


async def _never_confirmed(charged: dict[str, dict[str, str]]) -> list[str]:
    """Intents that a leg of ours knows, and whose confirmation only Stripe knows."""
    ours = {name: leg for name, data in charged.items() if (leg := stripe_pages.leg_of(data))}
    tried = await Attempt.filter(step="confirm", leg_id__in=list(ours.values())).values_list(
        "leg_id", flat=True
    )
    waiting = Leg.filter(stripe_id__in=list(ours), state__in=_NOT_CHARGED)
    found = {str(each) for each in await waiting.values_list("stripe_id", flat=True)}
    known = {str(each) for each in tried}
    return [name for name, leg in ours.items() if name in found and leg not in known]


async def _stored(stripe_ids: list[str]) -> list[str]:
    """Adopted after an earlier restore: the leg knows its object, the attempt was lost."""
    found = await Leg.filter(stripe_id__in=stripe_ids).values_list("stripe_id", flat=True)
    return [str(each) for each in found]


async def _told(stripe_ids: list[str]) -> list[str]:
    found = ExceptionItem.filter(kind=LOST, key__in=stripe_ids)
    return [str(each) for each in await found.values_list("key", flat=True)]


async def enter(reason: str) -> Standing:
    """A restore was noticed: hold all sends back, end old sessions, tell the desk."""
    async with in_transaction():
        if not await _switch_on(reason, RESTORE):
            return await standing()
        await epoch.begin_anew()
        # What was signed out or used since the backup would be valid again.
        await Session.filter(ended_at=None).update(ended_at=clock.now())
        await SignInCode.filter(used_at=None).update(used_at=clock.now())
        await connections.get("default").execute_query(_SKIP_REFS)
    log.error("quarantine: nothing is sent", reason=reason)
    return await standing()


async def enter_by_hand(reason: str, who: str) -> Standing:
    """An operator holds all sends back; only an operator lets them go."""
    async with in_transaction():
        await _switch_on(reason, who)
    return await standing()


async def _switch_on(reason: str, by: str) -> bool:
    found = Standing(_ON, reason, by, str(uuid.uuid4()), clock.now())
    if not await _put(found):
        return False
    await exceptions_desk.tell(KIND, found.id, f"Nothing is sent to Stripe. {reason}")
    return True


async def _put(found: Standing) -> bool:
    connection = connections.get("default")
    value = json.dumps(_packed(found))
    return bool(await connection.execute_query_dict(_PUT, [value, clock.now()]))


async def _replace(found: Standing, by: Standing) -> bool:
    """Write over a quarantine that is on, if it is still the same one."""
    same = WorkerState.filter(key=KIND, value__contains={"id": found.id})
    return bool(await same.update(value=_packed(by), at=clock.now()))


def _packed(found: Standing) -> dict[str, object]:
    return {
        "state": found.state,
        "reason": found.reason,
        "by": found.by,
        "id": found.id,
        "since": found.since.isoformat() if found.since else "",
        "reconciled_at": found.reconciled_at.isoformat() if found.reconciled_at else "",
    }


async def reconciled(began_in: Standing, note: str) -> None:
    """A full reconciliation that began in this quarantine is over: all is explained or told.

    A quarantine that was entered because of a restore ends with it.
    """
    done = replace(began_in, reconciled_at=clock.now())
    if began_in.is_on and await _replace(began_in, done) and done.by == RESTORE:
        await _end(done, note, "the reconciliation")


async def leave(who: str) -> None:
    """End it by hand. Raises Refused while no reconciliation has completed in it."""
    found = await standing()
    if not found.is_on:
        raise facts.Refused("There is no quarantine to leave.")
    if found.reconciled_at is None:
        raise facts.Refused(
            "No reconciliation has completed since the quarantine began. "
            "Run `amends reconcile` first."
        )
    await _end(found, f"Ended by {who}.", who)


async def _end(found: Standing, note: str, by: str) -> None:
    async with in_transaction():
        await _replace(found, Standing(since=clock.now()))
        await exceptions_desk.settle(KIND, found.id, note, by)
    log.info("quarantine is over", note=note)
