"""One seeded story: a sale, an approved plan, two workers, and everything that can go wrong."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from amends import clock
from amends.flow import advance
from amends.gateways import stripe_client
from amends.models import Case
from amends.rules.workflow import Status
from sandbox.stripe_twin.webhooks import Mode
from tests import shop as shops
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, FAILS, MASTERCARD, PENDING, VISA, Shop
from tests.simulate import desk, history, invariants, mishaps, outside
from tests.simulate.scene import PEOPLE, Scene
from tests.simulate.turns import Turns, installed, seeded
from tests.simulate.wire import Wire, WireClient

DEPOSIT_CARDS = (AMEX, VISA, VISA, PENDING, FAILS)
NEW_CARDS = (MASTERCARD, MASTERCARD, MASTERCARD, DECLINES, ALWAYS_SCA, None)
# Virtual time of quiet at the end: refunds settle, fail late and are found without any webhook.
QUIET_S = (60, 400, 400, 4_000, 4_000, *[90_000] * 10, *[360_000] * 9)
# The same in fewer looks: 26 hours to come to rest, then until nothing is to come any more.
SHORT_S = (70, 400, 4_000, 90_000, *[360_000] * 12)
_REST_S = 94_000
_FOR_THE_CUSTOMER = (Status.NEEDS_AUTHENTICATION, Status.NEEDS_NEW_CARD)


@dataclass
class Report:
    """What became of a seed. `seen` counts what happened on the way."""

    seed: int
    status: str = ""
    steps: int = 0
    trace: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)


async def tell(seed: int) -> Report:
    """Run one seed from beginning to end. Raises Violation with the trace in its notes."""
    random = Random(seed)
    shop = Shop(seed=seed)
    shop.world.drift_every = 200
    shop.take()
    scene = Scene(seed, random, shop, invariants.Books(shop.world), Wire(shop.world, random))
    scene.take_clock()
    scene.watch_money()
    with seeded(random):
        return await _tell(scene)


async def _tell(scene: Scene) -> Report:
    random, shop, seed = scene.random, scene.shop, scene.seed
    scene.mishap_chance = random.choice((0.0, 0.0, 0.004, 0.012))
    scene.late_chance = random.choice((0.0, 0.02, 0.1, 0.3))
    await _open(scene)
    turns = Turns(
        random,
        kill_chance=random.choice((0, 0.004, 0.015)),
        between=lambda: mishaps.between(scene, turns),
    )
    shop.world.sleep = lambda seconds: turns.point("call")
    stripe_client.use(stripe_client.for_transport(WireClient(scene.wire, turns.point)))
    try:
        _loud(scene)
        await _act(scene, turns)
        _calm(scene)
        case = await _quiet(scene, turns)
        await invariants.at_the_end(scene.books, case)
        await history.at_the_end(scene, case)
    except BaseException as error:
        error.add_note(f"seed {seed}\n" + "\n".join(turns.trace[-120:]))
        raise
    return Report(seed, case.status, turns.steps, turns.trace, _seen(scene, turns))


def _seen(scene: Scene, turns: Turns) -> Counter[str]:
    seen = scene.seen + turns.seen + scene.wire.seen
    seen.update(f"fault: {kind}" for kind, _ in scene.shop.world.faults.fired)
    kinds = Counter(event["type"] for event in scene.shop.world.events)
    seen["refund failed"] += kinds["refund.failed"]
    seen["card declined"] += kinds["payment_intent.payment_failed"]
    seen["bank asked for the cardholder"] += kinds["payment_intent.requires_action"]
    return seen


async def _open(scene: Scene) -> None:
    shop, random = scene.shop, scene.random
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    if random.random() < 0.15:
        shop.world.webhook_mode = Mode.INSIDE
        shop.world.webhook_callback = lambda delivery: outside.inside(scene, delivery)
    if random.random() < 0.1:
        scene.seen["balance short from the start"] += 1
        shop.world.set_available_balance("usd", random.randrange(0, 200_000))
    if random.random() < 0.15:
        scene.sold, scene.case_id = await desk.proposed(shop, random)
    else:
        await _approved(scene)


async def _approved(scene: Scene) -> None:
    shop, random = scene.shop, scene.random
    cards = [
        (random.choice(DEPOSIT_CARDS), random.randrange(100, 300_000))
        for _ in range(random.randint(1, 3))
    ]
    scene.sold = await shops.sale(shop, *cards)
    # Often only a part goes back: Stripe itself would refuse a second refund of the whole.
    parts = [random.choice((1, 3, 3)) for _ in cards]
    made = await shops.approved(
        shop,
        scene.sold,
        PEOPLE["sam"],
        PEOPLE["dana"],
        new_card=random.choice(NEW_CARDS),
        refunds=[amount // part for (_, amount), part in zip(cards, parts, strict=True)],
    )
    scene.case_id = made.case.id


async def _act(scene: Scene, turns: Turns) -> None:
    draw = scene.random.randint
    async with installed(turns, turns.inside):
        # Two at a time would do; the others take the place of those that are killed.
        for number in range(4):
            turns.start(f"worker{number}", _worker(scene, draw(3, 16)))
        turns.start("events", outside.event_worker(scene, draw(5, 20)))
        turns.start("customer", outside.customer(scene, draw(1, 4)))
        turns.start("manager", outside.manager(scene, draw(1, 3)))
        desk.start(turns, scene)
        await turns.run()


async def _second_act(scene: Scene, turns: Turns) -> None:
    """The case came to wait for the customer: they come, and it goes on under faults."""
    draw = scene.random.randint
    scene.acts += 1
    _loud(scene)
    async with installed(turns, turns.inside):
        turns.start("customer", outside.customer(scene, draw(10, 25)))
        turns.start("manager", outside.manager(scene, draw(1, 3)))
        for number in range(2):
            turns.start(f"worker{number}", _worker(scene, draw(3, 16)))
        turns.start("events", outside.event_worker(scene, draw(2, 8)))
        await turns.run()
    _calm(scene)


async def _worker(scene: Scene, looks: int) -> None:
    """Jobs come when due, but also twice, late and, less often, for nothing."""
    for _ in range(looks):
        due = (await Case.get(id=scene.case_id)).next_check_at
        if (due is not None and due <= clock.now()) or scene.random.random() < 0.3:
            await advance.advance(scene.case_id)


def _loud(scene: Scene) -> None:
    scene.shop.world.latency_s = 1.0
    scene.wire.late_chance = scene.late_chance


def _calm(scene: Scene) -> None:
    """Faults off, balance filled."""
    world = scene.shop.world
    world.faults.clear()
    world.latency_s = 0.0
    scene.wire.late_chance = 0.0
    world.set_available_balance("usd", 100_000_000)


async def _quiet(scene: Scene, turns: Turns) -> Case:
    """Days pass, no webhook at all: the poller must finish it, or it waits for a person."""
    # One in sixteen is watched to the last day; the others until nothing is to come.
    patient, waited = scene.random.random() < 0.0625, 0
    case = await Case.get(id=scene.case_id)
    for span in QUIET_S if patient else SHORT_S:
        await mishaps.pass_(scene, span)
        case = await shops.work(case, steps=25)
        scene.check()
        waited += span
        if case.status in _FOR_THE_CUSTOMER and scene.acts < 2 and scene.random.random() < 0.7:
            await _second_act(scene, turns)
            case, waited = await Case.get(id=scene.case_id), 0
        if waited > _REST_S and not patient and await history.at_rest(scene, case):
            return case
    scene.seen["watched for 50 days"] += 1
    return case
