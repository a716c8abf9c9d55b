"""Each class of money bug that somebody published, under its name (docs/MONEY.md says where)."""

import asyncio
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from amends import facts
from amends.flow import (
    advance,
    approval,
    attempts,
    execution,
    observe,
    planning,
    refund,
    stripe_events,
)
from amends.gateways import stripe_money
from amends.models import (
    Approval,
    Attempt,
    Case,
    ChargeClaim,
    ExceptionItem,
    LedgerEntry,
    Leg,
    MailItem,
    Plan,
)
from amends.rules import sending
from amends.rules.people import Staff
from amends.rules.plan import LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from sandbox.stripe_twin.webhooks import Delivery, Mode
from tests import shop as shops
from tests.backoffice import scene
from tests.shop import AMEX, FAILS, PENDING, VISA, Shop


def moved(shop: Shop, kind: str) -> list[tuple[str | None, int]]:
    return [(row.card_last4, row.amount_minor) for row in shop.world.ledger() if row.kind == kind]


async def rest(shop: Shop, case: Case) -> Case:
    for minutes in (2, 6, 6, 6, 70, 70):
        case = await shops.work_on(shop, case, minutes=minutes)
    return case


async def one_refund(shop: Shop, sam: Staff, dana: Staff, amount: int = 40_000) -> Case:
    """A part of a deposit goes back: a second refund of it would succeed at Stripe."""
    sold = await shops.sale(shop, (VISA, 120_000))
    return (await shops.approved(shop, sold, sam, dana, new_card=None, refunds=[amount])).case


async def test_webhook_inside_create_call(shop: Shop, sam: Staff, dana: Staff) -> None:
    """The event is there before the answer of the call that caused it."""

    async def at_once(delivery: Delivery) -> None:
        await stripe_events.receive(*shops.signed([delivery])[0])
        await stripe_events.look(delivery.event_id)

    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    shop.world.webhook_mode, shop.world.webhook_callback = Mode.INSIDE, at_once
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    assert case.status is Status.RESOLVED
    assert await LedgerEntry.filter(case_id=case.id).count() == 6
    assert moved(shop, "refund") == [("0005", -120_000), ("4242", -80_000)]


@pytest.mark.req("I1")
@pytest.mark.usefixtures("fresh_db")
async def test_50_parallel_refunds_one_charge(shop: Shop) -> None:
    """Fifty workers look at one case at once: the deposit goes back once."""
    case = await one_refund(shop, await scene.staff("Sam Ito"), await scene.staff("Dana Cole"))
    await advance.advance(case.id)
    await asyncio.gather(*(advance.advance(case.id) for _ in range(50)))
    case = await rest(shop, case)
    assert case.status is Status.RESOLVED
    assert moved(shop, "refund") == [("4242", -40_000)]
    assert await Attempt.filter(leg__case_id=case.id).count() == 1


@pytest.mark.req("V2.3.4", "T19")
@pytest.mark.usefixtures("fresh_db")
@pytest.mark.parametrize("cases", [8, pytest.param(50, marks=pytest.mark.slow)])
async def test_50_parallel_plans_on_one_charge(shop: Shop, cases: int) -> None:
    """Fifty cases ask for one charge at once: one may move its money. (Eight where it is quick.)"""
    harbor = await scene.harbor()
    sam = await scene.staff("Sam Ito")
    forms = []
    for _ in range(cases):
        case = await scene.in_triage(harbor, sam)
        forms.append((case, *await scene.shown(case, sam)))

    async def propose(case: Case, form: Any, plan: planning.Shown) -> bool:
        try:
            await planning.propose(case, sam, form, plan.digest, "Both deposits match.")
        except facts.Fact:
            return False
        return True

    won = await asyncio.gather(*(propose(*each) for each in forms))
    assert sum(won) == 1
    claims = await ChargeClaim.filter(released_at=None)
    assert len({claim.case_id for claim in claims}) == 1 and len(claims) == 2


