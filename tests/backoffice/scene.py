"""Harbor Fitness LLC, its two deposits at the twin, the staff, and cases in any state."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from amends import clock, moves
from amends.flow import approval, identity, planning, sighting, triage
from amends.flow.identity import Fact, Verdict
from amends.flow.plan_legs import Wanted
from amends.gateways import stripe
from amends.models import Account, Case, Deposit, Order, Person, Plan
from amends.rules.people import Customer, Role, Staff
from amends.rules.plan import Outcome
from amends.rules.workflow import Action, Kind, Reason, Status
from sandbox.stripe_twin import transport
from sandbox.stripe_twin.world import World

EMAIL = "billing@harborfitness.example"
PEOPLE = {
    "Sam Ito": Role.AGENT,
    "Nia Brooks": Role.AGENT,
    "Lee Moreau": Role.LEAD,
    "Dana Cole": Role.MANAGER,
    "Ruth Adeyemi": Role.MANAGER,
    "Noor Haddad": Role.SECURITY,
    "Ben Okafor": Role.ACCOUNT_MANAGER,
    "Ivy Lindqvist": Role.CSM,
    "Otto Brandt": Role.AUDITOR,
    "Alex Kim": Role.ADMIN,
}
DAY_S = 86_400


def twin() -> World:
    """An empty Stripe account, spoken to in process from now on."""
    world = World(now=lambda: clock.now().timestamp())
    stripe.use(stripe.for_transport(transport.client_for(world)))
    return world


async def staff(name: str, *roles: Role) -> Staff:
    """A member of staff who signed in a moment ago."""
    wanted = frozenset(roles or {PEOPLE[name]})
    email = name.lower().replace(" ", ".") + "@amends.example"
    person, _ = await Person.get_or_create(
        issuer="https://id.amends.example",
        subject=email.split("@")[0],
        defaults={
            "email": email,
            "name": name,
            "roles": sorted(wanted),
            "created_at": clock.now(),
        },
    )
    return Staff(person.id, name, email, wanted, auth_time=clock.now())


def signed_in_long_ago(person: Staff) -> Staff:
    return replace(person, auth_time=clock.now() - timedelta(seconds=301))


@dataclass(frozen=True)
class Customers:
    """An account with its order, and where its facts stand at the twin."""

    world: World
    account: Account
    order: Order
    deposits: tuple[Deposit, ...]
    new_card: dict[str, Any]
    customer_id: str

    @property
    def priya(self) -> Customer:
        return Customer(
            self.account.id, self.account.billing_email, "Priya Raman", self.account.organisation
        )


async def harbor(world: World | None = None, **changes: Any) -> Customers:
    """Order SO-10482 for $2,000.00, paid with an Amex and a Visa debit card."""
    return await shop(
        world or twin(),
        "hf-0213",
        "Harbor Fitness LLC",
        EMAIL,
        "SO-10482",
        (("378282246310005", 1200_00), ("4000056655665556", 800_00)),
        **changes,
    )


async def shop(
    world: World,
    tenant: str,
    organisation: str,
    email: str,
    number: str,
    paid: tuple[tuple[str, int], ...],
    **changes: Any,
) -> Customers:
    customer = world.add_customer(email, organisation, {"tenant_id": tenant})
    account = await Account.create(
        **{
            "tenant_id": tenant,
            "organisation": organisation,
            "contact_name": "Priya Raman",
            "billing_email": email,
            "stripe_customer_id": customer["id"],
            "created_at": clock.now(),
        }
        | changes
    )
    order = await _order(account, number, sum(amount for _, amount in paid))
    deposits = [
        await _deposit(world, order, customer["id"], position, card, amount)
        for position, (card, amount) in enumerate(paid, 1)
    ]
    new_card = world.add_card(customer["id"], "5454545454545454")
    return Customers(world, account, order, tuple(deposits), new_card, customer["id"])


async def _order(account: Account, number: str, total: int) -> Order:
    return await Order.create(
        number=number,
        account_id=account.id,
        description="Body scanner with yearly plan",
        total_minor=total,
        currency="usd",
        placed_on=date(2026, 9, 3),
        handed_over_on=date(2026, 10, 16),
        carrier="Freight Co",
        subscription_id="sub_harbor",
        subscription_status="active",
        created_at=clock.now(),
    )


async def _deposit(
    world: World, order: Order, customer_id: str, position: int, card: str, amount: int
) -> Deposit:
    method = world.add_card(customer_id, card)
    days = 81 - 14 * position
    charge = world.add_charge(customer_id, method["id"], amount, created=world.now() - days * DAY_S)
    facts = method["card"]
    return await Deposit.create(
        order_id=order.id,
        position=position,
        charge_id=charge["id"],
        payment_intent_id=charge["payment_intent"],
        amount_minor=amount,
        currency="usd",
        charged_on=(clock.now() - timedelta(days=days)).date(),
        card_brand=facts["brand"],
        card_funding=facts["funding"],
        card_last4=facts["last4"],
        card_fingerprint=facts["fingerprint"],
    )


_refs = iter(range(5000, 900_000))


async def submitted(shop: Customers, **changes: Any) -> Case:
    """A re-bill request of Priya's, just sent."""
    columns: dict[str, Any] = {
        "ref": f"RB-{next(_refs)}",
        "account_id": shop.account.id,
        "order_id": shop.order.id,
        "kind": Kind.REBILL,
        "reason": Reason.SHIPPING_DELAY,
        "status": Status.DRAFT,
        "contact_name": "Priya Raman",
        "contact_email": shop.account.billing_email,
        "claimed_order": shop.order.number,
        "claimed_last4": "0005",
        "claimed_amount_minor": sum(deposit.amount_minor for deposit in shop.deposits),
        "claimed_charge_date": shop.deposits[0].charged_on,
        "currency": "usd",
        "story": "Our scanner has been sitting in customs for five weeks.",
        "created_at": clock.now(),
        **card_columns(shop.new_card),
    }
    draft = await Case.create(**(columns | changes))
    return await moves.move(draft, Action.SUBMIT, shop.priya, changes={"submitted_at": clock.now()})


