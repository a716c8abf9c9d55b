"""Twelve ways to break the engine that somebody published: each must be caught."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from tortoise import connections

from amends import clock, ledger
from amends.flow import (
    advance,
    attempts,
    execution,
    observe,
    preflight,
    recharge,
    refund,
    stripe_events,
)
from amends.gateways import stripe, stripe_money
from amends.models import Attempt, Case, LedgerEntry, Leg
from amends.rules import sending
from amends.rules.people import Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.sending import Next
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind, Silence
from tests import shop as shops
from tests.shop import AMEX, FAILS, PENDING, VISA, Shop
from tests.simulate import invariants

Patch = pytest.MonkeyPatch
Directed = Callable[[Shop, Staff, Staff], Awaitable[Case]]


async def _rest(shop: Shop, case: Case) -> Case:
    for seconds in (70, 70, 400, 400, 400, 4_000, 4_000, 90_000, 90_000, 90_000):
        case = await shops.work_on(shop, case, seconds=seconds)
        _check(shop)
    return case


def _check(shop: Shop) -> None:
    books = invariants.Books(shop.world)
    invariants.at_every_step(books)


def _when_charged(shop: Shop) -> None:
    """I4, at the very moment of each new charge."""
    handle, seen = shop.world.handle, set[str]()

    async def checked(call: Any) -> Any:
        answer = await handle(call)
        books = invariants.Books(shop.world)
        for intent in books.intents():
            if intent["status"] == "succeeded" and intent["id"] not in seen:
                seen.add(str(intent["id"]))
                invariants.when_charged(books, intent)
        return answer

    shop.world.handle = checked  # type: ignore[method-assign]


async def _part(shop: Shop, sam: Staff, dana: Staff, **how: Any) -> Case:
    sold = await shops.sale(shop, (VISA, 120_000))
    how = {"new_card": None, "refunds": [40_000]} | how
    return (await shops.approved(shop, sold, sam, dana, **how)).case


# The scenarios: each ends well with the engine as it is.


async def usual(shop: Shop, sam: Staff, dana: Staff) -> Case:
    _when_charged(shop)
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    return await shops.work((await shops.approved(shop, sold, sam, dana)).case)


async def pending(shop: Shop, sam: Staff, dana: Staff) -> Case:
    _when_charged(shop)
    sold = await shops.sale(shop, (AMEX, 120_000), (PENDING, 80_000))
    return await shops.work((await shops.approved(shop, sold, sam, dana)).case)


async def slow_call(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """The request arrives two minutes after its sender gave up, after the first look-up."""
    case = await _part(shop, sam, dana)
    handle, late = shop.world.handle, list[Any]()

    async def losing_the_first(call: Any) -> Any:
        if (call.method, call.path) == ("POST", "/v1/refunds") and not late:
            late.append(call)
            raise refund_lost
        return await handle(call)

    refund_lost = Silence()
    shop.world.handle = losing_the_first  # type: ignore[method-assign]
    case = await shops.work(case)
    case = await shops.work_on(shop, case, seconds=62)
    await handle(late[0])
    return case


async def lost_answer(shop: Shop, sam: Staff, dana: Staff) -> Case:
    case = await _part(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_RESPONSE)
    return await shops.work(case)


async def stored_500_late(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """A 500 that hides a refund."""
    case = await _part(shop, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.ERROR_500_AFTER)
    return await shops.work(case)


async def late_failure(shop: Shop, sam: Staff, dana: Staff) -> Case:
    sold = await shops.sale(shop, (FAILS, 120_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    return await shops.work_on(shop, case, days=4)


async def events_too(shop: Shop, sam: Staff, dana: Staff) -> Case:
    shop.world.add_endpoint("http://portal.test/stripe/webhook", shops.SECRET)
    case = await usual(shop, sam, dana)
    await shops.deliver_and_look(shop)
    return case


async def edited(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """The leg says more than what was approved."""
    case = await _part(shop, sam, dana)
    await _without_trigger("leg", f"UPDATE leg SET amount_minor = 50000 WHERE case_id = {case.id}")
    return await shops.work(case)


async def _without_trigger(table: str, statement: str) -> None:
    await connections.get("default").execute_script(
        f"ALTER TABLE {table} DISABLE TRIGGER USER; {statement}; "
        f"ALTER TABLE {table} ENABLE TRIGGER USER;"
    )


async def paused(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """A worker decides, stands still for 30 hours, and sends; another one did it meanwhile."""
    case = await _part(shop, sam, dana)
    begin, slept = attempts.begin, list[str]()

    async def begin_and_sleep(*args: Any) -> Any:
        decided = await begin(*args)
        attempts.begin = begin
        slept.append(decided.attempt.idempotency_key)
        shop.pass_(minutes=2)
        await shops.work(case)
        shop.pass_(hours=30)
        return decided

    attempts.begin = begin_and_sleep
    try:
        await advance.advance(case.id)
    finally:
        attempts.begin = begin
    assert slept, "nothing was decided in this look"
    return await Case.get(id=case.id)


async def disputed(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """An early fraud warning: Stripe itself would still refund."""
    case = await _part(shop, sam, dana)
    shop.world.warn_fraud((await Leg.get(case_id=case.id)).charge_id)
    case = await shops.work(case)
    invariants.require(not invariants.Books(shop.world).refunds(), "I14", "refunded all the same")
    return case


async def failed_before_the_charge(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """The refund fails after it was confirmed, before the new card is charged; no event tells."""
    _when_charged(shop)
    case = await _part(shop, sam, dana, new_card=shops.MASTERCARD)
    for _ in range(30):
        await advance.advance(case.id)
        leg = await Leg.get(case_id=case.id, kind=LegKind.REFUND)
        if leg.state is LegState.SUCCEEDED:
            shop.world.fail_refund(str(leg.stripe_id))
            break
    return await shops.work(await Case.get(id=case.id))


async def refused_late(shop: Shop, sam: Staff, dana: Staff) -> Case:
    """The second send is refused while the first is still on the wire, and arrives."""
    case = await _part(shop, sam, dana)
    send, calls = stripe_money.create_refund, list[tuple[Any, str]]()

    async def lost_then_refused(params: Any, key: str) -> Any:
        calls.append((params, key))
        if len(calls) == 1:
            raise stripe.Unknown("no answer")
        raise stripe.Refused("account_closed", "Not now.")

    stripe_money.create_refund = lost_then_refused
    try:
        case = await shops.work(case)
        case = await shops.work_on(shop, case, seconds=70)
    finally:
        stripe_money.create_refund = send
    await send(*calls[0])
    return case


SCENARIOS: tuple[Directed, ...] = (
    usual, pending, slow_call, lost_answer, stored_500_late, late_failure, events_too, edited,
    paused, disputed, failed_before_the_charge, refused_late,
)  # fmt: skip


async def _caught(scenario: Directed, shop: Shop, sam: Staff, dana: Staff) -> str:
    """What the proofs say of the scenario; empty when all is well."""
    shop.take()
    try:
        case = await scenario(shop, sam, dana)
        case = await _rest(shop, case)
        await _judge(shop, case)
    except Exception as error:  # noqa: BLE001 - a broken engine may fail in any way
        return f"{type(error).__name__}: {error}"[:200]
    return ""


async def _judge(shop: Shop, case: Case) -> None:
    if case.status in (Status.TRIAGE, Status.REFUNDING):
        # A plan that is not the approved one stops where it is, and nothing has moved.
        assert not [row for row in shop.world.ledger() if row.kind == "refund"]
        return
    await invariants.at_the_end(invariants.Books(shop.world), case)
    for leg in await Leg.filter(case_id=case.id):
        # Each effect of a leg stands in the books once.
        entries = await LedgerEntry.filter(leg_id=leg.id).values_list("effect", "book")
        assert len(entries) == len(set(entries)), "booked twice"
    if case.status is Status.LOCKED_FRAUD:
        assert not [row for row in shop.world.ledger() if row.kind == "refund"]


# The mutants. Each patches the real code.


def random_key(patch: Patch) -> None:
    send = stripe_money.create_refund
    patch.setattr(
        stripe_money, "create_refund", lambda params, key: send(params, str(uuid.uuid4()))
    )


def recharge_on_pending(patch: Patch) -> None:
    settled = observe.settle_refunds

    async def settle(case: Case) -> None:
        legs = await Leg.filter(case_id=case.id, kind=LegKind.REFUND)
        if all(leg.state in (LegState.PENDING, LegState.SUCCEEDED) for leg in legs):
            await observe._all_confirmed(case, legs)
        else:
            await settled(case)

    async def anything(run: execution.Execution) -> list[Leg]:
        return []

    async def no_gate(run: execution.Execution) -> None:
        return

    patch.setattr(observe, "settle_refunds", settle)
    patch.setattr(execution, "confirmed_refunds_under", anything)
    patch.setattr(recharge, "_gate", no_gate)


def timeout_is_failed(patch: Patch) -> None:
    async def gone(attempt: Attempt, error: Exception) -> Any:
        await attempts.close_absent(attempt)
        return clock.now()

    patch.setattr(attempts, "unknown", gone)
    patch.setattr(preflight, "mine", lambda leg, seen: False)


def no_watch(patch: Patch) -> None:
    async def never(case: Case) -> None:
        return

    patch.setattr(advance, "_watch", never)


def event_books_its_own_row(patch: Patch) -> None:
    write = stripe_events._write_refund

    async def book_too(seen: Any) -> str:
        outcome = await write(seen)
        leg = await Leg.get(stripe_id=seen.id)
        await ledger.book(leg, ledger.refund(leg, f"{seen.id}:event"), clock.now())
        return outcome

    patch.setattr(stripe_events, "_write_refund", book_too)


def approval_not_bound(patch: Patch) -> None:
    patch.setattr(execution, "_check_digest", lambda *_: None)


def no_deadline(patch: Patch) -> None:
    patch.setattr(attempts.Decided, "in_time", lambda self: True)


def new_key_while_in_flight(patch: Patch) -> None:
    patch.setattr(sending, "after_absence", lambda sent, now: Next.NEW_KEY)


def no_preflight(patch: Patch) -> None:
    async def clear(charge_id: str) -> preflight.Finding:
        return preflight.Clear()

    patch.setattr(preflight, "claims_on", clear)


def confirm_without_gate(patch: Patch) -> None:
    async def no_gate(run: execution.Execution) -> None:
        return

    patch.setattr(recharge, "_gate", no_gate)


def refusal_believed(patch: Patch) -> None:
    async def believe(leg: Leg, attempt: Attempt, error: stripe.Refused) -> Any:
        await refund._fail(leg, attempt, error.code, error.message)
        return clock.now()

    patch.setattr(refund, "_refused", believe)


def ledger_without_unique(patch: Patch) -> None:
    """Booking at each look, as without ON CONFLICT: the row is new each time."""
    book, count = ledger.book, iter(range(1_000_000))

    async def again(leg: Leg, booking: ledger.Booking, at: Any) -> None:
        await book(leg, replace(booking, stripe_id=f"{booking.stripe_id}#{next(count)}"), at)

    look = observe.refund

    async def booking_too(leg_id: object, seen: Any) -> None:
        await look(leg_id, seen)
        leg = await Leg.get(id=leg_id)
        if leg.stripe_id:
            await again(leg, ledger.refund(leg, seen.id), clock.now())

    patch.setattr(observe, "refund", booking_too)


MUTANTS: tuple[Callable[[Patch], None], ...] = (
    random_key, recharge_on_pending, timeout_is_failed, no_watch, event_books_its_own_row,
    approval_not_bound, no_deadline, new_key_while_in_flight, no_preflight, confirm_without_gate,
    refusal_believed, ledger_without_unique,
)  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_engine_passes_each_scenario(
    shop: Shop, sam: Staff, dana: Staff, scenario: Directed
) -> None:
    assert await _caught(scenario, shop, sam, dana) == ""


@pytest.mark.req("T28")
@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
async def test_each_mutant_is_caught(
    sam: Staff, dana: Staff, mutant: Callable[[Patch], None]
) -> None:
    found = {}
    for number, scenario in enumerate(SCENARIOS, 2):
        with pytest.MonkeyPatch.context() as patch:
            mutant(patch)
            found[scenario.__name__] = await _caught(scenario, Shop(seed=number), sam, dana)
    caught = {name: text for name, text in found.items() if text}
    assert caught, f"{mutant.__name__} survived every scenario"
    print(f"{mutant.__name__}: {caught}")


def test_there_are_twelve() -> None:
    assert len(MUTANTS) == 12