async def test_key_is_function_of_line_uuid_only(shop: Shop, sam: Staff, dana: Staff) -> None:
    """Five sends of one attempt go under one key: the leg's random id and the key's number."""
    keys: list[str] = []
    handle = shop.world.handle

    async def noting(call: Any) -> Any:
        if call.method == "POST":
            keys.append(call.headers["idempotency-key"])
        return await handle(call)

    case = await one_refund(shop, sam, dana)
    shop.world.handle = noting  # type: ignore[method-assign]
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_REQUEST, times=4)
    case = await rest(shop, await shops.work(case))
    leg = await Leg.get(case_id=case.id)
    assert case.status is Status.RESOLVED
    assert keys == [f"amends:{leg.id}:refund:1"] * len(keys) and len(keys) == 5


async def test_each_call_fresh_options(shop: Shop, sam: Staff, dana: Staff) -> None:
    """No call inherits the key of another: refund, creation and confirmation have their own."""
    sold = await shops.sale(shop, (VISA, 120_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    keys = await Attempt.filter(leg__case_id=case.id).values_list("idempotency_key", flat=True)
    steps = {str(key).split(":")[2] for key in keys}
    assert steps == {"refund", "create", "confirm"} and len(set(keys)) == 3


async def test_resend_after_25h_looks_up_first(shop: Shop, sam: Staff, dana: Staff) -> None:
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_RESPONSE)
    await shops.work(case)
    case = await shops.work_on(shop, case, hours=25)
    assert case.status is Status.RESOLVED
    assert moved(shop, "refund") == [("4242", -40_000)]


async def test_key_older_than_24_hours_is_not_sent(shop: Shop, sam: Staff, dana: Staff) -> None:
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_REQUEST)
    await shops.work(case)
    case = await shops.work_on(shop, case, hours=25)
    assert case.status is Status.RESOLVED
    numbers = await Attempt.filter(leg__case_id=case.id).order_by("key_number")
    assert [(each.key_number, each.state) for each in numbers] == [(1, "failed"), (2, "succeeded")]


async def test_timeout_is_unknown(shop: Shop, sam: Staff, dana: Staff) -> None:
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.TIMEOUT_AFTER)
    await shops.work(case)
    leg = await Leg.get(case_id=case.id)
    assert leg.state is LegState.UNKNOWN
    assert await ExceptionItem.filter(kind="unknown_outcome", resolved_at=None).count() == 1


async def test_janitor_resolves_every_unknown(shop: Shop, sam: Staff, dana: Staff) -> None:
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.TIMEOUT_BEFORE)
    case = await rest(shop, await shops.work(case))
    assert case.status is Status.RESOLVED
    assert not await ExceptionItem.filter(resolved_at=None).exists()


async def test_janitor_never_overwrites_a_newer_state(shop: Shop, sam: Staff, dana: Staff) -> None:
    """What was read before the refund succeeded is written after it: nothing changes."""
    sold = await shops.sale(shop, (PENDING, 40_000))
    case = (await shops.approved(shop, sold, sam, dana, new_card=None)).case
    case = await shops.work(case)
    leg = await Leg.get(case_id=case.id)
    old = await refund.stripe.refund(str(leg.stripe_id))
    shop.world.settle_refund(str(leg.stripe_id))
    case = await shops.work_on(shop, case, hours=2)
    await observe.refund(leg.id, old)
    assert (await Leg.get(id=leg.id)).state is LegState.SUCCEEDED
    assert (await Case.get(id=case.id)).status is Status.RESOLVED


async def test_janitor_stops_after_five_keys(shop: Shop, sam: Staff, dana: Staff) -> None:
    """No endless retries: the leg ends and people plan anew."""
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.ERROR_500_BEFORE, times=50)
    case = await shops.work(case)
    for _ in range(14):
        case = await shops.work_on(shop, case, minutes=6)
    assert case.status is Status.PARTLY_REFUNDED and case.due_at is not None
    assert await Attempt.filter(leg__case_id=case.id).count() == sending.MAX_KEYS
    assert moved(shop, "refund") == []


