"""One seeded story: a sale, an approved plan, two workers, and everything that can go wrong."""

from dataclasses import dataclass, field
from random import Random

from amends import facts
from amends.flow import advance, recharge, stripe_events
from amends.gateways import stripe
from amends.models import Case, Leg, WebhookEvent
from amends.rules.people import Customer, Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, FAILS, MASTERCARD, PENDING, VISA, Shop
from tests.simulate import invariants
from tests.simulate.turns import Turns, installed

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
# Virtual days of quiet at the end: refunds settle, fail late and are found without any webhook.
QUIET_DAYS = 45
PEOPLE: dict[str, Staff] = {}


@dataclass
class Report:
    seed: int
    status: str = ""
    steps: int = 0
    kills: int = 0
    faults: int = 0
    trace: list[str] = field(default_factory=list)


@dataclass
class Story:
    """The state of one seed's world."""

    seed: int
    random: Random
    shop: Shop
    books: invariants.Books
    case_id: int = 0
    sold: shops.Sale | None = None
    charged: set[str] = field(default_factory=set)
    deliveries: list[tuple[bytes, str]] = field(default_factory=list)
    mishaps: int = 0
    calm: bool = False
    mishap_chance: float = 0.0


async def tell(seed: int) -> Report:
    """Run one seed from beginning to end. Raises Violation with the trace in its notes."""
    random = Random(seed)
    shop = Shop(seed=seed)
    shop.world.drift_every = 200
    shop.take()
    story = Story(seed, random, shop, invariants.Books(shop.world))
    story.mishap_chance = random.choice((0.0, 0.0, 0.004, 0.012))
    await _open(story)
    turns = Turns(
        random, kill_chance=random.choice((0, 0.01, 0.04)), between=lambda: _between(story)
    )
    shop.world.sleep = lambda seconds: turns.point("call")
    try:
        await _act(story, turns)
        case = await _quiet(story)
        await invariants.at_the_end(story.books, case)
    except BaseException as error:
        error.add_note(f"seed {seed}\n" + "\n".join(turns.trace[-120:]))
        raise
    return Report(
        seed, case.status, turns.steps, turns.kills, len(shop.world.faults.fired), turns.trace
    )


async def _open(story: Story) -> None:
    shop, random = story.shop, story.random
    cards = [
        (random.choice(DEPOSIT_CARDS), random.randrange(100, 300_000))
        for _ in range(random.randint(1, 3))
    ]
    story.sold = await shops.sale(shop, *cards)
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    if random.random() < 0.1:
        shop.world.set_available_balance("usd", random.randrange(0, 200_000))
    made = await shops.approved(
        shop, story.sold, PEOPLE["sam"], PEOPLE["dana"], new_card=random.choice(NEW_CARDS)
    )
    story.case_id = made.case.id
    shop.world.latency_s = 1.0


async def _act(story: Story, turns: Turns) -> None:
    async with installed(turns):
        for number in range(2):
            turns.start(f"worker{number}", _worker(story, story.random.randint(10, 40)))
        turns.start("events", _event_worker(story, story.random.randint(5, 20)))
        turns.start("customer", _customer(story, story.random.randint(1, 4)))
        turns.start("manager", _manager(story, story.random.randint(1, 3)))
        # A killed worker is replaced, as the process supervisor does.
        turns.start("worker2", _worker(story, story.random.randint(10, 30)))
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


async def _between(story: Story) -> None:
    """Between two turns: check, let time pass, let the world misbehave."""
    _check(story)
    if story.calm:
        return
    random = story.random
    if random.random() < 0.10:
        story.shop.pass_(seconds=random.choice((1, 20, 45, 70, 400, 4_000, 30_000, 95_000)))
    if random.random() < 0.06:
        story.shop.world.faults.add(random.choice(ROUTES), random.choice(list(FaultKind)))
    if random.random() < story.mishap_chance and story.mishaps < 2:
        story.mishaps += 1
        _mishap(story)


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


def _mishap(story: Story) -> None:
    """A dispute, a warning, a late failure, a refund in the Dashboard, an empty balance."""
    assert story.sold is not None
    world, random = story.shop.world, story.random
    charge = random.choice(story.sold.deposits).charge_id
    refunds = [each["id"] for each in story.books.refunds() if each["status"] == "succeeded"]
    match random.choice(("dispute", "inquiry", "warning", "late", "dashboard", "balance")):
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


def _in_the_dashboard(story: Story, charge_id: str) -> None:
    from sandbox.stripe_twin.errors import ApiError

    try:
        story.shop.world.refund_in_dashboard(charge_id, story.random.randrange(1, 5_000))
    except ApiError:
        return


async def _quiet(story: Story) -> Case:
    """Faults off, balance filled, days pass, no webhook at all: the poller must finish it."""
    story.calm = True
    world = story.shop.world
    world.faults.clear()
    world.latency_s = 0.0
    world.set_available_balance("usd", 100_000_000)
    case = await Case.get(id=story.case_id)
    for span in [60, 400, 400, 4000, 4000, *[90_000] * QUIET_DAYS]:
        story.shop.pass_(seconds=span)
        case = await shops.work(case, steps=25)
        _check(story)
    return case
