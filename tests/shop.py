"""The shop of the tests: named people, a Stripe twin, a clock that only the test moves."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest

from amends import clock, moves, settings
from amends.flow import advance, stripe_events
from amends.gateways import stripe, stripe_client
from amends.models import (
    Account,
    Approval,
    Case,
    ChargeClaim,
    Deposit,
    Leg,
    Order,
    Person,
    Plan,
    WebhookEvent,
)
from amends.rules import policy
from amends.rules.people import Role, Staff
from amends.rules.plan import Draft, LegKind, LegState, Outcome, PlannedLeg
from amends.rules.workflow import Action, Kind, Reason, Status
from sandbox.stripe_twin.transport import client_for
from sandbox.stripe_twin.webhooks import Delivery
from sandbox.stripe_twin.world import World

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
SECRET = "whsec_tests"
MASTERCARD, VISA, AMEX = "5555555555554444", "4242424242424242", "378282246310005"
PENDING, FAILS, ALWAYS_SCA, DECLINES = (
    "4000000000007726",
    "4000000000005126",
    "4000002760003184",
    "4000000000000341",
)


@dataclass
class Time:
    """A clock for the application and the twin alike."""

    at: datetime = START
    steady: float = 1000.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.steady

    def pass_(self, **span: float) -> None:
        step = timedelta(**span)
        self.at += step
        self.steady += step.total_seconds()


@dataclass
class Shop:
    """Everything a flow test needs. `take()` puts its clock and its Stripe in place."""

    time: Time = field(default_factory=Time)
    seed: int = 1
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.world = World(seed=self.seed, now=lambda: self.time.at.timestamp())

    def take(self) -> None:
        clock.use(self.time.now, self.time.monotonic)
        stripe_client.use(stripe_client.for_transport(client_for(self.world)))

    def pass_(self, **span: float) -> None:
        """Time goes by for everyone."""
        self.time.pass_(**span)
        self.world.run_due()


async def person(name: str, *roles: Role) -> Staff:
    row = await Person.create(
        issuer="test",
        subject=name,
        email=f"{name.split()[0].lower()}@northwind.example",
        name=name,
        roles=list(roles),
        created_at=clock.now(),
    )
    return Staff(row.id, name, row.email, frozenset(roles), auth_time=clock.now())


@dataclass
class Sale:
    """One order of Harbor Fitness, paid by deposits, as Stripe and we know it."""

    account: Account
    order: Order
    deposits: list[Deposit]
    customer_id: str


_count = iter(range(10_000, 10_000_000))


async def sale(
    shop: Shop, *deposits: tuple[str, int], currency: str = "usd", account: Account | None = None
) -> Sale:
    """An order paid by (card number, minor units) deposits."""
    number = next(_count)
    account = account or await _account(shop, number)
    assert account.stripe_customer_id is not None
    order = await Order.create(
        number=f"SO-{number}",
        account_id=account.id,
        description="Body scanner",
        total_minor=sum(amount for _, amount in deposits),
        currency=currency,
        placed_on=date(2026, 9, 1),
        created_at=clock.now(),
    )
    made = [
        await _deposit(shop, account.stripe_customer_id, order, position, card, amount)
        for position, (card, amount) in enumerate(deposits, 1)
    ]
    return Sale(account, order, made, account.stripe_customer_id)


async def _account(shop: Shop, number: int) -> Account:
    email = f"billing{number}@harborfitness.example"
    customer = shop.world.add_customer(email, "Harbor Fitness LLC", {"tenant_id": f"hf-{number}"})
    return await Account.create(
        tenant_id=f"hf-{number}",
        organisation="Harbor Fitness LLC",
        contact_name="Priya Raman",
        billing_email=email,
        stripe_customer_id=customer["id"],
        created_at=clock.now(),
    )


async def _deposit(
    shop: Shop, customer: str, order: Order, position: int, card: str, amount: int
) -> Deposit:
    method = shop.world.add_card(customer, card)
    # Weeks ago, so that a refund is a credit and not a reversal of a fresh charge.
    created = (shop.time.at - timedelta(days=70)).timestamp()
    charge = shop.world.add_charge(customer, method["id"], amount, order.currency, created)
    seen = await stripe.charge(charge["id"])
    return await Deposit.create(
        order_id=order.id,
        position=position,
        charge_id=seen.id,
        amount_minor=amount,
        payment_intent_id=seen.payment_intent_id,
        currency=order.currency,
        charged_on=seen.created.date(),
        card_brand=seen.card.brand,
        card_last4=seen.card.last4,
        card_funding=seen.card.funding,
        card_fingerprint=seen.card.fingerprint,
    )


@dataclass
class Approved:
    """A case with an approved plan, ready for the worker."""

    case: Case
    plan: Plan
    legs: list[Leg]


async def approved(
    shop: Shop,
    sold: Sale,
    agent: Staff,
    manager: Staff,
    new_card: str | None = MASTERCARD,
    refunds: list[int] | None = None,
) -> Approved:
    """A re-bill (or, without a new card, a refund) of the sale, proposed and approved."""
    case = await new_case(sold)
    card = shop.world.add_card(sold.customer_id, new_card) if new_card else None
    amounts = refunds or [deposit.amount_minor for deposit in sold.deposits]
    legs = [
        refund_leg(deposit, amount) for deposit, amount in zip(sold.deposits, amounts, strict=True)
    ]
    if card is not None:
        legs.append(_recharge_leg(sold, card, sum(amounts)))
    draft = Draft(
        case.ref, 1, 1, Outcome.REBILL if card else Outcome.REFUND, case.contact_email, tuple(legs)
    )
    return await approve(case, draft, agent, manager)


async def new_case(sold: Sale) -> Case:
    now = clock.now()
    case = await Case.create(
        ref=f"RB-{next(_count)}",
        account_id=sold.account.id,
        order_id=sold.order.id,
        kind=Kind.REBILL,
        reason=Reason.CARD_NOT_PREFERRED,
        status=Status.TRIAGE,
        contact_name="Priya Raman",
        contact_email=sold.account.billing_email,
        currency=sold.order.currency,
        claimed_order=sold.order.number,
        deposit_ids=[deposit.id for deposit in sold.deposits],
        claimed_amount_minor=sold.order.total_minor,
        created_at=now,
        submitted_at=now,
    )
    for deposit in sold.deposits:
        await ChargeClaim.create(charge_id=deposit.charge_id, case_id=case.id, since=now)
    return case


def refund_leg(deposit: Deposit, amount: int) -> PlannedLeg:
    return PlannedLeg(
        str(uuid.uuid4()),
        LegKind.REFUND,
        amount,
        deposit.currency,
        deposit.charge_id,
        deposit.payment_intent_id,
        card_brand=deposit.card_brand,
        card_last4=deposit.card_last4,
        card_fingerprint=deposit.card_fingerprint,
        stripe_reason="requested_by_customer",
        label=f"Deposit {deposit.position}",
    )


def _recharge_leg(sold: Sale, card: dict[str, object], amount: int) -> PlannedLeg:
    details = card["card"]
    assert isinstance(details, dict)
    return PlannedLeg(
        str(uuid.uuid4()),
        LegKind.RECHARGE,
        amount,
        sold.order.currency,
        payment_method_id=str(card["id"]),
        customer_id=sold.customer_id,
        card_brand=details["brand"],
        card_last4=details["last4"],
        card_fingerprint=details["fingerprint"],
        label="New card",
    )


async def approve(case: Case, draft: Draft, agent: Staff, manager: Staff) -> Approved:
    """Store the plan and the approval as the desk does, and move the case."""
    plan = await Plan.create(
        case_id=case.id, version=draft.version, digest=draft.digest(),
        canonical=draft.canonical(), policy_version=1, outcome=draft.outcome,
        prepared_by_id=agent.person_id, created_at=clock.now(),
    )  # fmt: skip
    legs = [await _store(leg, position, plan, case) for position, leg in enumerate(draft.legs, 1)]
    case = await moves.move(case, Action.PROPOSE, agent)
    return Approved(await decide(case, plan, manager), plan, legs)


async def decide(case: Case, plan: Plan, manager: Staff) -> Case:
    """The manager's approval of exactly this plan, and before it another's over that limit."""
    legs = await Leg.filter(plan_id=plan.id, kind=LegKind.REFUND)
    minor = sum(leg.amount_minor for leg in legs)
    if legs and minor > policy.Policy().second_limit(legs[0].currency).minor:
        await _decision(plan, await person(f"Manager {plan.id}", Role.MANAGER), "agreed")
    await _decision(plan, manager, "approved")
    return await moves.move(case, Action.APPROVE, manager)


async def _decision(plan: Plan, manager: Staff, decision: str) -> None:
    now = clock.now()
    await Approval.create(
        plan_id=plan.id, case_id=plan.case_id, decision=decision, digest=plan.digest,
        approver_id=manager.person_id, role=Role.MANAGER, at=now, auth_time=now,
        expires_at=now + timedelta(days=14),
    )  # fmt: skip


async def _store(leg: PlannedLeg, position: int, plan: Plan, case: Case) -> Leg:
    return await Leg.create(
        id=uuid.UUID(leg.leg_id),
        plan_id=plan.id,
        case_id=case.id,
        position=position,
        kind=leg.kind,
        state=LegState.PLANNED,
        amount_minor=leg.amount_minor,
        currency=leg.currency,
        charge_id=leg.charge_id,
        payment_method_id=leg.payment_method_id,
        customer_id=leg.customer_id,
        card_brand=leg.card_brand,
        card_last4=leg.card_last4,
        card_fingerprint=leg.card_fingerprint,
        stripe_reason=leg.stripe_reason,
        subscription_id=leg.subscription_id,
        label=leg.label,
    )


async def work(case: Case, steps: int = 40) -> Case:
    """The worker's looks at one case that are due now, until nothing is."""
    for _ in range(steps):
        found = await Case.get(id=case.id)
        if found.next_check_at is None or found.next_check_at > clock.now():
            return found
        await advance.advance(case.id)
    return await Case.get(id=case.id)