async def test_janitor_races_the_success_path(shop: Shop, sam: Staff, dana: Staff) -> None:
    """The look-up finds the refund while its answer is still on the way: booked once."""
    case = await one_refund(shop, sam, dana)
    await advance.advance(case.id)
    send = stripe_money.create_refund

    async def slow(params: Any, key: str) -> Any:
        seen = await send(params, key)
        shop.pass_(minutes=2)
        await advance.advance(case.id)
        return seen

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe_money, "create_refund", slow)
        await advance.advance(case.id)
    case = await rest(shop, case)
    assert case.status is Status.RESOLVED
    assert await LedgerEntry.filter(case_id=case.id).count() == 2
    assert await MailItem.filter(case_id=case.id, kind="refund_sent").count() == 1


async def test_janitor_books_a_pending_refund_when_it_succeeds(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (PENDING, 40_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana, new_card=None)).case)
    assert case.status is Status.REFUNDING
    case = await shops.work_on(shop, case, days=1, hours=2)
    assert case.status is Status.RESOLVED
    assert await LedgerEntry.filter(case_id=case.id).count() == 2


async def test_adopt_refund_by_metadata(shop: Shop, sam: Staff, dana: Staff) -> None:
    """The answer with the refund's id is lost: it is found by the leg's id, not by amount."""
    case = await one_refund(shop, sam, dana)
    leg = await Leg.get(case_id=case.id)
    shop.world.refund_in_dashboard(leg.charge_id, 40_000)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_RESPONSE)
    case = await rest(shop, await shops.work(case))
    ours = await refund.stripe.refund(str((await Leg.get(id=leg.id)).stripe_id))
    assert ours.metadata["leg"] == str(leg.id)
    assert case.status is Status.RESOLVED


async def test_terminal_is_terminal_except_late_fail(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (FAILS, 40_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana, new_card=None)).case)
    leg = await Leg.get(case_id=case.id)
    succeeded = await refund.stripe.refund(str(leg.stripe_id))
    case = await shops.work_on(shop, case, days=4)
    assert case.status is Status.REFUND_FAILED_LATE
    await observe.refund(leg.id, succeeded)
    assert (await Leg.get(id=leg.id)).state is LegState.FAILED


async def test_two_partials_same_charge(shop: Shop, sam: Staff, dana: Staff) -> None:
    """Two refunds of the same amount on one charge are two, whatever the event names."""
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    sold = await shops.sale(shop, (VISA, 120_000))
    first = await shops.approved(shop, sold, sam, dana, new_card=None, refunds=[30_000])
    await shops.work(first.case)
    second = await shops.approved(shop, sold, sam, dana, new_card=None, refunds=[30_000])
    await shops.work(second.case)
    await shops.deliver_and_look(shop)
    assert moved(shop, "refund") == [("4242", -30_000)] * 2
    for made in (first, second):
        assert await LedgerEntry.filter(case_id=made.case.id).count() == 2


async def test_one_proof_per_outcome(shop: Shop, sam: Staff, dana: Staff) -> None:
    """Events ten times over, and looks for nothing: each mail is queued once."""
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    case = await shops.work(await one_refund(shop, sam, dana))
    for _ in range(10):
        for event in shop.world.events:
            shop.world.webhooks.resend(event["id"])
        await shops.deliver_and_look(shop)
        await advance.advance(case.id)
    kinds = await MailItem.filter(case_id=case.id).values_list("kind", flat=True)
    assert sorted(map(str, kinds)) == ["done", "refund_sent"]


