"""Every dispute on a charge of ours: what no event brought is taken up here."""

from amends import newer
from amends.flow import charge_cases, disputes
from amends.gateways.stripe_facts import DisputeFacts
from amends.models import BankDispute
from amends.reconcile import rows
from amends.reconcile.report import Difference, Subject
from amends.reconcile.tally import Tally
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
        async with newer.left_alone(seen.id):
            count.matched += await _is_known(seen, tally)


async def _is_known(seen: DisputeFacts, tally: Tally) -> bool:
    """Its row reads what Stripe reads, and no open case moves money beside it."""
    if await _is_behind(seen):
        await disputes.take(seen)
        tally.repaired += 1
    unlocked = await _unlocked(seen)
    for ref, case_id in unlocked:
        words = f"Dispute {seen.id} stands on {seen.charge_id}, but {ref} is not locked."
        await tally.differ(Difference("dispute_unlocked", seen.id, words, case_id, seen.id))
    return not unlocked


async def _is_behind(seen: DisputeFacts) -> bool:
    row = await BankDispute.get_or_none(id=seen.id)
    if row is None:
        return seen.blocks
    return row.status != seen.status or bool(await _unlocked(seen))


async def _unlocked(seen: DisputeFacts) -> list[tuple[str, int]]:
    if not seen.blocks:
        return []
    cases = await charge_cases.cases_on(seen.charge_id)
    return [(each.ref, each.id) for each in cases if each.status is not Status.LOCKED_CHARGEBACK]