async def work_on(shop: Shop, case: Case, **span: float) -> Case:
    """Let time pass, then let the worker look."""
    shop.pass_(**span)
    return await work(case)


async def deliver(shop: Shop) -> int:
    """Hand every due webhook to the application and let it look at each."""
    count = 0
    for delivery in shop.world.take_deliveries():
        signature = next(
            value for name, value in delivery.headers.items() if name.lower() == "stripe-signature"
        )
        await stripe_events.receive(delivery.body, signature)
        count += 1
    return count


def signed(deliveries: list[Delivery]) -> list[tuple[bytes, str]]:
    """Body and signature of each delivery."""
    return [
        (
            each.body,
            next(
                value for name, value in each.headers.items() if name.lower() == "stripe-signature"
            ),
        )
        for each in deliveries
    ]


async def look_at_events() -> None:
    """What the event jobs do: look at every event that is not done."""
    for event_id in await WebhookEvent.filter(done_at=None).values_list("id", flat=True):
        await stripe_events.look(str(event_id))


async def deliver_and_look(shop: Shop) -> int:
    count = await deliver(shop)
    await look_at_events()
    return count


def with_webhook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings that know the secret of the tests' webhook endpoint."""
    monkeypatch.setenv("AMENDS_STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr(settings, "load", lambda: settings.Settings())


async def approve_new_card(
    shop: Shop,
    case: Case,
    sold: Sale,
    agent: Staff,
    manager: Staff,
    number: str = MASTERCARD,
    more: tuple[PlannedLeg, ...] = (),
) -> Approved:
    """The customer saved another card and a manager approves charging it.

    `more` are refunds that go before, and the charge is for these too.
    """
    done = await Leg.filter(case_id=case.id, kind=LegKind.REFUND, state=LegState.SUCCEEDED)
    assert done or more, "there is nothing to charge again"
    await Plan.filter(case_id=case.id, voided_at=None).update(
        voided_at=clock.now(), void_reason="another card"
    )
    card = shop.world.add_card(sold.customer_id, number)
    leg = _recharge_leg(sold, card, sum(each.amount_minor for each in (*done, *more)))
    draft = Draft(
        case.ref,
        2,
        1,
        Outcome.REBILL if more else Outcome.RECHARGE,
        case.contact_email,
        (*more, leg),
        rests_on=tuple(str(each.id) for each in done),
    )
    return await approve(case, draft, agent, manager)
