"""A scenario with a snapshot after every step: its database, its Stripe and its clock."""

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from tortoise import Tortoise

from amends import database, embedded
from amends.flow import advance, approval, remedy, takeover, triage
from amends.flow.remedy import Ask
from amends.gateways import stripe_client
from amends.models import Case, ExceptionItem, Leg, Plan
from amends.rules.people import Staff
from amends.rules.plan import LegKind, Outcome
from amends.rules.remedies import Way
from amends.rules.workflow import FINAL, Reason, Status
from sandbox.stripe_twin.transport import client_for
from sandbox.stripe_twin.world import World
from tests.backoffice import scene
from tests.shop import AMEX, DECLINES, MASTERCARD, PENDING, VISA, Shop

Rows = list[tuple[str, str, str | None, int]]


@dataclass
class Snapshot:
    """Everything outside of the processes, after one step."""

    name: str
    database: str
    world: World
    at: datetime
    steady: float
    moved: Rows


@dataclass
class Story:
    """Harbor Fitness wants another card, Anchor Gym a refund, Lighthouse has a card that fails."""

    shop: Shop
    postgres: embedded.Server
    name: str
    # After which steps the database is copied.
    backups: frozenset[int]
    steps: list[Snapshot] = field(default_factory=list)
    refs: dict[str, str] = field(default_factory=dict)
    customers: dict[str, scene.Customers] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.postgres.url(self.name)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[None]:
    context = await Tortoise.init(config=database.config(url, 4), _enable_global_fallback=True)
    try:
        with context:
            yield
    finally:
        await context.close_connections()


def money(world: World) -> Rows:
    """Every movement after the shop's own sales, by the card it touched."""
    return [
        (row.kind, row.object_id, row.card_last4, row.amount_minor)
        for row in world.ledger()
        if row.kind in ("refund", "charge", "refund_failure")
    ]


async def tell(story: Story) -> None:
    """Every step on connections of its own, and a copy of everything after it."""
    for name, step in STEPS:
        async with opened(story.url):
            await step(story)
        _keep(story, name)
    while await _work_left(story):
        async with opened(story.url):
            await _one_look(story)
        _keep(story, "a look of the worker")


def _keep(story: Story, name: str) -> None:
    copied = f"{story.name}_{len(story.steps)}"
    if len(story.steps) in story.backups:
        embedded.create_database(story.postgres, copied, story.name)
    world = copy.deepcopy(story.shop.world)
    time = story.shop.time
    story.steps.append(Snapshot(name, copied, world, time.at, time.steady, money(world)))


async def _sam() -> Staff:
    return await scene.staff("Sam Ito")


async def _shops(story: Story) -> None:
    for name in ("Sam Ito", "Dana Cole", "Ruth Adeyemi"):
        await scene.staff(name)
    world = story.shop.world
    for tenant, organisation, paid in (
        ("hf-0213", "Harbor Fitness LLC", ((AMEX, 1200_00), (VISA, 800_00))),
        ("ag-0101", "Anchor Gym", ((PENDING, 300_00),)),
        ("lf-0102", "Lighthouse Fitness", ((VISA, 500_00),)),
    ):
        email = f"billing@{tenant}.example"
        story.customers[tenant] = await scene.shop(
            world, tenant, organisation, email, f"SO-{tenant}", paid
        )


def _ask(tenant: str) -> Callable[[Story], Awaitable[None]]:
    async def step(story: Story) -> None:
        story.refs[tenant] = (await _file(story, tenant)).ref

    return step


async def _file(story: Story, tenant: str) -> Case:
    customer = story.customers[tenant]
    if tenant == "ag-0101":
        return await scene.submitted(customer, **scene.dispute(Reason.DISSATISFIED))
    changes: dict[str, object] = {"reason": Reason.CARD_NOT_PREFERRED}
    if tenant == "lf-0102":
        card = story.shop.world.add_card(customer.customer_id, DECLINES)
        changes |= scene.card_columns(card)
    return await scene.submitted(customer, **changes)


def _of(
    tenant: str, then: Callable[[Story, Case], Awaitable[None]]
) -> Callable[..., Awaitable[None]]:
    async def step(story: Story) -> None:
        await then(story, await Case.get(ref=story.refs[tenant]))

    return step


async def check(story: Story, case: Case) -> None:
    sam = await _sam()
    if case.status in (Status.SUBMITTED, Status.REOPENED):
        case = await triage.claim(case, sam)
    await scene.verified(case, sam)


async def plan(story: Story, case: Case) -> None:
    outcome = Outcome.REBILL if case.card_payment_method_id else Outcome.REFUND
    await scene.propose(case, await _sam(), outcome)


async def approve(story: Story, case: Case) -> None:
    stored = await Plan.get(case_id=case.id, voided_at=None)
    await approval.approve(case, await scene.staff("Dana Cole"), stored.version, stored.digest)


async def look(story: Story, case: Case) -> None:
    await advance.advance(case.id)


async def another_card(story: Story, case: Case) -> None:
    customer = story.customers["lf-0102"]
    card = story.shop.world.add_card(customer.customer_id, MASTERCARD)
    await Case.filter(id=case.id).update(**scene.card_columns(card))
    await scene.propose(await Case.get(id=case.id), await _sam(), Outcome.RECHARGE)


async def _work_left(story: Story) -> bool:
    async with opened(story.url):
        cases = await Case.filter(ref__in=list(story.refs.values()))
        return any(case.status not in FINAL for case in cases)


