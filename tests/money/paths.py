"""The paths that money takes: the usual one, and each special one."""

from collections.abc import Awaitable, Callable

from amends.flow import advance, fraud, proof, recharge
from amends.gateways import stripe_client
from amends.models import Case, Leg
from amends.rules.people import Role
from amends.rules.plan import LegKind
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from sandbox.stripe_twin.resources import payment_intents, payments
from sandbox.stripe_twin.transport import client_for
from tests import shop as shops
from tests.money.scene import Scene
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, FAILS, PENDING, VISA

Path = Callable[[Scene], Awaitable[Case]]
TWO = ((AMEX, 120_000), (VISA, 80_000))


async def two_deposits(scene: Scene) -> Case:
    case = await scene.approved(*TWO)
    return await scene.until(case, Status.RESOLVED)


async def pending(scene: Scene) -> Case:
    case = await scene.approved((PENDING, 120_000))
    return await scene.until(case, Status.RESOLVED)


async def authentication(scene: Scene) -> Case:
    """The bank of the new card wants its holder."""
    case = await scene.approved((AMEX, 120_000), new_card=ALWAYS_SCA)
    case = await scene.until(case, Status.NEEDS_AUTHENTICATION)
    await recharge.ask_authentication(case, scene.priya)
    case = await scene.until(case, Status.NEEDS_AUTHENTICATION)
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    payments.authenticated(
        scene.shop.world, payment_intents.get(scene.shop.world, leg.payment_intent_id)
    )
    await recharge.returned_from_bank(case)
    return await scene.until(case, Status.RESOLVED)


async def declined(scene: Scene) -> Case:
    """The new card says no; a manager approves another."""
    case = await scene.approved((AMEX, 120_000), new_card=DECLINES)
    case = await scene.until(case, Status.NEEDS_NEW_CARD)
    assert scene.sold is not None
    made = await shops.approve_new_card(scene.shop, case, scene.sold, scene.agent, scene.manager)
    return await scene.until(made.case, Status.RESOLVED)


def _with_fault(route: str, kind: FaultKind) -> Path:
    async def path(scene: Scene) -> Case:
        case = await scene.approved((AMEX, 120_000), refunds=[40_000])
        scene.shop.world.faults.add(route, kind)
        return await scene.until(case, Status.RESOLVED)

    return path


REFUND, CREATE = "POST /v1/refunds", "POST /v1/payment_intents"
CONFIRM = "POST /v1/payment_intents/*/confirm"
lost_answer = _with_fault(REFUND, FaultKind.LOST_RESPONSE)
lost_confirmation = _with_fault(CONFIRM, FaultKind.LOST_RESPONSE)
stored_500 = _with_fault(REFUND, FaultKind.ERROR_500_BEFORE)
lost_creation = _with_fault(CREATE, FaultKind.LOST_REQUEST)


async def disputed(scene: Scene) -> Case:
    """The bank's process began on the second deposit."""
    case = await scene.approved(*TWO)
    assert scene.sold is not None
    scene.shop.world.open_dispute(scene.sold.deposits[1].charge_id)
    return await scene.until(case, Status.LOCKED_CHARGEBACK)


async def warned(scene: Scene) -> Case:
    case = await scene.approved(*TWO)
    assert scene.sold is not None
    scene.shop.world.warn_fraud(scene.sold.deposits[1].charge_id)
    return await scene.until(case, Status.LOCKED_FRAUD)


async def refunded_by_hand(scene: Scene) -> Case:
    """Somebody refunded the first deposit in the Dashboard."""
    case = await scene.approved(*TWO)
    assert scene.sold is not None
    scene.shop.world.refund_in_dashboard(scene.sold.deposits[0].charge_id)
    return await scene.until(case, Status.PARTLY_REFUNDED)


async def failed_late(scene: Scene) -> Case:
    case = await scene.approved((FAILS, 120_000))
    case = await scene.until(case, Status.RESOLVED)
    scene.shop.pass_(days=3)
    return await scene.until(case, Status.REFUND_FAILED_LATE)


async def expired(scene: Scene) -> Case:
    """The approval runs out before the first refund is sent."""
    case = await scene.approved(*TWO)
    await advance.advance(case.id)
    scene.shop.pass_(days=15)
    return await scene.until(case, Status.PARTLY_REFUNDED)


async def stopped_before_the_charge(scene: Scene) -> Case:
    """The approval runs out before the new card is charged."""
    scene.shop.world.delays.pending_refund_s = 16 * 86_400
    case = await scene.approved((PENDING, 120_000))
    case = await scene.until(case, Status.REFUNDING)
    scene.shop.pass_(days=17)
    return await scene.until(case, Status.NEEDS_NEW_CARD)


async def card_gone(scene: Scene) -> Case:
    """The new card was detached: the intent cannot even be made."""
    case = await scene.approved((AMEX, 120_000))
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    client = stripe_client.for_transport(client_for(scene.shop.world)).read
    await client.v1.payment_methods.detach_async(leg.payment_method_id)
    return await scene.until(case, Status.NEEDS_NEW_CARD)


async def refused(scene: Scene) -> Case:
    """Stripe refuses the refund itself: the charge was refunded after the last look."""
    case = await scene.approved((VISA, 80_000), new_card=None)
    assert scene.sold is not None
    charge, world = scene.sold.deposits[0].charge_id, scene.shop.world
    handle = world.handle

    async def somebody_is_faster(call):  # type: ignore[no-untyped-def]
        if (call.method, call.path) == ("POST", "/v1/refunds"):
            world.handle = handle  # type: ignore[method-assign]
            world.refund_in_dashboard(charge)
        return await handle(call)

    world.handle = somebody_is_faster  # type: ignore[method-assign]
    return await scene.until(case, Status.PARTLY_REFUNDED)


async def proof_renewed(scene: Scene) -> Case:
    """A new proof takes the old one's place; security lifts a flag."""
    case = await two_deposits(scene)
    await proof.renew(case)
    locked = await warned(scene)
    noor = await shops.person("Noor Haddad", Role.SECURITY)
    await fraud.lift(locked, noor, "Spoke to the holder.")
    return await Case.get(id=case.id)


# Killed at every point, each of them:
MATRIX: dict[str, Path] = {
    "two deposits": two_deposits,
    "pending": pending,
    "authentication": authentication,
    "declined, another card": declined,
    "lost answer": lost_answer,
    "lost confirmation": lost_confirmation,
    "stored 500": stored_500,
    "lost creation": lost_creation,
    "disputed": disputed,
    "refused": refused,
    "card gone": card_gone,
}
# Taken once, so that every call and every transaction is on some path:
OTHERS: dict[str, Path] = {
    "warned": warned,
    "refunded by hand": refunded_by_hand,
    "failed late": failed_late,
    "expired": expired,
    "stopped before the charge": stopped_before_the_charge,
    "proof renewed": proof_renewed,
}
