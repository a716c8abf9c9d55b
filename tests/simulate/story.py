"""One seeded story: a sale, an approved plan, two workers, and everything that can go wrong."""

import asyncio
from contextvars import Context
from dataclasses import dataclass, field
from random import Random

from amends import facts
from amends.flow import advance, recharge, stripe_events
from amends.gateways import stripe, stripe_client
from amends.models import Case, Leg, WebhookEvent
from amends.rules.people import Customer, Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from sandbox.stripe_twin.webhooks import Delivery, Mode
from tests import shop as shops
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, FAILS, MASTERCARD, PENDING, VISA, Shop
from tests.simulate import desk, invariants
from tests.simulate.turns import Turns, installed, seeded
from tests.simulate.wire import Wire, WireClient

DEPOSIT_CARDS = (AMEX, VISA, VISA, PENDING, FAILS)
NEW_CARDS = (MASTERCARD, MASTERCARD, MASTERCARD, DECLINES, ALWAYS_SCA, None)
ROUTES = (
    "POST /v1/refunds",
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/*/confirm",
    "POST /v1/payment_intents/*/cancel",
    "GET /v1/refunds*",
    "GET /v1/*",
)
# Virtual time of quiet at the end: refunds settle, fail late and are found without any webhook.
QUIET_S = (60, 400, 400, 4_000, 4_000, *[90_000] * 10, *[360_000] * 9)
PEOPLE: dict[str, Staff] = {}


@dataclass
class Report:
    seed: int
    status: str = ""
    steps: int = 0
    kills: int = 0
    faults: int = 0
    late: int = 0
    trace: list[str] = field(default_factory=list)


@dataclass
class Story:
    """The state of one seed's world."""

    seed: int
    random: Random
    shop: Shop
    books: invariants.Books
    wire: Wire
    case_id: int = 0
    sold: shops.Sale | None = None
    charged: set[str] = field(default_factory=set)
    deliveries: list[tuple[bytes, str]] = field(default_factory=list)
    mishaps: int = 0
    mishap_chance: float = 0.0


async def tell(seed: int) -> Report:
    """Run one seed from beginning to end. Raises Violation with the trace in its notes."""
    random = Random(seed)
    shop = Shop(seed=seed)
    shop.world.drift_every = 200
    shop.take()
    story = Story(seed, random, shop, invariants.Books(shop.world), Wire(shop.world, random))
    with seeded(random):
        return await _tell(story)


async def _tell(story: Story) -> Report:
    random, shop, seed = story.random, story.shop, story.seed
    story.mishap_chance = random.choice((0.0, 0.0, 0.004, 0.012))
    story.wire.late_chance = random.choice((0.0, 0.0, 0.02, 0.1))
    await _open(story)
    turns = Turns(
        random, kill_chance=random.choice((0, 0.004, 0.015)), between=lambda: _between(story, turns)
    )
    shop.world.sleep = lambda seconds: turns.point("call")
    stripe_client.use(stripe_client.for_transport(WireClient(story.wire, turns.point)))
    try:
        await _act(story, turns)
        case = await _quiet(story)
        await invariants.at_the_end(story.books, case)
    except BaseException as error:
        error.add_note(f"seed {seed}\n" + "\n".join(turns.trace[-120:]))
        raise
    return Report(
        seed,
        case.status,
        turns.steps,
        turns.kills,
        len(shop.world.faults.fired),
        story.wire.count,
        turns.trace,
    )


async def _open(story: Story) -> None:
    shop, random = story.shop, story.random
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    if random.random() < 0.15:
        shop.world.webhook_mode = Mode.INSIDE
        shop.world.webhook_callback = lambda delivery: _inside(story, delivery)
    if random.random() < 0.1:
        shop.world.set_available_balance("usd", random.randrange(0, 200_000))
    if random.random() < 0.15:
        story.sold, story.case_id = await desk.proposed(shop, random)
    else:
        await _approved(story)
    shop.world.latency_s = 1.0