def card_columns(method: dict[str, Any]) -> dict[str, Any]:
    card = method["card"]
    return {
        "card_payment_method_id": method["id"],
        "card_brand": card["brand"],
        "card_funding": card["funding"],
        "card_last4": card["last4"],
        "card_expires": f"{card['exp_month']:02d}/{card['exp_year']}",
        "card_fingerprint": card["fingerprint"],
        "card_saved_at": clock.now(),
    }


def dispute(reason: Reason | None = None) -> dict[str, Any]:
    """Changes that make `submitted` a dispute without a new card."""
    empty = ("card_brand", "card_funding", "card_last4", "card_expires", "card_fingerprint")
    return {
        "kind": Kind.DISPUTE,
        "reason": reason,
        "card_payment_method_id": None,
        "card_saved_at": None,
        **dict.fromkeys(empty, ""),
    }


async def verified(case: Case, by: Staff) -> None:
    """All three facts ticked."""
    await sighting.read_claim(case, by)
    for fact in identity.IDENTITY:
        await identity.verify_identity(case, by, fact, Verdict.MATCH)


async def in_triage(shop: Customers, by: Staff, **changes: Any) -> Case:
    """Taken by `by`, with the identity verified."""
    case = await triage.claim(await submitted(shop, **changes), by)
    await verified(case, by)
    return case


async def shown(
    case: Case, by: Staff, outcome: Outcome = Outcome.REBILL, **wanted: Any
) -> tuple[Wanted, planning.Shown]:
    """What the page shows, with the form's values that lead to it."""
    known = await planning.facts_for(case, await sighting.read_claim(case, by))
    plan = await planning.draft_plan(case, by, Wanted(outcome, **wanted), known)
    return Wanted(outcome, **(wanted | {"seed": plan.seed})), plan


async def propose(case: Case, by: Staff, outcome: Outcome = Outcome.REBILL, **wanted: Any) -> Plan:
    form, plan = await shown(case, by, outcome, **wanted)
    return await planning.propose(case, by, form, plan.digest, "Both deposits match.")


async def proposed(shop: Customers, by: Staff, **changes: Any) -> tuple[Case, Plan]:
    """A plan that waits for a decision."""
    case = await in_triage(shop, by, **changes)
    outcome = Outcome.REBILL if case.kind is Kind.REBILL else Outcome.REFUND
    plan = await propose(case, by, outcome)
    return await Case.get(id=case.id), plan


async def approved(shop: Customers, by: Staff, approver: Staff, **changes: Any) -> Case:
    case, plan = await proposed(shop, by, **changes)
    return await approval.approve(case, approver, plan.version, plan.digest)


__all__ = ["Fact", "Verdict"]
