"""Webhooks in any order, lost, doubled, or faster than the answer: always the same end."""

import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random

import pytest

from amends.flow import recharge, stripe_events
from amends.models import Case, Leg, WebhookEvent
from amends.rules.people import Customer, Role, Staff
from amends.rules.plan import LegKind
from amends.rules.workflow import Status
from sandbox.stripe_twin.resources import payment_intents, payments
from sandbox.stripe_twin.webhooks import Delivery, Mode
from tests import shop as shops
from tests.money.scene import end_of
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, FAILS, MASTERCARD, PENDING, VISA, Shop

Message = tuple[bytes, str]
Record = Callable[[str, object], None]
Scenario = Callable[[Shop, Staff, Staff], Awaitable[Case]]
_seeds = itertools.count(1)
# Which of a scenario's events decide something, the weightiest first.
WEIGHTY = (
    "refund.failed", "refund.updated", "refund.created", "payment_intent.succeeded",
    "payment_intent.payment_failed", "payment_intent.requires_action", "payment_intent.canceled",
    "charge.refunded",
)  # fmt: skip


def _sale(cards: Sequence[tuple[str, int]], new_card: str = MASTERCARD, days: int = 0) -> Scenario:
    async def play(shop: Shop, sam: Staff, dana: Staff) -> Case:
        sold = await shops.sale(shop, *cards)
        case = (await shops.approved(shop, sold, sam, dana, new_card=new_card)).case
        case = await shops.work(case)
        if days:
            # The world goes on while no worker looks: only the events tell.
            shop.pass_(days=days)
        return case

    return play


