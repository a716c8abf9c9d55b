"""Reasons of a dispute: what each owes, found and computed, and never more than that."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from amends import clock, facts
from amends.flow import (
    after_cancellation,
    approval,
    charges,
    duplicates,
    letters,
    module_view,
    planning,
    sighting,
)
from amends.models import Case, Deposit, Leg, Order, Person
from amends.rules import policy
from amends.rules.people import Staff
from amends.rules.plan import LegKind, Outcome
from amends.rules.workflow import Reason
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.backoffice.scene import Customers

pytestmark = pytest.mark.usefixtures("db")
DAY_S = 86_400


@pytest.fixture(autouse=True)
def one_afternoon() -> Iterator[None]:
    """The same moment all along, so that no day changes between two looks at the clock."""
    clock.use(wall=lambda: shops.START)
    yield
    clock.use()


def charged_again(shop: Customers, after_s: float = 120, amount: int = 1200_00) -> str:
    """The Amex is charged a second time, without anything on the order's list."""
    world = shop.world
    first = world.store.get("charge", shop.deposits[0].charge_id)
    assert first is not None
    created = first["created"] + after_s
    method = first["payment_method"]
    charge = world.add_charge(shop.customer_id, method, amount, created=created)
    return str(charge["id"])


async def twice(sam: Staff, after_s: float = 120) -> tuple[Customers, Case, str]:
    shop = await scene.harbor()
    second = charged_again(shop, after_s)
    case = await scene.in_triage(shop, sam, **scene.dispute(Reason.DUPLICATE))
    return shop, case, second


# --- Charged twice ------------------------------------------------------------------------------


@pytest.mark.req("A7a")
async def test_it_finds_the_second_charge_by_itself() -> None:
    sam = await scene.staff("Sam Ito")
    shop, case, second = await twice(sam)
    seen = await sighting.read_claim(case, sam)

    (pair,) = duplicates.pairs(seen)

    assert (pair.kept.id, pair.duplicate.id) == (shop.deposits[0].charge_id, second)
    assert pair.apart == timedelta(minutes=2)


@pytest.mark.req("A7a")
@pytest.mark.parametrize(("after_s", "found"), [(3 * DAY_S, 1), (3 * DAY_S + 1, 0)])
async def test_it_looks_three_days_far(after_s: float, found: int) -> None:
    sam = await scene.staff("Sam Ito")
    _, case, _ = await twice(sam, after_s)
    assert len(duplicates.pairs(await sighting.read_claim(case, sam))) == found


@pytest.mark.req("A7a")
async def test_another_amount_or_card_is_no_duplicate() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    charged_again(shop, amount=1199_99)
    other = shop.world.add_card(shop.customer_id, "5555555555554444")
    shop.world.add_charge(shop.customer_id, other["id"], 1200_00)
    case = await scene.in_triage(shop, sam, **scene.dispute(Reason.DUPLICATE))
    assert duplicates.pairs(await sighting.read_claim(case, sam)) == ()


@pytest.mark.req("A7a", "A8", "I32")
async def test_only_the_duplicate_is_refunded_in_full_with_stripes_word_for_it() -> None:
    sam = await scene.staff("Sam Ito")
    shop, case, second = await twice(sam)
    case = await charges.pick_charges(case, sam, [second])

    plan = await scene.propose(case, sam, Outcome.REFUND)

    (leg,) = await Leg.filter(plan_id=plan.id)
    assert (leg.kind, leg.charge_id, leg.amount_minor) == (LegKind.REFUND, second, 1200_00)
    assert leg.stripe_reason == "duplicate"
    order = await Order.get(id=shop.order.id)
    assert (order.subscription_status, order.total_minor) == ("active", 2000_00)