@pytest.mark.usefixtures("db", "shop")
class TestPlanHash:
    """What is executed is what was approved, to the byte (TRUST.md: `test_plan_hash_*`)."""

    @pytest.mark.req("T28", "V11.4.3")
    async def test_plan_hash_voids_an_approval_when_the_plan_is_edited(self) -> None:
        harbor, sam = await scene.harbor(), await scene.staff("Sam Ito")
        dana = await scene.staff("Dana Cole")
        case, plan = await scene.proposed(harbor, sam)
        case = await approval.take_back(case, sam, plan.version, "Too much.")
        await scene.propose(case, sam, amounts={harbor.deposits[0].id: 500_00})
        with pytest.raises(facts.Fact):
            await approval.approve(await Case.get(id=case.id), dana, plan.version, plan.digest)
        assert not await Approval.exists()

    @pytest.mark.parametrize(
        "change", [{"amount_minor": 1}, {"charge_id": "ch_other"}, {"stripe_reason": "duplicate"}]
    )
    async def test_plan_hash_stops_an_edit_after_approval(self, change: dict[str, Any]) -> None:
        harbor = await scene.harbor()
        case = await scene.approved(
            harbor, await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
        )
        leg = await Leg.filter(case_id=case.id).order_by("position").first()
        assert leg is not None
        try:
            await Leg.filter(id=leg.id).update(**change)
        except Exception:  # noqa: BLE001 - the database may refuse it already
            return
        await advance.advance(case.id)
        assert [row for row in harbor.world.ledger() if row.kind == "refund"] == []
        assert await ExceptionItem.filter(kind="halt_digest").exists()


async def test_a_double_click_on_approve_approves_once(db: None, shop: Shop) -> None:
    harbor, sam = await scene.harbor(), await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole")
    case, plan = await scene.proposed(harbor, sam)
    await approval.approve(case, dana, plan.version, plan.digest)
    with pytest.raises(facts.AlreadyDecided):
        await approval.approve(case, dana, plan.version, plan.digest)
    assert await Approval.all().count() == 1


@pytest.mark.usefixtures("fresh_db", "shop")
async def test_50_approvers_at_once_one_wins() -> None:
    harbor, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case, plan = await scene.proposed(harbor, sam)
    approvers = [await scene.staff("Dana Cole"), await scene.staff("Ruth Adeyemi")]

    async def click(number: int) -> bool:
        try:
            await approval.approve(case, approvers[number % 2], plan.version, plan.digest)
        except facts.Fact:
            return False
        return True

    assert sum(await asyncio.gather(*(click(number) for number in range(50)))) == 1
    assert await Approval.all().count() == 1


async def test_an_expired_approval_sends_nothing(shop: Shop, sam: Staff, dana: Staff) -> None:
    case = await one_refund(shop, sam, dana)
    case = await shops.work_on(shop, case, days=15)
    assert case.status is Status.TRIAGE
    assert moved(shop, "refund") == []
    assert (await Plan.get(case_id=case.id)).voided_at is not None


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 5_000), ("usd", 5_000), ("eur", 5_000)])
async def test_an_amount_is_minor_units_in_every_currency(
    shop: Shop, sam: Staff, dana: Staff, currency: str, amount: int
) -> None:
    """5,000 yen go back as 5,000 yen: a currency without decimals is not divided by anything."""
    sold = await shops.sale(shop, (VISA, amount), currency=currency)
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    assert case.status is Status.RESOLVED
    rows = [(row.kind, row.amount_minor, row.currency) for row in shop.world.ledger()][1:]
    assert rows == [("refund", -amount, currency), ("charge", amount, currency)]


async def test_a_short_balance_holds_the_refund_and_the_new_charge(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (VISA, 80_000))
    shop.world.set_available_balance("usd", 100)
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    leg = await Leg.get(case_id=case.id, position=1)
    assert (leg.state, leg.pending_reason) == (LegState.PENDING, "insufficient_funds")
    assert len(moved(shop, "charge")) == 1
    shop.world.set_available_balance("usd", 1_000_000)
    assert (await shops.work_on(shop, case, hours=2)).status is Status.RESOLVED