async def _authentication(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """The customer managed at the bank; nobody has looked yet."""
    case = await _sale(((AMEX, 120_000),), ALWAYS_SCA)(shop, sam, dana)
    sold_to = Customer(case.account_id, case.contact_email, "Priya Raman", "Harbor Fitness")
    await recharge.ask_authentication(case, sold_to)
    case = await shops.work(case)
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    payments.authenticated(shop.world, payment_intents.get(shop.world, leg.payment_intent_id))
    return case


SCENARIOS: dict[str, Scenario] = {
    "two deposits": _sale(((AMEX, 120_000), (VISA, 80_000))),
    "pending": _sale(((AMEX, 120_000), (PENDING, 80_000)), days=2),
    "late failure": _sale(((FAILS, 120_000),), days=4),
    "authentication": _authentication,
    "declined": _sale(((AMEX, 120_000),), DECLINES),
}


async def _play(name: str, choose: Callable[[list[Message]], Iterable[Message]]) -> object:
    """The scenario with these messages delivered, and then time to come to rest."""
    shop = Shop(seed=next(_seeds))
    shop.take()
    shop.world.drift_every = 0
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    case = await SCENARIOS[name](shop, *_people)
    for body, signature in choose(_weighty(shop.world.take_deliveries())):
        await stripe_events.receive(body, signature)
        await _look(shop)
    return await _rest(shop, case)


async def _look(shop: Shop) -> None:
    known = [event["id"] for event in shop.world.events]
    waiting = WebhookEvent.filter(done_at=None, id__in=known)
    for event_id in await waiting.values_list("id", flat=True):
        await stripe_events.look(str(event_id))


async def _rest(shop: Shop, case: Case) -> object:
    for seconds in (0, 70, 400, 4_000, 4_000, 90_000, 90_000, 90_000, 90_000):
        case = await shops.work_on(shop, case, seconds=seconds)
    return await end_of(shop, case)


def _weighty(deliveries: list[Delivery]) -> list[Message]:
    ranked = sorted(
        (each for each in deliveries if each.event_type in WEIGHTY),
        key=lambda each: WEIGHTY.index(each.event_type),
    )
    return shops.signed(ranked[:6])


_people: list[Staff] = []
# The end of each scenario without any event; it is the same in every database.
_quiet: dict[str, object] = {}


async def _without_events(name: str) -> object:
    if name not in _quiet:
        _quiet[name] = await _play(name, _none)
    return _quiet[name]


@pytest.fixture
async def people(quick_db: None, shop: Shop) -> None:
    _people[:] = [
        await shops.person("Sam Ito", Role.AGENT),
        await shops.person("Dana Cole", Role.MANAGER),
    ]


def _none(messages: list[Message]) -> list[Message]:
    return []


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", list(SCENARIOS))
async def test_losing_one_event_and_doubling_the_next_changes_nothing(name: str) -> None:
    """The weightiest is lost; each of them: marked slow, below."""
    expected, _ = await _with_and_without(name)
    found = await _play(name, lambda messages: [*messages[1:], messages[1], messages[1]])
    assert found == expected, f"{name} without its weightiest event"


@pytest.mark.slow
@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", list(SCENARIOS))
async def test_losing_or_doubling_each_event_changes_nothing(
    name: str, record_property: Record
) -> None:
    expected, count = await _with_and_without(name)
    record_property("losses and repeats", 2 * count)
    for at in range(count):
        found = await _play(name, lambda them, at=at: them[:at] + them[at + 1 :])
        assert found == expected, f"{name} without event {at}"
        found = await _play(name, lambda them, at=at: [*them, them[at], them[at]])
        assert found == expected, f"{name} with event {at} three times"


async def _with_and_without(name: str) -> tuple[object, int]:
    """The end without any event, which all of them in order must reach too; and their number."""
    expected = await _without_events(name)
    count: list[int] = []

    def all_of_them(messages: list[Message]) -> list[Message]:
        count.append(len(messages))
        return messages

    assert await _play(name, all_of_them) == expected
    assert count[0] >= 2, f"{name} has {count[0]} events"
    return expected, count[0]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", list(SCENARIOS))
async def test_any_order_ends_the_same(name: str) -> None:
    """One order of each scenario that is not the usual one; all orders are marked slow."""
    await _shuffled(name, 1)


@pytest.mark.slow
@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", list(SCENARIOS))
async def test_every_order_ends_the_same(name: str, record_property: Record) -> None:
    record_property("orders", await _shuffled(name, 720))


async def _shuffled(name: str, most: int) -> int:
    """Every order of the events, or so many of them; returns how many."""
    expected = await _without_events(name)
    orders = list(itertools.permutations(range(await _count(name))))
    Random(1).shuffle(orders)
    for order in orders[:most]:

        def shuffled(messages: list[Message], order: tuple[int, ...] = order) -> list[Message]:
            return [messages[at] for at in order]

        assert await _play(name, shuffled) == expected, f"{name} in the order {order}"
    return len(orders[:most])


async def _count(name: str) -> int:
    """How many events of the scenario decide something: up to six."""
    counted: list[int] = []

    def counting(messages: list[Message]) -> list[Message]:
        counted.append(len(messages))
        return []

    await _play(name, counting)
    return counted[0]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("name", list(SCENARIOS))
async def test_events_faster_than_the_answer_end_the_same(name: str) -> None:
    expected = await _without_events(name)
    shop = Shop(seed=next(_seeds))
    shop.take()
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)

    async def at_once(delivery: Delivery) -> None:
        await stripe_events.receive(*shops.signed([delivery])[0])
        await stripe_events.look(delivery.event_id)

    shop.world.webhook_mode, shop.world.webhook_callback = Mode.INSIDE, at_once
    case = await SCENARIOS[name](shop, *_people)
    assert await _rest(shop, case) == expected


@pytest.mark.usefixtures("people")
async def test_the_scenarios_end_where_they_should() -> None:
    ends = {name: (await _without_events(name))["status"] for name in SCENARIOS}  # type: ignore[index]
    assert ends == {
        "two deposits": Status.RESOLVED,
        "pending": Status.RESOLVED,
        "late failure": Status.REFUND_FAILED_LATE,
        "authentication": Status.RESOLVED,
        "declined": Status.NEEDS_NEW_CARD,
    }
