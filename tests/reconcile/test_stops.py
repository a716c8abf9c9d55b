"""A dispute, an inquiry or a fraud warning between any two steps: no money call after it is known.

Known either by an event, or because the worker looks at Stripe before each call.
"""

from dataclasses import dataclass, field

import pytest

from amends import clock, facts
from amends.flow import advance, stripe_events
from amends.models import Account, Attempt, Case, ExceptionItem, Leg
from amends.rules.people import Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.calls import Answer, Call
from sandbox.stripe_twin.world import World
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import AMEX, PENDING, VISA, Shop

pytestmark = pytest.mark.req("I14")

INCIDENTS = ("open_dispute", "open_inquiry", "warn_fraud")
KNOWN_BY = ("an event", "the look before the call")
MONEY = ("/v1/refunds", "/v1/payment_intents")


@dataclass
class Calls:
    """Every call that could move money, in order. A cancelation stops money and is none."""

    made: list[str] = field(default_factory=list)

    @classmethod
    def to(cls, world: World) -> "Calls":
        calls, handle = cls(), world.handle

        async def recorded(call: Call) -> Answer:
            path = call.path.rstrip("/")
            if call.method == "POST" and path.startswith(MONEY) and not path.endswith("/cancel"):
                calls.made.append(path)
            return await handle(call)

        world.handle = recorded  # type: ignore[method-assign]
        return calls


async def happens(world: World, incident: str, charge_id: str, known_by: str) -> None:
    getattr(world, incident)(charge_id)
    if known_by == "an event":
        await stripe_events.catch_up()
        await shops.look_at_events()


def is_stopped(case: Case, incident: str) -> bool:
    stopped = Status.LOCKED_FRAUD if incident == "warn_fraud" else Status.LOCKED_CHARGEBACK
    return case.status is stopped


async def weeks_go_by(shop: Shop, case: Case) -> Case:
    for span in ({"minutes": 6}, {"hours": 2}, {"days": 2}, {"days": 12}):
        case = await shops.work_on(shop, case, **span)
    return case


async def steps_until(case: Case, **leg: object) -> Case:
    """The worker's looks, one at a time, until a leg reads so."""
    for _ in range(30):
        if await Leg.filter(case_id=case.id, **leg).exists():
            return await Case.get(id=case.id)
        await advance.advance(case.id)
    raise AssertionError(f"never: {leg}")


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("known_by", KNOWN_BY)
async def test_before_the_plan_nothing_can_be_proposed(incident: str, known_by: str) -> None:
    harbor, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(harbor, sam)
    calls = Calls.to(harbor.world)
    await happens(harbor.world, incident, harbor.deposits[0].charge_id, known_by)

    case = await Case.get(id=case.id)
    assert is_stopped(case, incident) is (known_by == "an event")
    with pytest.raises(facts.Refused):
        await scene.propose(case, sam)
    assert calls.made == []


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("known_by", KNOWN_BY)
async def test_between_approval_and_the_first_send(
    shop: Shop, sam: Staff, dana: Staff, incident: str, known_by: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[0].charge_id, known_by)

    case = await weeks_go_by(shop, await shops.work(made.case))

    assert is_stopped(case, incident) and calls.made == []
    assert await ExceptionItem.filter(case_id=case.id, resolved_at=None).exists()


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("new_card", [VISA, None])
async def test_a_dispute_on_the_second_charge_stops_the_first_leg_too(
    shop: Shop, sam: Staff, dana: Staff, incident: str, new_card: str | None
) -> None:
    """Found by the look alone, before the first leg leaves: the plan stops as a whole."""
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=new_card)
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[1].charge_id, KNOWN_BY[1])

    case = await weeks_go_by(shop, await shops.work(made.case))

    assert is_stopped(case, incident) and calls.made == []
    assert not await Attempt.filter(leg__case_id=case.id).exists()
    assert await ExceptionItem.filter(case_id=case.id, resolved_at=None).exists()


@pytest.mark.parametrize("incident", ("open_dispute", "open_inquiry"))
async def test_a_dispute_on_the_charge_that_went_back_stops_the_second_leg_of_a_rebill(
    shop: Shop, sam: Staff, dana: Staff, incident: str
) -> None:
    """No event tells it; the new charge rests on that refund, so the look reads its charge too."""
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    case = await steps_until(made.case, position=1, state=LegState.SUCCEEDED)
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[0].charge_id, KNOWN_BY[1])

    case = await weeks_go_by(shop, await shops.work(case))

    assert is_stopped(case, incident) and calls.made == []


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("known_by", KNOWN_BY)
async def test_between_two_refunds(
    shop: Shop, sam: Staff, dana: Staff, incident: str, known_by: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    case = await steps_until(made.case, position=1, state=LegState.SUCCEEDED)
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[1].charge_id, known_by)

    case = await weeks_go_by(shop, await shops.work(case))

    assert is_stopped(case, incident) and calls.made == []
    states = await Leg.filter(case_id=case.id).order_by("position").values_list("state", flat=True)
    assert states[0] is LegState.SUCCEEDED and LegState.SUCCEEDED not in states[1:]