async def _inside(story: Story, delivery: Delivery) -> None:
    """The webhook is faster than the answer of the call that caused it."""
    if story.random.random() < 0.5:
        story.deliveries += shops.signed([delivery])
        return

    async def at_once() -> None:
        await _receive(*shops.signed([delivery])[0])
        await stripe_events.look(delivery.event_id)

    # Another process does this: the caller has no turn in it and cannot be killed by it.
    await asyncio.create_task(at_once(), context=Context())


async def _approved(story: Story) -> None:
    shop, random = story.shop, story.random
    cards = [
        (random.choice(DEPOSIT_CARDS), random.randrange(100, 300_000))
        for _ in range(random.randint(1, 3))
    ]
    story.sold = await shops.sale(shop, *cards)
    # Often only a part goes back: Stripe itself would refuse a second refund of the whole.
    parts = [random.choice((1, 3, 3)) for _ in cards]
    made = await shops.approved(
        shop,
        story.sold,
        PEOPLE["sam"],
        PEOPLE["dana"],
        new_card=random.choice(NEW_CARDS),
        refunds=[amount // part for (_, amount), part in zip(cards, parts, strict=True)],
    )
    story.case_id = made.case.id


async def _act(story: Story, turns: Turns) -> None:
    async with installed(turns):
        # Two at a time would do; the others take the place of those that are killed.
        for number in range(4):
            turns.start(f"worker{number}", _worker(story, story.random.randint(3, 16)))
        turns.start("events", _event_worker(story, story.random.randint(5, 20)))
        turns.start("customer", _customer(story, story.random.randint(1, 4)))
        turns.start("manager", _manager(story, story.random.randint(1, 3)))
        desk.start(turns, story.shop, story.random, story.case_id)
        await turns.run()


async def _worker(story: Story, looks: int) -> None:
    """Jobs come when due, but also twice, late and for nothing."""
    for _ in range(looks):
        await advance.advance(story.case_id)


async def _event_worker(story: Story, looks: int) -> None:
    for _ in range(looks):
        await _hand_over(story)
        for event_id in await WebhookEvent.filter(
            done_at=None, id__in=await _known(story)
        ).values_list("id", flat=True):
            await stripe_events.look(str(event_id))


async def _known(story: Story) -> list[str]:
    return [doc["id"] for doc in story.shop.world.store.table("event").oldest_first()]


async def _hand_over(story: Story) -> None:
    """Some of the webhooks, in any order, some twice, some never."""
    story.deliveries += shops.signed(story.shop.world.take_deliveries())
    story.random.shuffle(story.deliveries)
    taken, story.deliveries = story.deliveries[:3], story.deliveries[3:]
    for body, signature in taken:
        if story.random.random() < 0.2:
            continue
        for _ in range(1 + (story.random.random() < 0.2)):
            await _receive(body, signature)


async def _receive(body: bytes, signature: str) -> None:
    try:
        await stripe_events.receive(body, signature)
    except stripe.BadSignature:
        # Older than five minutes: Stripe would sign it anew; here it counts as lost.
        return


async def _customer(story: Story, tries: int) -> None:
    """Goes to the bank when asked, and manages or not."""
    assert story.sold is not None
    by = Customer(story.sold.account.id, story.sold.account.billing_email, "Priya Raman", "Harbor")
    for _ in range(tries):
        case = await Case.get(id=story.case_id)
        if case.status is not Status.NEEDS_AUTHENTICATION:
            continue
        try:
            await recharge.ask_authentication(case, by)
        except facts.Fact:
            continue
        leg = await Leg.filter(case_id=case.id, kind=LegKind.RECHARGE).order_by("-plan_id").first()
        if leg is not None and leg.next_action_url:
            _at_the_bank(story, leg.payment_intent_id)
            await recharge.returned_from_bank(case)


def _at_the_bank(story: Story, intent_id: str) -> None:
    from sandbox.stripe_twin.resources import payment_intents, payments

    world = story.shop.world
    intent = payment_intents.get(world, intent_id)
    if intent["status"] == "requires_action":
        verdict = (
            payments.authenticated
            if story.random.random() < 0.7
            else payments.authentication_failed
        )
        verdict(world, intent)


async def _manager(story: Story, tries: int) -> None:
    """Approves another card when the first was declined."""
    assert story.sold is not None
    for _ in range(tries):
        case = await Case.get(id=story.case_id)
        if case.status is not Status.NEEDS_NEW_CARD or await _moving(case):
            continue
        try:
            await shops.approve_new_card(
                story.shop, case, story.sold, PEOPLE["sam"], PEOPLE["dana"]
            )
        except (facts.Fact, AssertionError):
            continue


async def _moving(case: Case) -> bool:
    return await Leg.filter(
        case_id=case.id,
        state__in=[LegState.SENDING, LegState.PENDING, LegState.UNKNOWN, LegState.NEEDS_ACTION],
    ).exists()


async def _between(story: Story, turns: Turns) -> None:
    """Between two turns: check, let time pass, let the world misbehave."""
    _check(story)
    random = story.random
    if random.random() < 0.10:
        span = random.choice((1, 5, 20, 45, 70, 70, 400, 400, 4_000, 4_000, 30_000, 95_000))
        turns.trace.append(f"+ {span} s")
        await _pass(story, span)
    if random.random() < 0.06:
        route, kind = random.choice(ROUTES), random.choice(list(FaultKind))
        turns.trace.append(f"fault {kind} on {route}")
        story.shop.world.faults.add(route, kind)
    if random.random() < story.mishap_chance and story.mishaps < 2:
        story.mishaps += 1
        turns.trace.append(f"mishap {_mishap(story)}")


async def _pass(story: Story, span: float) -> None:
    """Time goes by; what is on the wire arrives on its way, in its time."""
    end = story.shop.world.now() + span
    while (due := story.wire.next_due()) is not None and due <= end:
        story.shop.pass_(seconds=max(0.0, due - story.shop.world.now()) + 0.001)
        await story.wire.arrive()
        _check(story)
    story.shop.pass_(seconds=max(0.0, end - story.shop.world.now()))


def _check(story: Story) -> None:
    invariants.at_every_step(story.books)
    for intent in story.books.intents():
        if intent["status"] == "succeeded" and intent["id"] not in story.charged:
            story.charged.add(str(intent["id"]))
            if not _failed_late(story, intent):
                invariants.when_charged(story.books, intent)


def _failed_late(story: Story, intent: dict[str, object]) -> bool:
    """A refund that failed in the very moment of the charge cannot be foreseen by anyone."""
    return any(each["status"] == "failed" for each in story.books.refunds())


def _mishap(story: Story) -> str:
    """A dispute, a warning, a late failure, a refund in the Dashboard, an empty balance."""
    assert story.sold is not None
    world, random = story.shop.world, story.random
    charge = random.choice(story.sold.deposits).charge_id
    refunds = [each["id"] for each in story.books.refunds() if each["status"] == "succeeded"]
    what = random.choice(("dispute", "inquiry", "warning", "late", "dashboard", "balance"))
    match what:
        case "dispute":
            world.open_dispute(charge)
        case "inquiry":
            world.open_inquiry(charge)
        case "warning":
            world.warn_fraud(charge)
        case "late" if refunds:
            world.fail_refund(str(random.choice(refunds)))
        case "dashboard":
            _in_the_dashboard(story, charge)
        case "balance":
            world.set_available_balance("usd", random.randrange(0, 100_000))
    return what


def _in_the_dashboard(story: Story, charge_id: str) -> None:
    from sandbox.stripe_twin.errors import ApiError

    try:
        story.shop.world.refund_in_dashboard(charge_id, story.random.randrange(1, 5_000))
    except ApiError:
        return


async def _quiet(story: Story) -> Case:
    """Faults off, balance filled, days pass, no webhook at all: the poller must finish it."""
    world = story.shop.world
    world.faults.clear()
    world.latency_s = 0.0
    story.wire.late_chance = 0.0
    world.set_available_balance("usd", 100_000_000)
    case = await Case.get(id=story.case_id)
    for span in QUIET_S:
        await _pass(story, span)
        case = await shops.work(case, steps=25)
        _check(story)
    return case