async def test_a_charge_refunded_in_the_dashboard_is_never_taken_for_ours(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """`charge_already_refunded`, made by hand between our last look and our call."""
    sold = await shops.sale(shop, (VISA, 80_000))
    case = (await shops.approved(shop, sold, sam, dana)).case
    send = stripe_money.create_refund

    async def somebody_is_faster(params: Any, key: str) -> Any:
        shop.world.refund_in_dashboard(params["charge"])
        return await send(params, key)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe_money, "create_refund", somebody_is_faster)
        case = await shops.work(case)
    leg = await Leg.get(case_id=case.id, position=1)
    assert (leg.state, leg.failure) == (LegState.FAILED, "charge_already_refunded")
    assert case.status is Status.PARTLY_REFUNDED
    assert len(moved(shop, "charge")) == 1
    assert await LedgerEntry.filter(case_id=case.id).count() == 0


@pytest.mark.parametrize("span", [{"seconds": 31}, {"hours": 25}, {"days": 2}])
async def test_a_pause_between_decision_and_send_sends_nothing_late(
    shop: Shop, sam: Staff, dana: Staff, span: dict[str, float]
) -> None:
    """The machine stands still after the intent was committed: the look-up takes over."""
    case = await one_refund(shop, sam, dana)
    await advance.advance(case.id)
    begin, sent = attempts.begin, []

    async def begin_and_stand_still(*args: Any) -> Any:
        decided = await begin(*args)
        shop.pass_(**span)
        return decided

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attempts, "begin", begin_and_stand_still)
        patch.setattr(stripe_money, "create_refund", lambda *_: sent.append(1))
        await advance.advance(case.id)
    assert sent == []
    case = await rest(shop, case)
    assert case.status is Status.RESOLVED
    assert moved(shop, "refund") == [("4242", -40_000)]


async def test_a_machine_whose_steady_clock_stood_still_sends_nothing_late(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """A suspended machine's monotonic clock stops; the wall clock shows the pause."""
    moment = attempts.Moment.now()
    shop.time.at += timedelta(minutes=1)
    assert moment.age_s() > sending.SEND_DEADLINE_S


@pytest.mark.parametrize("fault", [FaultKind.LOST_REQUEST, FaultKind.ERROR_500_BEFORE])
async def test_a_pause_after_the_look_up_cannot_send_twice(
    shop: Shop, sam: Staff, dana: Staff, fault: FaultKind
) -> None:
    """The look-up finds nothing, the machine stands still, and the first call arrives meanwhile.

    By the clock after the pause its key is forgotten and the wire is empty; by the look-up's own
    moment neither was so.
    """
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", fault)
    await shops.work(case)
    shop.pass_(seconds=61)
    look = refund.pick
    leg = await Leg.get(case_id=case.id)
    attempt = await Attempt.get(leg_id=leg.id)

    def nothing_and_then_a_pause(leg: Leg, refunds: Any) -> Any:
        found = look(leg, refunds)
        if found is None and not arrived:
            arrived.append(shop.world.refund_in_dashboard(leg.charge_id, leg.amount_minor))
            doc = shop.world.store.get("refund", arrived[0]["id"])
            doc["metadata"] = {"leg": str(leg.id), "case": case.ref}
            shop.pass_(hours=30)
        return found

    arrived: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refund, "pick", nothing_and_then_a_pause)
        await advance.advance(case.id)
    case = await rest(shop, case)
    assert arrived and attempt is not None
    assert moved(shop, "refund") == [("4242", -40_000)]
    assert case.status is Status.RESOLVED


async def test_two_workers_on_the_same_attempt_send_one_refund(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """Both saw the unknown attempt; the second to take it gets nothing."""
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_REQUEST)
    case = await shops.work(case)
    leg = await Leg.get(case_id=case.id)
    both = await Attempt.get(leg_id=leg.id), await Attempt.get(leg_id=leg.id)
    taken = [await attempts.again(case, each, attempts.Moment.now()) for each in both]
    assert [each is None for each in taken] == [False, True]
    case = await rest(shop, case)
    assert moved(shop, "refund") == [("4242", -40_000)]