@pytest.mark.parametrize("incident", INCIDENTS)
async def test_between_two_refunds_on_the_charge_that_went_back_already(
    shop: Shop, sam: Staff, dana: Staff, incident: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    case = await steps_until(made.case, position=1, state=LegState.SUCCEEDED)
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[0].charge_id, "an event")

    case = await weeks_go_by(shop, await shops.work(case))

    # A full refund ends a warning: there is nothing left to warn of.
    if incident == "warn_fraud":
        assert case.status is Status.RESOLVED
        return
    assert is_stopped(case, incident) and calls.made == []


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("known_by", KNOWN_BY)
async def test_while_a_refund_is_pending(
    shop: Shop, sam: Staff, dana: Staff, incident: str, known_by: str
) -> None:
    sold = await shops.sale(shop, (PENDING, 120_000), (VISA, 80_000))
    made = await shops.approved(shop, sold, sam, dana, refunds=[60_000, 80_000])
    case = await shops.work(made.case)
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[0].charge_id, known_by)

    case = await weeks_go_by(shop, await shops.work(case))

    assert calls.made == []
    assert is_stopped(case, incident) or case.status is Status.PARTLY_REFUNDED


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("known_by", KNOWN_BY)
async def test_between_the_last_refund_and_the_recharge(
    shop: Shop, sam: Staff, dana: Staff, incident: str, known_by: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana, refunds=[60_000])
    case = await steps_until(made.case, kind=LegKind.REFUND, state=LegState.SUCCEEDED)
    assert case.status is Status.REFUNDED
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[0].charge_id, known_by)

    case = await weeks_go_by(shop, await shops.work(case))

    assert is_stopped(case, incident) and calls.made == []


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("known_by", KNOWN_BY)
async def test_between_the_intent_and_its_confirmation(
    shop: Shop, sam: Staff, dana: Staff, incident: str, known_by: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana, refunds=[60_000])
    case = await steps_until(made.case, payment_intent_id__startswith="pi_", kind="recharge")
    calls = Calls.to(shop.world)
    await happens(shop.world, incident, sold.deposits[0].charge_id, known_by)

    case = await weeks_go_by(shop, await shops.work(case))

    assert is_stopped(case, incident) and calls.made == []
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    assert leg.state is LegState.CANCELED
    intent = shop.world.store.get("payment_intent", leg.payment_intent_id)
    assert intent is not None and intent["status"] == "canceled"


@pytest.mark.parametrize("incident", INCIDENTS)
@pytest.mark.parametrize("which", ["the old charge", "the new charge"])
async def test_after_the_recharge(
    shop: Shop, sam: Staff, dana: Staff, incident: str, which: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana, refunds=[60_000])
    case = await steps_until(made.case, kind=LegKind.RECHARGE, state=LegState.SUCCEEDED)
    assert case.status is Status.RECHARGED
    calls = Calls.to(shop.world)
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    charge = leg.result_charge_id if which == "the new charge" else sold.deposits[0].charge_id
    await happens(shop.world, incident, charge, "an event")

    case = await weeks_go_by(shop, await shops.work(case))

    assert is_stopped(case, incident) and calls.made == []


@pytest.mark.parametrize("incident", INCIDENTS)
async def test_after_the_close_a_person_is_told_and_nothing_moves(
    shop: Shop, sam: Staff, dana: Staff, incident: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana, refunds=[60_000])
    case = await shops.work(made.case)
    assert case.status is Status.RESOLVED
    calls = Calls.to(shop.world)
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    await happens(shop.world, incident, leg.result_charge_id, "an event")

    case = await weeks_go_by(shop, case)

    # The bank's process opens the case again: its papers are the evidence.
    stays = incident == "warn_fraud"
    assert case.status is (Status.RESOLVED if stays else Status.LOCKED_CHARGEBACK)
    assert calls.made == []
    kind = "fraud_warning" if incident == "warn_fraud" else "dispute"
    assert await ExceptionItem.filter(kind=kind, resolved_at=None).exists()


@pytest.mark.parametrize("step", ["first send", "second send", "intent", "confirmation"])
async def test_a_flag_set_by_security_is_read_at_every_send(
    shop: Shop, sam: Staff, dana: Staff, step: str
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    case = (await shops.approved(shop, sold, sam, dana)).case
    match step:
        case "second send":
            case = await steps_until(case, position=1, state=LegState.SUCCEEDED)
        case "intent":
            case = await steps_until(case, position=2, state=LegState.SUCCEEDED)
        case "confirmation":
            case = await steps_until(case, payment_intent_id__startswith="pi_", kind="recharge")
    calls = Calls.to(shop.world)
    await Account.filter(id=sold.account.id).update(flagged_at=clock.now(), flag_reason="Noor")

    await weeks_go_by(shop, await shops.work(case))

    assert calls.made == []
    assert not await Attempt.filter(state="sending").exists()
