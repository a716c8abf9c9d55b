"""Every dispute on a charge of ours: its open cases are locked, here if no event did it."""

from amends.flow import chargeback, stripe_events
from amends.gateways.stripe_facts import DisputeFacts
from amends.models import Case
from amends.reconcile import rows
from amends.reconcile.report import Difference, Subject
from amends.reconcile.tally import Tally
from amends.rules.people import STRIPE
from amends.rules.workflow import Status

KINDS = frozenset({"dispute_unlocked"})


async def compare(things: tuple[DisputeFacts, ...], tally: Tally) -> None:
    ours = await rows.our_charges(seen.charge_id for seen in things)
    count = tally.of(Subject.DISPUTES)
    for seen in things:
        count.read += 1
        if seen.charge_id not in ours:
            continue
        count.ours += 1
        count.matched += not seen.blocks or await _is_locked(seen, tally)


async def _is_locked(seen: DisputeFacts, tally: Tally) -> bool:
    """Lock what is not locked; a case that cannot be is told."""
    locked = True
    for case in await stripe_events.cases_on(seen.charge_id):
        if case.status is Status.LOCKED_CHARGEBACK:
            continue
        await chargeback.lock_for(case, STRIPE, seen)
        if (await Case.get(id=case.id)).status is Status.LOCKED_CHARGEBACK:
            tally.repaired += 1
            continue
        locked = False
        words = f"Dispute {seen.id} stands on {seen.charge_id}, but {case.ref} is not locked."
        await tally.differ(Difference("dispute_unlocked", seen.id, words, case.id, seen.id))
    return locked
