"""What goes wrong between two turns: faults, time and clocks, disputes, late failures."""

from sandbox.stripe_twin.errors import ApiError
from sandbox.stripe_twin.faults import FaultKind
from tests.simulate.scene import Scene
from tests.simulate.turns import Turns

ROUTES = (
    "POST /v1/refunds",
    "POST /v1/payment_intents",
    "POST /v1/payment_intents/*/confirm",
    "POST /v1/payment_intents/*/cancel",
    "GET /v1/refunds*",
    "GET /v1/*",
)
_SPANS_S = (1, 5, 20, 45, 70, 70, 400, 400, 4_000, 4_000, 30_000, 95_000)
# Far less than the five minutes that the protocol waits for a call on the wire.
_SKEWS_S = (-15.0, -5.0, 0.0, 5.0, 15.0)
_KINDS = ("dispute", "inquiry", "warning", "dashboard", "balance")


async def between(scene: Scene, turns: Turns) -> None:
    """Between two turns: check, let time pass, let the world misbehave."""
    scene.check()
    random = scene.random
    if random.random() < 0.10:
        span = random.choice(_SPANS_S)
        turns.trace.append(f"+ {span} s")
        await _go_by(scene, span)
    if random.random() < 0.06:
        route, kind = random.choice(ROUTES), random.choice(list(FaultKind))
        turns.trace.append(f"fault {kind} on {route}")
        scene.shop.world.faults.add(route, kind)
    if random.random() < scene.mishap_chance and scene.mishaps < 2:
        scene.mishaps += 1
        turns.trace.append(f"mishap {_happens(scene)}")


async def _go_by(scene: Scene, span: float) -> None:
    """Time, now and then with the machine asleep or its clock set meanwhile."""
    if scene.random.random() < 0.1:
        # A machine that sleeps: its steady clock stands still.
        scene.shop.time.steady -= span
        scene.seen["machine slept"] += 1
    if scene.random.random() < 0.1:
        skew = scene.random.choice(_SKEWS_S)
        scene.seen["clock set back"] += skew < scene.skew_s
        scene.seen["clock set forward"] += skew > scene.skew_s
        scene.skew_s = skew
    await pass_(scene, span)


async def pass_(scene: Scene, span: float) -> None:
    """Time goes by; what is on the wire arrives on its way, in its time."""
    world = scene.shop.world
    end = world.now() + span
    while (due := scene.wire.next_due()) is not None and due <= end:
        scene.shop.pass_(seconds=max(0.0, due - world.now()) + 0.001)
        await scene.wire.arrive()
        scene.check()
    scene.shop.pass_(seconds=max(0.0, end - world.now()))


def _happens(scene: Scene) -> str:
    """A dispute, a warning, a late failure, a refund in the Dashboard, an empty balance."""
    assert scene.sold is not None
    world, random = scene.shop.world, scene.random
    charge = random.choice(scene.sold.deposits).charge_id
    refunds = [each["id"] for each in scene.books.refunds() if each["status"] == "succeeded"]
    # A refund can only fail late once it is confirmed: then it is as likely as all the rest.
    what = "late" if refunds and random.random() < 0.5 else random.choice(_KINDS)
    match what:
        case "dispute":
            world.open_dispute(charge)
        case "inquiry":
            world.open_inquiry(charge)
        case "warning":
            world.warn_fraud(charge)
        case "late":
            world.fail_refund(str(random.choice(refunds)))
        case "dashboard":
            _in_the_dashboard(scene, charge)
        case "balance":
            world.set_available_balance("usd", random.randrange(0, 100_000))
    scene.seen[f"mishap: {what}"] += 1
    return what


def _in_the_dashboard(scene: Scene, charge_id: str) -> None:
    try:
        made = scene.shop.world.refund_in_dashboard(charge_id, scene.random.randrange(1, 5_000))
    except ApiError:
        return
    scene.in_the_dashboard.add(str(made["id"]))