async def test_a_refusal_after_a_retry_is_believed_only_when_nothing_can_arrive(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    case = await one_refund(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_REQUEST)
    case = await shops.work(case)
    leg = await Leg.get(case_id=case.id)
    send, refusals = stripe_money.create_refund, []

    async def refusing(params: Any, key: str) -> Any:
        refusals.append(key)
        raise refund.stripe.Refused("account_closed", "Not now.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stripe_money, "create_refund", refusing)
        case = await shops.work_on(shop, case, seconds=70)
    assert len(refusals) == 1
    assert (await Leg.get(id=leg.id)).state is LegState.UNKNOWN
    # The first send arrives four minutes late, and is found.
    attempt = await Attempt.get(leg_id=leg.id)
    await send(json.loads(attempt.params), attempt.idempotency_key)
    case = await rest(shop, case)
    assert case.status is Status.RESOLVED
    assert (await Leg.get(id=leg.id)).state is LegState.SUCCEEDED


async def test_a_key_used_for_other_parameters_goes_to_a_person(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """Our own fault: never a new key on its own, however long it stays so."""
    case = await one_refund(shop, sam, dana)
    leg = await Leg.get(case_id=case.id)
    other = {"charge": leg.charge_id, "amount": 1}
    await stripe_money.create_refund(other, f"amends:{leg.id}:refund:1")
    case = await shops.work(case)
    for _ in range(4):
        case = await shops.work_on(shop, case, days=1)
    assert await Attempt.filter(leg_id=leg.id).count() == 1
    assert await ExceptionItem.filter(kind="key_mismatch", resolved_at=None).count() == 1
    assert moved(shop, "refund") == [("4242", -1)]


async def test_a_refund_that_appears_after_it_was_given_up_is_told(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    case = await one_refund(shop, sam, dana)
    leg = await Leg.get(case_id=case.id)
    await Leg.filter(id=leg.id).update(state=LegState.CANCELED)
    doc = shop.world.refund_in_dashboard(leg.charge_id, leg.amount_minor)
    seen = await refund.stripe.refund(doc["id"])
    await observe.refund(leg.id, seen)
    assert await ExceptionItem.filter(kind="refund_appeared", resolved_at=None).count() == 1


async def test_each_cancel_of_an_intent_has_a_key_of_its_own(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """A stored 500 must not keep an intent open for a day."""
    sold = await shops.sale(shop, (VISA, 80_000))
    case = (await shops.approved(shop, sold, sam, dana, new_card=shops.DECLINES)).case
    shop.world.faults.add("POST /v1/payment_intents/*/cancel", FaultKind.ERROR_500_BEFORE)
    await shops.work(case)
    assert (await shops.work_on(shop, case, minutes=2)).status is Status.NEEDS_NEW_CARD


def test_every_row_of_the_published_table_has_its_test() -> None:
    """The names of TRUST.md section 4.3 that are about money or plans."""
    names = """test_webhook_inside_create_call test_50_parallel_refunds_one_charge
        test_key_is_function_of_line_uuid_only test_each_call_fresh_options
        test_resend_after_25h_looks_up_first test_timeout_is_unknown test_janitor
        test_adopt_refund_by_metadata test_terminal_is_terminal_except_late_fail
        test_two_partials_same_charge test_one_proof_per_outcome test_plan_hash"""
    known = [*globals(), *vars(TestPlanHash)]
    for name in names.split():
        assert any(each.startswith(name) for each in known), name
    assert len([each for each in known if re.match("test_janitor_", each)]) == 5


async def test_a_worker_that_dies_after_its_intent_leaves_no_case_without_a_next_look(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """Another one saw nothing under way, then nothing to send, and had no time to name (20814)."""
    case = await one_refund(shop, sam, dana)
    await advance.advance(case.id)
    load = execution.load

    async def while_another_begins(found: Case) -> execution.Execution:
        run = await load(found)
        leg, digest = run.refunds[0], run.plan.digest
        if leg.state is LegState.PLANNED:
            sent = refund.params(run, leg)
            await attempts.begin(
                found, leg, attempts.Step.REFUND, sent, digest, attempts.Moment.now()
            )
        return await load(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "load", while_another_begins)
        await advance.advance(case.id)
    assert (await Case.get(id=case.id)).next_check_at is not None
    assert (await rest(shop, case)).status is Status.RESOLVED
