"""The process of the outside world: the Stripe twin over HTTP, people, weather, and the judge."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tortoise import Tortoise
from tortoise.exceptions import OperationalError

from amends import clock, database, facts
from amends.flow import recharge
from amends.gateways import stripe, stripe_client
from amends.models import Account, Case, Leg, WebhookEvent
from amends.rules import due, workflow
from amends.rules.people import Customer, Role, Staff
from amends.rules.plan import LegKind
from amends.rules.workflow import Status
from sandbox.stripe_twin import deliver
from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.calls import Answer, Call
from sandbox.stripe_twin.faults import FaultKind
from sandbox.stripe_twin.resources import payment_intents, payments
from sandbox.stripe_twin.transport import client_for
from sandbox.stripe_twin.world import World
from tests import shop as shops
from tests.crash.stage import Stage
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, FAILS, MASTERCARD, PENDING, VISA
from tests.simulate import invariants

# Cases that a worker has something to do for now. One that waits for a date of the protocol (an
# hour until the next look-up, a pending refund) is not in flight, or the waiting ones would in the
# end leave nothing to kill a worker at.
IN_FLIGHT, SOON = 40, timedelta(seconds=20)
DEPOSITS = (AMEX, AMEX, VISA, VISA, VISA, PENDING, FAILS)
NEW_CARDS = (MASTERCARD,) * 6 + (DECLINES, ALWAYS_SCA, None)
ROUTES = (
    "POST /v1/refunds",
    "POST /v1/refunds",
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/*/confirm",
    "GET /v1/refunds*",
)
# Real seconds: longer than the workers wait, and shorter than the five minutes of the protocol.
SLOW_S, LATENCY_S = 4.0, 0.01
LOOKS_S = 0.5
KINDS = (*FaultKind, *(FaultKind.SLOW,) * 4, FaultKind.ERROR_500_AFTER)
# What a red control's mistake needs in order to show: it is there all the time, so that the run
# certainly comes to it. A refund still on the wire when it is sent again under another key; a
# refund that was made and answered with a stored 500, which only a look-up can find.
REVEALING = {
    "a random key for each try": FaultKind.SLOW,
    "no look-up before a re-send": FaultKind.ERROR_500_AFTER,
}


@dataclass
class Now:
    """The shop's clock, as tests/shop.py reads it."""

    @property
    def at(self) -> datetime:
        return clock.now()


@dataclass
class Outside:
    """The twin and everybody who acts on it."""

    world: World
    random: Random
    books: invariants.Books
    time: Now = field(default_factory=Now)
    violations: dict[str, None] = field(default_factory=dict)
    charged: set[str] = field(default_factory=set)
    stormy: bool = True
    made: int = 0
    deadlocks: int = 0
    looked_at: float = 0.0


def main(stage: Stage) -> None:
    asyncio.run(_serve(stage))


async def _serve(stage: Stage) -> None:
    world = World(seed=stage.seed, now=lambda: clock.now().timestamp(), public_url=stage.twin_url)
    outside = Outside(world, Random(stage.seed), invariants.Books(world))
    _set_scene(outside, stage)
    await Tortoise.init(config=database.config(stage.database_url, 6), _enable_global_fallback=True)
    stripe_client.use(stripe_client.for_transport(client_for(world)))
    app = create_app(world)
    app.routes.insert(0, Route("/_crash/{word}", _control(outside), methods=["GET", "POST"]))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[stage.twin]))
        group.create_task(deliver.run(world))
        group.create_task(_people(outside))
        group.create_task(_weather(outside, REVEALING.get(stage.variant)))


def _set_scene(outside: Outside, stage: Stage) -> None:
    world = outside.world
    world.drift_every = 0
    world.delays.pending_refund_s = 120
    world.delays.refund_failure_s = 900
    world.faults.slow_s, world.latency_s = SLOW_S, LATENCY_S
    if stage.variant == "as it is":
        # The red controls get no webhooks: those would hide a look-up that is missing.
        world.add_endpoint(f"{stage.portal_url}/stripe/webhook", shops.SECRET)
    handle = world.handle

    async def handle_and_check(call: Call) -> Answer:
        try:
            return await handle(call)
        finally:
            if call.method == "POST":
                _look(outside, call)

    world.handle = handle_and_check  # type: ignore[method-assign]


def _look(outside: Outside, call: Call) -> None:
    """Right after each call that may have moved money: every charge, and now and then all books.

    What was moved twice stays in the books for much longer than the time between two looks.
    """
    now = time.monotonic()
    if call.path.endswith("/confirm"):
        _check_charges(outside, [payment_intents.get(outside.world, call.path.split("/")[3])])
    if now - outside.looked_at > LOOKS_S:
        outside.looked_at = now
        _check(outside)


def _check(outside: Outside) -> None:
    try:
        invariants.at_every_step(outside.books)
    except invariants.Violation as violation:
        outside.violations[str(violation)] = None
    _check_charges(outside, outside.books.intents())