@pytest.mark.req("A7a")
async def test_the_plan_refuses_anything_else_for_a_duplicate() -> None:
    sam = await scene.staff("Sam Ito")
    shop, case, second = await twice(sam)
    first = shop.deposits[0]

    with pytest.raises(facts.Refused, match=f"{first.charge_id} repeats no earlier charge"):
        await scene.propose(case, sam, Outcome.REFUND, amounts={first.id: 1200_00})
    case = await charges.pick_charges(case, sam, [second])
    (deposit,) = case.deposit_ids
    with pytest.raises(facts.Refused, match=r"refunded in full: \$1,200.00"):
        await scene.propose(case, sam, Outcome.REFUND, amounts={deposit: 1199_99})
    case = await charges.pick_charges(case, sam, [first.charge_id, second])
    whole = {first.id: 1200_00, deposit: 1200_00}
    with pytest.raises(facts.Refused, match="one of the two charges stays"):
        await scene.propose(case, sam, Outcome.REFUND, amounts=whole)


@pytest.mark.req("A7a")
async def test_a_first_charge_that_was_refunded_meanwhile_stops_the_approval() -> None:
    sam, lee = await scene.staff("Sam Ito"), await scene.staff("Lee Moreau")
    shop, case, second = await twice(sam)
    case = await charges.pick_charges(case, sam, [second])
    plan = await scene.propose(case, sam, Outcome.REFUND)
    shop.world.refund_in_dashboard(shop.deposits[0].charge_id)

    with pytest.raises(facts.Refused, match="one of the two charges stays"):
        await approval.approve(await Case.get(id=case.id), lee, plan.version, plan.digest)


@pytest.mark.req("A7a")
async def test_the_case_page_shows_both_side_by_side_and_plans_the_duplicate() -> None:
    sam = await scene.staff("Sam Ito")
    shop, case, second = await twice(sam)
    client = await desk.browser(sam)
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    for words in ("First charge, stays", "2 min later", second, "Plan the duplicate of $1,200.00"):
        assert words in text, words

    case = await Case.get(id=case.id)
    form = {"version": case.version, "charge": second}
    assert (await client.post(f"/cases/{case.ref}/charges", data=form)).status_code == 303
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "This duplicate is picked" in text
    assert f"{second} repeats {shop.deposits[0].charge_id}" in text
    assert "The first charge and your order stay as they are" in text


@pytest.mark.req("A7a")
@pytest.mark.parametrize("named", ["SO-10482", "SO-1", ""])
async def test_a_charge_that_only_stripe_knows_joins_the_order_it_repeats(named: str) -> None:
    """The customer chose the second charge in the portal; no order of ours lists it."""
    sam = await scene.staff("Sam Ito")
    shop, case, second = await twice(sam)
    await Case.filter(id=case.id).update(order_id=None, deposit_ids=[], claimed_order="")
    doc = shop.world.store.get("charge", second)
    assert doc is not None
    doc["metadata"] = {"order": named}
    shop.world.store.touch(doc)
    case = await charges.pick_charges(await Case.get(id=case.id), sam, [second])
    assert case.order_id == shop.order.id
    deposit = await Deposit.get(charge_id=second)
    assert case.deposit_ids == [deposit.id] and deposit.order_id == shop.order.id


# --- After a cancellation -----------------------------------------------------------------------


async def cancelled(
    sam: Staff, *, ended_days: int | None, began_days: int = 90
) -> tuple[Customers, Case]:
    """A year's charge 67 days ago for a period that began earlier; the subscription ended."""
    shop = await scene.harbor()
    world = shop.world
    ends = (clock.now() - timedelta(days=began_days) + timedelta(days=365)).timestamp()
    doc = world.add_subscription(
        shop.customer_id, 1200_00, interval="year", status="canceled", current_period_end=ends
    )
    if ended_days is not None:
        doc["ended_at"] = int((clock.now() - timedelta(days=ended_days)).timestamp())
        world.store.touch(doc)
    await Order.filter(id=shop.order.id).update(
        subscription_id=doc["id"], subscription_status="canceled"
    )
    changes = scene.dispute(Reason.AFTER_CANCELLATION)
    changes |= {"deposit_ids": [shop.deposits[0].id]}
    return shop, await scene.in_triage(shop, sam, **changes)


