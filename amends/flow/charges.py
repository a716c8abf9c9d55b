"""Which Stripe customer the account is, and which charges a case is about."""

from collections.abc import Collection

from tortoise.transactions import in_transaction

from amends import clock, facts
from amends.flow import desk, duplicates, sighting
from amends.flow.sighting import Candidate, Reading
from amends.gateways import stripe
from amends.models import Account, Case, Deposit, Order
from amends.rules import policy, workflow
from amends.rules.people import Staff

CHOOSE_CUSTOMER = "choose_customer"
PICK_CHARGES = "pick_charges"


async def choose_customer(case: Case, by: Staff, customer_id: str, reason: str = "") -> Case:
    """Bind the account to one of the candidates, read again at this moment.

    A candidate known only by its address is unverified: a lead or manager may still choose it,
    with a reason.
    """
    desk.must_prepare(case, by)
    reading = await sighting.read_claim(case, by)
    found = next((one for one in reading.candidates if one.customer.id == customer_id), None)
    if found is None:
        raise facts.Refused("This customer is no longer among the candidates. Read Stripe again.")
    _must_stand(found, by, reason)
    async with in_transaction():
        await _bind(case, customer_id)
        await sighting.forget(case)
        data: dict[str, object] = {"customer_id": customer_id, "matches": list(found.matches)}
        return await desk.change(case, by, desk.entry(CHOOSE_CUSTOMER, by, reason, data))


def _must_stand(found: Candidate, by: Staff, reason: str) -> None:
    if found.verified:
        return
    if isinstance(policy.may_override_identity(by), policy.Refused):
        raise facts.Refused(
            "Only one fact speaks for this customer, or one speaks against it. "
            "A lead or a manager may choose it, with a reason."
        )
    if not reason.strip():
        raise facts.InvalidInput({"reason": "Say what convinced you that this is the customer"})


async def _bind(case: Case, customer_id: str) -> None:
    taken = await Account.filter(stripe_customer_id=customer_id).exclude(id=case.account_id).first()
    if taken is not None:
        raise facts.Refused(f"This Stripe customer already belongs to {taken.organisation}.")
    changed = await Account.filter(id=case.account_id, stripe_customer_id=None).update(
        stripe_customer_id=customer_id
    )
    if not changed:
        raise facts.Stale("The account has a Stripe customer already. Open the case again.")


async def pick_charges(case: Case, by: Staff, charge_ids: Collection[str]) -> Case:
    """Say which charges the case is about: only charges of the verified customer."""
    desk.must_prepare(case, by)
    if case.status not in workflow.PLANNABLE | {workflow.Status.NEEDS_CUSTOMER}:
        raise facts.Refused("The charges of this case cannot be changed now.")
    if not charge_ids:
        raise facts.InvalidInput({"charge": "Pick at least one charge"})
    reading = await sighting.read_claim(case, by)
    if reading.customer is None:
        raise facts.Refused("Pick the Stripe customer first; charges come from it.")
    known = {seen.charge.id: seen.charge for seen in reading.charges}
    known |= {other.id: other for other in reading.others}
    wanted = [_own(known, charge_id, reading.customer.id) for charge_id in charge_ids]
    async with in_transaction():
        deposits = [await _deposit(case, charge, reading) for charge in wanted]
        await sighting.forget(case)
        return await desk.change(
            case,
            by,
            desk.entry(PICK_CHARGES, by, data={"charges": [charge.id for charge in wanted]}),
            deposit_ids=[deposit.id for deposit in deposits],
            order_id=deposits[0].order_id,
        )


def _own(
    known: dict[str, stripe.ChargeFacts], charge_id: str, customer_id: str
) -> stripe.ChargeFacts:
    charge = known.get(charge_id)
    if charge is None or charge.customer_id != customer_id:
        raise facts.Refused("This charge is not one of the customer's. Read Stripe again.")
    return charge


async def _deposit(case: Case, charge: stripe.ChargeFacts, reading: Reading) -> Deposit:
    """Our row for a charge; one we did not know joins an order of the account, as Stripe has it."""
    found = await Deposit.get_or_none(charge_id=charge.id).prefetch_related("order")
    if found is not None:
        if found.order.account_id != case.account_id:
            raise facts.Refused("This charge stands on another account's order.")
        return found
    order = await _order_of(case, charge, reading)
    if order is None:
        raise facts.Refused("No order of ours has this charge. Pick one that is on an order.")
    position = await Deposit.filter(order_id=order.id).count() + 1
    return await Deposit.create(
        order_id=order.id,
        position=position,
        charge_id=charge.id,
        payment_intent_id=charge.payment_intent_id,
        amount_minor=charge.amount_minor,
        currency=charge.currency,
        charged_on=charge.created.date(),
        card_brand=charge.card.brand,
        card_funding=charge.card.funding[:10],
        card_last4=charge.card.last4,
        card_fingerprint=charge.card.fingerprint,
    )


async def _order_of(case: Case, charge: stripe.ChargeFacts, reading: Reading) -> Order | None:
    """The case's order; else the one named at Stripe, or that of the charge which it repeats."""
    if case.order_id is not None:
        return await Order.get(id=case.order_id)
    own = Order.filter(account_id=case.account_id)
    named = charge.metadata.get("order", "")
    if named and (order := await own.filter(number=named).first()):
        return order
    pair = duplicates.of(reading, charge.id)
    return await own.filter(deposits__charge_id=pair.kept.id).first() if pair else None


def newest_first(charges: Collection[stripe.ChargeFacts]) -> list[stripe.ChargeFacts]:
    """Charges to pick from: paid ones, newest first."""
    paid = (charge for charge in charges if charge.status == "succeeded")
    return sorted(paid, key=lambda charge: (charge.created, charge.id), reverse=True)


def is_recent(charge: stripe.ChargeFacts, days: int = 180) -> bool:
    """Card networks may refuse refunds of charges older than about half a year."""
    return (clock.now() - charge.created).days <= days