def _check_charges(outside: Outside, intents: list[dict[str, Any]]) -> None:
    try:
        for intent in intents:
            if intent["status"] == "succeeded" and intent["id"] not in outside.charged:
                outside.charged.add(str(intent["id"]))
                _charge_was_due(outside, intent)
    except invariants.Violation as violation:
        outside.violations[str(violation)] = None


def _charge_was_due(outside: Outside, intent: dict[str, Any]) -> None:
    case = intent["metadata"]["case"]
    refunds: list[dict[str, Any]] = list(outside.books.refunds())
    mine = [each for each in refunds if each["metadata"].get("case") == case]
    # A refund that failed in the very moment of the charge cannot be foreseen by anyone.
    if not any(each["status"] == "failed" for each in mine):
        invariants.when_charged(outside.books, intent)


async def _weather(outside: Outside, revealing: FaultKind | None) -> None:
    """Faults all the time, a dispute or a warning now and then."""
    random, world = outside.random, outside.world
    while True:
        await asyncio.sleep(0.1)
        if not outside.stormy:
            continue
        if random.random() < 0.3 and len(world.faults.list()) < 6:
            world.faults.add(random.choice(ROUTES), random.choice(KINDS))
        if revealing and not any(each.kind is revealing for each in world.faults.list()):
            world.faults.add(ROUTES[0], revealing)
        charges = list(world.store.table("charge").rows)
        if charges and random.random() < 0.01:
            mishap = random.choice((world.open_dispute, world.warn_fraud))
            mishap(random.choice(charges[-20:]))


async def _people(outside: Outside) -> None:
    """Keeps enough approved cases in flight, and goes to the bank when asked."""
    sam = await shops.person("Sam Ito", Role.AGENT)
    dana = await shops.person("Dana Cole", Role.MANAGER)
    while True:
        await asyncio.sleep(0.05)
        try:
            await _customers(outside)
            if outside.stormy and await _busy() < IN_FLIGHT:
                await _make(outside, sam, dana)
        except (stripe.StripeError, facts.Fact):
            continue  # they try again, as people do
        except OperationalError as error:
            if "deadlock" not in str(error):
                raise
            outside.deadlocks += 1


async def _busy() -> int:
    soon = clock.now() + SOON
    return await Case.filter(status__in=list(due.WORKER), next_check_at__lte=soon).count()


async def _make(outside: Outside, sam: Staff, dana: Staff) -> None:
    random, shop = outside.random, cast(shops.Shop, outside)
    cards = [
        (random.choice(DEPOSITS), random.randrange(600, 300_000))
        for _ in range(random.randint(1, 3))
    ]
    sold = await shops.sale(shop, *cards)
    # A third goes back: Stripe itself would refuse a second refund of the whole.
    parts = [amount // 3 for _, amount in cards]
    await shops.approved(shop, sold, sam, dana, new_card=random.choice(NEW_CARDS), refunds=parts)
    outside.made += 1


async def _customers(outside: Outside) -> None:
    """Whom the bank wants goes there, and mostly manages."""
    for case in await Case.filter(status=Status.NEEDS_AUTHENTICATION).limit(5):
        leg = await Leg.filter(case_id=case.id, kind=LegKind.RECHARGE).order_by("-plan_id").first()
        if leg is None or outside.random.random() < 0.8:
            continue
        if not leg.next_action_url:
            account = await Account.get(id=case.account_id)
            by = Customer(account.id, account.billing_email, "Priya Raman", account.organisation)
            await recharge.ask_authentication(case, by)
            continue
        intent = payment_intents.get(outside.world, leg.payment_intent_id)
        if intent["status"] == "requires_action":
            payments.authenticated(outside.world, intent)
            _check(outside)
            await recharge.returned_from_bank(case)


def _control(outside: Outside) -> Any:
    """What the run asks for and says, over HTTP."""

    async def answer(request: Request) -> Response:
        match request.path_params["word"]:
            case "calm":
                outside.stormy = False
                outside.world.faults.clear()
                outside.world.latency_s = 0.0
                return JSONResponse({})
            case "verdict":
                return JSONResponse({"violations": await _verdict(outside)})
            case _:
                return JSONResponse(await _status(outside))

    return answer


async def _status(outside: Outside) -> dict[str, int]:
    now = clock.now()
    return {
        "cases": outside.made,
        "violations": len(outside.violations),
        "deadlocks": outside.deadlocks,
        "due": await Case.filter(next_check_at__lte=now).count(),
        "events": await WebhookEvent.filter(done_at=None).count(),
        "waiting": outside.world.webhooks.waiting(),
        "open": await Case.filter(status__in=list(workflow.OPEN)).count(),
        "at_work": await Case.filter(status__in=list(due.WORKER)).count(),
    }


async def _verdict(outside: Outside) -> list[str]:
    """Every case against the twin's books, and every case that was made is there."""
    _check(outside)
    cases = await Case.all()
    if len(cases) < outside.made:
        outside.violations[f"{outside.made - len(cases)} cases are lost"] = None
    for case in cases:
        try:
            await invariants.at_the_end(outside.books, case)
        except invariants.Violation as violation:
            outside.violations[f"{case.ref}: {violation}"] = None
    return list(outside.violations)