@pytest.mark.req("A7b")
async def test_what_is_shown_is_what_is_stored_by_the_day() -> None:
    sam = await scene.staff("Sam Ito")
    shop, case = await cancelled(sam, ended_days=80)
    _, shown = await scene.shown(case, sam, Outcome.REFUND)
    (leg,) = shown.draft.legs
    known = await planning.facts_for(case, await sighting.shown(case))
    assert known.recipe is not None and known.recipe.computed is not None
    owed = known.recipe.computed.owed[shop.deposits[0].id]
    # Day 10 of 365: what is left of the period, floored to the cent.
    assert (owed.days_unused, owed.days_total) == (355, 365)
    assert leg.amount_minor == owed.refund.minor == 1200_00 * 355 // 365

    plan = await scene.propose(case, sam, Outcome.REFUND)
    (stored,) = await Leg.filter(plan_id=plan.id)
    assert stored.amount_minor == owed.refund.minor

    lee = await scene.staff("Lee Moreau")
    case = await approval.approve(await Case.get(id=case.id), lee, plan.version, plan.digest)
    await shops.work(case)
    sent = shop.world.store.table("refund").where("charge", stored.charge_id)
    refunded = [row["amount"] for row in sent]
    assert refunded == [owed.refund.minor]


@pytest.mark.req("A7b", "T23", "V2.2.3")
async def test_nothing_is_owed_when_the_charge_came_before_the_end() -> None:
    sam = await scene.staff("Sam Ito")
    _, case = await cancelled(sam, ended_days=30)
    _, shown = await scene.shown(case, sam, Outcome.REFUND)
    assert shown.draft.legs == () and shown.blocking


