"""Charges that look like one payment taken twice, found among all charges of the customer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from amends.flow.sighting import Reading
from amends.gateways.stripe import ChargeFacts

WITHIN = timedelta(days=3)
_MOST = 5


@dataclass(frozen=True)
class Pair:
    """The first charge, which stays, and a later one like it. `mine` if the case names one."""

    kept: ChargeFacts
    duplicate: ChargeFacts
    mine: bool
    apart: timedelta
    differs: tuple[str, ...]


def pairs(reading: Reading) -> tuple[Pair, ...]:
    """Every later charge with the first one like it, those of the case first."""
    ours = {seen.charge.id for seen in reading.charges}
    found = list(_pairs(_all(reading), ours))
    return tuple(sorted(found, key=lambda pair: (not pair.mine, -pair.kept.created.timestamp())))[
        :_MOST
    ]


def _all(reading: Reading) -> list[ChargeFacts]:
    charges = [*(seen.charge for seen in reading.charges), *reading.others]
    paid = [charge for charge in charges if charge.status == "succeeded"]
    return sorted(paid, key=lambda charge: (charge.created, charge.id))


def _pairs(charges: Sequence[ChargeFacts], ours: set[str]) -> Iterator[Pair]:
    taken: set[str] = set()
    for at, first in enumerate(charges):
        if first.id in taken:
            continue
        for later in charges[at + 1 :]:
            if alike(first, later):
                taken.add(later.id)
                mine = bool(ours & {first.id, later.id})
                apart = later.created - first.created
                yield Pair(first, later, mine, apart, _differs(first, later))


def alike(one: ChargeFacts, other: ChargeFacts) -> bool:
    """Same customer, amount, currency and card, three days apart at most."""
    same = _key(one) == _key(other) and bool(one.card.fingerprint)
    return same and one.id != other.id and abs(one.created - other.created) <= WITHIN


def _key(charge: ChargeFacts) -> tuple[object, ...]:
    return charge.customer_id, charge.amount_minor, charge.currency, charge.card.fingerprint


def _differs(kept: ChargeFacts, duplicate: ChargeFacts) -> tuple[str, ...]:
    """What is not the same on both, by name; people judge whether it was two purchases."""
    compared = {
        "description": (kept.description, duplicate.description),
        "order named at Stripe": (kept.metadata.get("order"), duplicate.metadata.get("order")),
        "already refunded": (kept.refunded_minor, duplicate.refunded_minor),
    }
    return tuple(name for name, (one, other) in compared.items() if one != other)


def of(reading: Reading, charge_id: str) -> Pair | None:
    """The pair in which this charge is the duplicate."""
    every = _pairs(_all(reading), {charge_id})
    return next((pair for pair in every if pair.duplicate.id == charge_id), None)
