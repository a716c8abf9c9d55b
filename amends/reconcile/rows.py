"""Our side of a page: the legs, the ledger and the charges that its objects may belong to."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tortoise import connections

from amends import clock, jobs, newer
from amends.gateways import stripe_pages
from amends.gateways.stripe_facts import IntentFacts, RefundFacts
from amends.models import Case, Deposit, Leg

# What one object moved by our ledger, seen from our balance at Stripe.
_MOVED = """
SELECT stripe_id, sum(amount_minor)::bigint AS minor FROM ledger
WHERE stripe_id = ANY($1) AND book = 'stripe:balance' GROUP BY stripe_id
"""


@dataclass(frozen=True)
class Rows:
    """Legs by their own id and by their object's; unreadable ones are left out and told."""

    by_id: dict[str, Leg] = field(default_factory=dict)
    by_object: dict[str, Leg] = field(default_factory=dict)
    moved: dict[str, int] = field(default_factory=dict)
    unreadable: frozenset[str] = frozenset()

    def of(self, object_id: str, metadata: dict[str, str]) -> Leg | None:
        return self.by_object.get(object_id) or self.by_id.get(stripe_pages.leg_of(metadata))

    def is_unreadable(self, metadata: dict[str, str]) -> bool:
        return stripe_pages.leg_of(metadata) in self.unreadable


async def of(things: Iterable[RefundFacts | IntentFacts]) -> Rows:
    things = list(things)
    objects = [thing.id for thing in things]
    named = [leg for thing in things if (leg := stripe_pages.leg_of(thing.metadata))]
    ids = await _leg_ids(objects, named)
    legs, unreadable = await readable(ids)
    return Rows(
        {str(leg.id): leg for leg in legs},
        {leg.stripe_id: leg for leg in legs if leg.stripe_id},
        await moved(objects),
        unreadable,
    )


async def _leg_ids(objects: list[str], named: list[str]) -> list[str]:
    stored = await Leg.filter(stripe_id__in=objects).values_list("id", flat=True)
    there = await Leg.filter(id__in=named).values_list("id", flat=True)
    return sorted({str(each) for each in (*stored, *there)})


async def readable(ids: list[str]) -> tuple[list[Leg], frozenset[str]]:
    """All at once; one at a time when a newer version wrote a word that we do not know."""
    try:
        return await Leg.filter(id__in=ids), frozenset()
    except ValueError:
        found = [(each, await _one(each)) for each in ids]
    return (
        [leg for _, leg in found if leg is not None],
        frozenset(each for each, leg in found if leg is None),
    )


async def _one(leg_id: str) -> Leg | None:
    try:
        return await Leg.get(id=leg_id)
    except ValueError as error:
        case_ids = await Leg.filter(id=leg_id).values_list("case_id", flat=True)
        await newer.leave_case(int(str(case_ids[0])), error)
        return None


async def moved(objects: list[str]) -> dict[str, int]:
    found = await connections.get("default").execute_query_dict(_MOVED, [objects])
    return {row["stripe_id"]: int(row["minor"]) for row in found}


async def moved_by(object_id: str) -> int:
    return (await moved([object_id])).get(object_id, 0)


async def wake(leg: Leg) -> None:
    """What was read late is acted on now."""
    now = clock.now()
    await Case.filter(id=leg.case_id, next_check_at__gt=now).update(next_check_at=now)
    await jobs.defer(jobs.advance(leg.case_id))


async def our_charges(charge_ids: Iterable[str]) -> set[str]:
    """Deposits, and charges of the new cards."""
    wanted = [each for each in charge_ids if each]
    paid = await Deposit.filter(charge_id__in=wanted).values_list("charge_id", flat=True)
    refunded = await Leg.filter(charge_id__in=wanted).values_list("charge_id", flat=True)
    charged = await Leg.filter(result_charge_id__in=wanted).values_list(
        "result_charge_id", flat=True
    )
    return {str(each) for each in (*paid, *refunded, *charged)}