@pytest.mark.req("A7b", "T23")
async def test_a_day_that_nobody_knows_blocks_until_staff_record_it_with_a_reason() -> None:
    sam = await scene.staff("Sam Ito")
    shop, case = await cancelled(sam, ended_days=None)
    with pytest.raises(facts.Refused, match="took effect is not known"):
        await scene.propose(case, sam, Outcome.REFUND, amounts={shop.deposits[0].id: 100})
    today = letters.today()
    start, end = today - timedelta(days=90), today + timedelta(days=275)
    with pytest.raises(facts.InvalidInput, match="how you know"):
        await after_cancellation.record(case, sam, today - timedelta(days=80), start, end, " ")
    with pytest.raises(facts.InvalidInput, match="not in the future"):
        tomorrow = today + timedelta(days=1)
        await after_cancellation.record(case, sam, tomorrow, start, end, "Mail")

    case = await after_cancellation.record(
        case, sam, today - timedelta(days=80), start, end, "Their mail of that day"
    )

    _, shown = await scene.shown(case, sam, Outcome.REFUND)
    assert [leg.amount_minor for leg in shown.draft.legs] == [1200_00 * 355 // 365]
    told = [check.sentence for check in shown.checks if check.key == "effective"]
    assert "Their mail of that day" in told[0] and "Stripe shows no end" in told[0]


@pytest.mark.req("A7b")
async def test_an_amount_or_day_that_differs_needs_a_manager_who_sees_both() -> None:
    sam, nia = await scene.staff("Sam Ito"), await scene.staff("Nia Brooks")
    dana = await scene.staff("Dana Cole")
    shop, case = await cancelled(sam, ended_days=80)
    plan = await scene.propose(case, sam, Outcome.REFUND, amounts={shop.deposits[0].id: 20_00})
    case = await Case.get(id=case.id)

    page = await approval.page(case, dana)
    assert page.route.roles == policy.MANAGERS
    assert "it is not the amount computed by the day" in page.route.why
    assert any("the computation says $1,167.12" in check.sentence for check in page.checks)
    with pytest.raises(facts.Refused):
        await approval.approve(case, nia, plan.version, plan.digest)
    assert await approval.approve(case, dana, plan.version, plan.digest)


@pytest.mark.req("A7b")
async def test_the_page_shows_the_sum_in_words_and_takes_another_day() -> None:
    sam = await scene.staff("Sam Ito")
    _, case = await cancelled(sam, ended_days=80)
    client = await desk.browser(sam)
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    for words in (
        "355 of 365 days not used",
        "$1,200.00 × 355 ÷ 365 = $1,167.12, rounded down",
        "as the subscription shows at Stripe",
        "American Express 0005 −$1,167.12",
    ):
        assert words in text, words
    today = letters.today()
    form = {
        "version": (await Case.get(id=case.id)).version,
        "effective_on": str(today - timedelta(days=70)),
        "period_start": str(today - timedelta(days=90)),
        "period_end": str(today + timedelta(days=275)),
        "reason": "The customer's letter is dated later",
    }
    wrong = await client.post(f"/cases/{case.ref}/effective", data=form | {"effective_on": "x"})
    assert wrong.status_code == 422 and "letter is dated later" in wrong.text
    assert (await client.post(f"/cases/{case.ref}/effective", data=form)).status_code == 303
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "345 of 365 days not used" in text and "Differs" in text


# --- A module that was not used -----------------------------------------------------------------


@pytest.mark.req("A7c")
async def test_an_unused_module_goes_to_the_account_manager_and_then_always_to_a_manager() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    ben, lee = await scene.staff("Ben Okafor"), await scene.staff("Lee Moreau")
    dana = await scene.staff("Dana Cole")
    case = await scene.in_triage(shop, sam, **scene.dispute(Reason.MODULE_UNUSED))
    small = {shop.deposits[0].id: 1_00, shop.deposits[1].id: 0}
    with pytest.raises(facts.Refused, match="account manager looks"):
        await scene.propose(case, sam, Outcome.REFUND, amounts=small)
    with pytest.raises(facts.Refused, match="An account manager writes this"):
        await module_view.give(case, sam, "Looks fine")

    case = await module_view.hand_over(await Case.get(id=case.id), sam)
    assert case.owner_id == ben.person_id
    with pytest.raises(facts.InvalidInput):
        await module_view.give(case, ben, "  ")
    case = await module_view.give(case, ben, "Never switched on. I would refund it.")
    assert case.owner_id == sam.person_id

    plan = await scene.propose(case, sam, Outcome.REFUND, amounts=small)
    case = await Case.get(id=case.id)
    with pytest.raises(facts.Refused, match="unused module"):
        await approval.approve(case, lee, plan.version, plan.digest)
    assert await approval.approve(case, dana, plan.version, plan.digest)


@pytest.mark.req("A7c")
async def test_the_pages_lead_from_the_agent_to_the_account_manager_and_back() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    ben = await scene.staff("Ben Okafor")
    case = await scene.in_triage(shop, sam, **scene.dispute(Reason.MODULE_UNUSED))
    client, his = await desk.browser(sam), await desk.browser(ben)
    version = (await Case.get(id=case.id)).version
    assert "Hand it to an account manager" in (await client.get(f"/cases/{case.ref}")).text
    handed = await client.post(f"/cases/{case.ref}/account-manager", data={"version": version})
    assert handed.status_code == 303
    assert "What you found and recommend" in (await his.get(f"/cases/{case.ref}")).text
    form = {"version": version + 1, "view": "Never switched on."}
    assert (await his.post(f"/cases/{case.ref}/module", data=form)).status_code == 303
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "Ben Okafor looked at it: Never switched on." in text
    assert (await client.post(f"/cases/{case.ref}/module", data=form)).status_code == 403


async def test_nobody_to_hand_it_to_is_said() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam, **scene.dispute(Reason.MODULE_UNUSED))
    await Person.exclude(id=sam.person_id).update(active=False)
    with pytest.raises(facts.Refused, match="Nobody is an account manager"):
        await module_view.hand_over(await Case.get(id=case.id), sam)