async def _one_look(story: Story) -> None:
    """The worker looks at whichever case is due; a day passes when none is."""
    for case in await Case.filter(ref__in=list(story.refs.values())).order_by("id"):
        if case.status is Status.NEEDS_NEW_CARD:
            await another_card(story, case)
            return
        if case.status is Status.PROPOSED:
            await approve(story, case)
            return
        if case.status not in FINAL and _is_due(story, case):
            await advance.advance(case.id)
            return
    story.shop.pass_(hours=13)


def _is_due(story: Story, case: Case) -> bool:
    return case.next_check_at is not None and case.next_check_at <= story.shop.time.at


HARBOR, ANCHOR, LIGHT = "hf-0213", "ag-0101", "lf-0102"
STEPS: list[tuple[str, Callable[[Story], Awaitable[None]]]] = [
    ("the shop", _shops),
    ("Harbor asks", _ask(HARBOR)),
    ("Harbor is checked", _of(HARBOR, check)),
    ("Harbor is planned", _of(HARBOR, plan)),
    ("Lighthouse asks", _ask(LIGHT)),
    ("Lighthouse is checked", _of(LIGHT, check)),
    ("Harbor is approved", _of(HARBOR, approve)),
    ("Harbor begins", _of(HARBOR, look)),
    ("Harbor's first refund", _of(HARBOR, look)),
    ("Lighthouse is planned", _of(LIGHT, plan)),
    ("Lighthouse is approved", _of(LIGHT, approve)),
    ("Anchor asks", _ask(ANCHOR)),
    ("Harbor's second refund", _of(HARBOR, look)),
    ("Anchor is checked", _of(ANCHOR, check)),
    ("Anchor is planned", _of(ANCHOR, plan)),
    ("Harbor goes on", _of(HARBOR, look)),
    ("Anchor is approved", _of(ANCHOR, approve)),
]


# After the restore


def restored(story: Story, before: Snapshot, now: Snapshot) -> World:
    """The database of `before`, with Stripe and the clock as they are at `now`."""
    world = copy.deepcopy(now.world)
    story.shop.time.at, story.shop.time.steady = now.at, now.steady
    story.shop.world = world
    for customer in story.customers.values():
        object.__setattr__(customer, "world", world)
    stripe_client.use(stripe_client.for_transport(client_for(world)))
    return world


async def people_go_on(story: Story) -> list[Case]:
    """What staff and customers do with what they find, until every case has ended."""
    await _ask_again(story)
    for _ in range(120):
        cases = await Case.filter(submitted_at__not_isnull=True).order_by("id")
        left = [case for case in cases if case.status not in FINAL]
        if not left:
            return cases
        if not any([await _one_thing(story, case) for case in left]):
            story.shop.pass_(hours=13)
    raise AssertionError([(case.ref, case.status) for case in left])


async def _ask_again(story: Story) -> None:
    """A customer whose request was lost with the database asks once more; others ask now."""
    for tenant, customer in story.customers.items():
        if not await Case.filter(account_id=customer.account.id).exists():
            story.refs[tenant] = (await _file(story, tenant)).ref


async def _one_thing(story: Story, case: Case) -> bool:
    if _is_due(story, case):
        await advance.advance(case.id)
        return True
    match case.status:
        case Status.SUBMITTED:
            await check(story, case)
        case Status.TRIAGE | Status.PARTLY_REFUNDED | Status.NEEDS_NEW_CARD:
            await _plan_what_is_left(story, case)
        case Status.PROPOSED:
            await approve(story, case)
        case _:
            return False
    return True


async def _plan_what_is_left(story: Story, case: Case) -> None:
    """First what was lost is taken over; then a plan for the rest; then the case is closed."""
    ours = await _lost(story, case)
    if ours:
        await takeover.take_over(case, await scene.staff("Ruth Adeyemi"), "Found after the restore")
        return
    await scene.verified(case, await _sam())
    if case.status is Status.NEEDS_NEW_CARD and await _is_uncharged(case):
        await another_card(story, case)
        return
    wanted = Outcome.REBILL if case.card_payment_method_id else Outcome.REFUND
    outcome = Outcome.RECHARGE if case.status is Status.NEEDS_NEW_CARD else wanted
    _, shown = await scene.shown(case, await _sam(), outcome)
    if shown.draft.legs and not shown.blocking:
        await scene.propose(case, await _sam(), outcome)
        return
    ask = Ask(Way.KEEP, told="Everything was carried out already.")
    kept = await remedy.shown(case, await _sam(), ask)
    assert not kept.blocking, kept.blocking
    await remedy.propose_keep(case, await _sam(), ask.told, kept.digest, "Nothing is left to do")


async def _lost(story: Story, case: Case) -> bool:
    told = ExceptionItem.filter(kind="lost_case", resolved_at=None)
    if await told.filter(case_id=case.id).exists():
        return True
    customer = next(
        each.customer_id for each in story.customers.values() if each.account.id == case.account_id
    )
    for item in await told.filter(case_id=None):
        table = "refund" if item.key.startswith("re_") else "payment_intent"
        doc = story.shop.world.store.get(table, item.key)
        if doc is not None and doc["customer"] == customer:
            return True
    return False


async def _is_uncharged(case: Case) -> bool:
    charged = Leg.filter(case_id=case.id, kind=LegKind.RECHARGE, state="succeeded")
    return not await charged.exists()


def drop(postgres: embedded.Server, name: str) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
