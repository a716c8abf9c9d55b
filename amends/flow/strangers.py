"""Money at Stripe that no leg of ours explains: ours from before a restore, or somebody else's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from amends import facts, quarantine
from amends.gateways import stripe_pages
from amends.gateways.stripe_facts import IntentFacts, RefundFacts
from amends.models import Account, Case, Deposit, ExceptionItem, Leg

FOREIGN_REFUND = "foreign_refund"
T = TypeVar("T", RefundFacts, IntentFacts)


@dataclass(frozen=True)
class Stranger:
    """What a person is told. `key` is the object's id, so that it is told once."""

    kind: str
    key: str
    detail: str
    case_id: int | None = None


async def refund(seen: RefundFacts) -> Stranger | None:
    """None when it is no money of ours: another charge of another customer."""
    what = f"Refund {seen.id} of {seen.amount_minor} {seen.currency} on {seen.charge_id}"
    if not seen.counts:
        return None  # it failed: nothing moved in the end
    if stripe_pages.leg_of(seen.metadata):
        case = await _case_of(seen.metadata, seen.created, seen.customer_id)
        return _lost(seen.id, f"{what} reads {seen.status}", seen.metadata, case)
    if not await _is_about_us(seen):
        return None
    case = await _newest_case_on(seen.charge_id)
    words = f"{what} was not made by an approved plan."
    return Stranger(FOREIGN_REFUND, seen.id, words, case.id if case else None)


async def intent(seen: IntentFacts) -> Stranger | None:
    """A PaymentIntent that Amends made, that this database does not know and that may charge."""
    if not stripe_pages.leg_of(seen.metadata) or seen.status == "canceled":
        return None
    case = await _case_of(seen.metadata, seen.created, seen.customer_id)
    what = f"Charge of {seen.amount_minor} {seen.currency} to customer {seen.customer_id}"
    return _lost(seen.id, f"{what} ({seen.id}) reads {seen.status}", seen.metadata, case)


def _lost(key: str, what: str, metadata: dict[str, str], case: Case | None) -> Stranger:
    detail = (
        f"{what}. Leg {metadata['leg']} of {metadata.get('case', 'no case')} made it, plan "
        f"{metadata['digest'][:12]}; this database does not have that leg."
    )
    return Stranger(quarantine.LOST, key, detail, case.id if case else None)


async def _case_of(
    metadata: dict[str, str], made_at: datetime | None, customer_id: str
) -> Case | None:
    """By reference, if it is the same customer's and older than the object: after a restore a
    reference may have been given again."""
    case = await Case.get_or_none(ref=metadata.get("case", "")).prefetch_related("account")
    if case is None or (made_at is not None and case.created_at > made_at):
        return None
    return case if case.account.stripe_customer_id == customer_id else None


async def lost_refund(refunds: Iterable[RefundFacts]) -> RefundFacts | None:
    """A living refund that Amends made and whose leg is not in this database."""
    found = await unknown(
        each for each in refunds if each.counts and stripe_pages.leg_of(each.metadata)
    )
    return found[0] if found else None


async def lost_intent(case: Case, intents: Iterable[IntentFacts]) -> IntentFacts | None:
    """The same of a charge for this case, made or still possible."""
    found = await unknown(
        each
        for each in intents
        if each.status != "canceled"
        and each.metadata.get("case") == case.ref
        and stripe_pages.leg_of(each.metadata)
    )
    return found[0] if found else None


async def unknown(objects: Iterable[T]) -> list[T]:
    """Those of our objects whose leg this database does not have."""
    ours = {stripe_pages.leg_of(each.metadata): each for each in objects}
    if not ours:
        return []
    known = {str(each) for each in await Leg.filter(id__in=list(ours)).values_list("id", flat=True)}
    return [each for leg, each in ours.items() if leg not in known]


async def must_be_explained(case: Case) -> None:
    """Money of this case that our books do not hold would be moved a second time by a new plan."""
    lost = await ExceptionItem.filter(kind=quarantine.LOST, case_id=case.id, resolved_at=None)
    if lost:
        raise facts.Refused(
            f"Stripe holds money of {case.ref} that is not in our books ({lost[0].stripe_id}). "
            "A manager takes it over first."
        )


async def knows_charge(charge_id: str) -> bool:
    """A deposit, or the charge of a new card."""
    if await Deposit.filter(charge_id=charge_id).exists():
        return True
    return await Leg.filter(result_charge_id=charge_id).exists()


async def _is_about_us(seen: RefundFacts) -> bool:
    if await knows_charge(seen.charge_id):
        return True
    return bool(
        seen.customer_id and await Account.filter(stripe_customer_id=seen.customer_id).exists()
    )


async def _newest_case_on(charge_id: str) -> Case | None:
    leg = await Leg.filter(charge_id=charge_id).order_by("-plan_id").first()
    return await Case.get(id=leg.case_id) if leg else None
