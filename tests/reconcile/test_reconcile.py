"""Everything at Stripe is compared with our rows to the cent; differences are told until gone."""

import uuid
from typing import Any

import pytest

from amends import clock, reconcile
from amends.flow import desk_exceptions
from amends.models import Case, ExceptionItem, LedgerEntry, Leg
from amends.reconcile.report import Subject
from amends.rules.people import Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.shop import AMEX, FAILS, MASTERCARD, PENDING, VISA, Sale, Shop

pytestmark = pytest.mark.req("I10", "I21")


async def open_kinds() -> dict[str, int]:
    found: dict[str, int] = {}
    for item in await ExceptionItem.filter(resolved_at=None):
        found[item.kind] = found.get(item.kind, 0) + 1
    return found


async def resolved(shop: Shop, sam: Staff, dana: Staff) -> tuple[Sale, Case]:
    """A re-bill of two deposits, carried out to the end."""
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    assert case.status is Status.RESOLVED
    shop.pass_(minutes=1)
    return sold, case


@pytest.mark.req("T36")
async def test_it_finds_nothing_where_all_is_well(shop: Shop, sam: Staff, dana: Staff) -> None:
    await resolved(shop, sam, dana)

    report = await reconcile.run()

    assert report.agrees and not report.found and not report.repaired
    assert (report.counts[Subject.REFUNDS].ours, report.counts[Subject.REFUNDS].matched) == (2, 2)
    assert (report.counts[Subject.INTENTS].ours, report.counts[Subject.INTENTS].matched) == (1, 1)
    assert report.counts[Subject.TRANSACTIONS].matched == 3
    sums = report.sums["usd"]
    assert (sums.refunded_at_stripe, sums.refunded_in_ledger) == (200_000, 200_000)
    assert (sums.charged_at_stripe, sums.charged_in_ledger) == (200_000, 200_000)
    assert sums.balance_moved == 0 and sums.fees == 5_830
    assert await open_kinds() == {}


async def test_it_may_run_any_number_of_times(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold, _ = await resolved(shop, sam, dana)
    other = await shops.sale(shop, (VISA, 70_000))
    shop.world.refund_in_dashboard(other.deposits[0].charge_id, 500)
    entries = await LedgerEntry.all().count()

    first, second = await reconcile.run(), await reconcile.run()

    assert (first.counts, first.sums, first.open) == (second.counts, second.sums, second.open)
    assert await LedgerEntry.all().count() == entries
    assert await ExceptionItem.all().count() == 1
    assert sold.deposits


async def test_a_refund_made_in_the_dashboard_is_told_once_with_its_age(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold, _ = await resolved(shop, sam, dana)
    other = await shops.sale(shop, (VISA, 70_000), account=sold.account)
    shop.world.refund_in_dashboard(other.deposits[0].charge_id, 500)
    told_at = clock.now()
    await reconcile.run()
    shop.pass_(days=3)

    report = await reconcile.run()

    assert [(each.kind, each.number) for each in report.open] == [("foreign_refund", 1)]
    assert report.open[0].oldest == told_at
    assert report.sums["usd"].agree


async def test_a_refund_of_a_customers_other_charge_is_told_too(shop: Shop, db: None) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    card = shop.world.add_card(sold.customer_id, VISA)
    charge = shop.world.add_charge(sold.customer_id, card["id"], 9_900, "usd")
    stranger = shop.world.add_customer("someone@else.example", "Someone Else")
    elsewhere = shop.world.add_card(stranger["id"], VISA)
    unknown = shop.world.add_charge(stranger["id"], elsewhere["id"], 9_900, "usd")
    shop.world.refund_in_dashboard(charge["id"])
    shop.world.refund_in_dashboard(unknown["id"])

    await reconcile.run()

    item = await ExceptionItem.get(kind="foreign_refund")
    assert charge["id"] in item.detail


async def test_what_a_person_explained_is_known_and_not_told_again(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    refund = shop.world.refund_in_dashboard(sold.deposits[0].charge_id, 500)
    await reconcile.run()
    item = await ExceptionItem.get(kind="foreign_refund")
    await desk_exceptions.looked(item.id, sam, "Finance corrected a rounding, agreed by mail.")

    report = await reconcile.run()
    assert (report.differences, report.explained) == (0, 1)

    shop.world.fail_refund(refund["id"])
    report = await reconcile.run()
    assert (report.differences, report.explained) == (0, 0)


async def test_a_difference_that_vanished_is_settled(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    refund = shop.world.refund_in_dashboard(sold.deposits[0].charge_id, 500)
    await reconcile.run()
    shop.pass_(days=1)
    shop.world.fail_refund(refund["id"])

    report = await reconcile.run()

    assert report.agrees and report.settled == 1
    assert (await ExceptionItem.get(kind="foreign_refund")).resolved_by == "the reconciliation"


async def test_a_leg_that_lags_behind_is_brought_up_to_date(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (PENDING, 80_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana, new_card=None)).case)
    leg = await Leg.get(case_id=case.id)
    shop.world.settle_refund(str(leg.stripe_id))

    report = await reconcile.run()

    assert report.agrees and report.repaired == 1
    assert (await Leg.get(id=leg.id)).state is LegState.SUCCEEDED
    assert (await shops.work(case)).status is Status.RESOLVED


async def test_a_refund_that_failed_late_without_any_event_reopens_the_case(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (FAILS, 80_000))
    case = await shops.work((await shops.approved(shop, sold, sam, dana)).case)
    shop.pass_(days=4)

    report = await reconcile.run()

    assert report.agrees and report.repaired == 1
    assert (await Case.get(id=case.id)).status is Status.REFUND_FAILED_LATE


async def test_a_lost_answer_is_found_before_anybody_looks(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 80_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_RESPONSE)
    case = await shops.work(made.case)
    report = await reconcile.run()
    assert report.agrees and report.repaired == 1
    assert (await shops.work(case)).status is Status.RESOLVED
    assert await open_kinds() == {}


async def tamper(table: str, row_id: object, changes: str) -> None:
    """Past every guard, as only a fault or an attacker would."""
    from tortoise import connections

    connection = connections.get("default")
    await connection.execute_query("SET LOCAL session_replication_role = replica")
    await connection.execute_query(f"UPDATE {table} SET {changes} WHERE id = $1", [row_id])
    await connection.execute_query("SET LOCAL session_replication_role = origin")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ("state = 'failed', failed_at = now()", "leg_differs"),
        ("amount_minor = 119999", "refund_differs"),
        ("stripe_id = 're_nobody'", "missing_at_stripe"),
    ],
)
async def test_it_finds_a_leg_that_is_not_what_stripe_shows(
    shop: Shop, sam: Staff, dana: Staff, changes: str, kind: str
) -> None:
    _, case = await resolved(shop, sam, dana)
    leg = await Leg.get(case_id=case.id, position=1)
    await tamper("leg", leg.id, changes)

    report = await reconcile.run()

    assert kind in {each.kind for each in report.open}
    assert await ExceptionItem.filter(kind=kind, case_id=case.id).exists()


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ("state = 'failed', failed_at = now()", {"leg_differs", "ledger_differs"}),
        ("amount_minor = 1", {"recharge_differs", "ledger_differs", "balance_differs"}),
        (
            "stripe_id = 'pi_x', payment_intent_id = 'pi_x'",
            {"missing_at_stripe", "recharge_differs"},
        ),
    ],
)
async def test_it_finds_a_recharge_that_is_not_what_stripe_shows(
    shop: Shop, sam: Staff, dana: Staff, changes: str, kinds: set[str]
) -> None:
    _, case = await resolved(shop, sam, dana)
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    await tamper("leg", leg.id, changes)

    report = await reconcile.run()

    assert {each.kind for each in report.open} == kinds


async def test_it_finds_one_cent_too_many_in_the_ledger(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold, case = await resolved(shop, sam, dana)
    entry = await LedgerEntry.filter(case_id=case.id, book="stripe:balance").first()
    assert entry is not None
    await tamper("ledger", entry.id, "amount_minor = amount_minor + 1")

    report = await reconcile.run()

    keys = {each.key for each in report.found}
    assert f"case:{case.ref}" in keys and len(keys) == 2
    assert not report.sums["usd"].agree
    assert sold.order


async def test_money_of_ours_without_a_leg_is_a_lost_case(shop: Shop, db: None) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    await the_twin_refunds(sold.deposits[0].charge_id, 500, leg=str(uuid.uuid4()))

    report = await reconcile.run()

    assert [each.kind for each in report.open] == ["lost_case"]


async def the_twin_refunds(charge_id: str, amount: int, **metadata: str) -> None:
    from amends.gateways import stripe_money

    data = {"case": "RB-1", "digest": "d" * 64, "attempt": "1", **metadata}
    await stripe_money.create_refund(
        {"charge": charge_id, "amount": amount, "metadata": data}, str(uuid.uuid4())
    )


async def test_a_second_refund_for_one_leg_is_found(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=None, refunds=[30_000])
    await shops.work(made.case)
    await the_twin_refunds(sold.deposits[0].charge_id, 30_000, leg=str(made.legs[0].id))

    report = await reconcile.run()

    assert [each.kind for each in report.open] == ["refund_differs"]


async def test_a_charge_by_hand_during_a_rebill_is_found_an_invoice_is_not(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    await shops.approved(shop, sold, sam, dana)
    card = shop.world.add_card(sold.customer_id, MASTERCARD)
    shop.pass_(minutes=1)
    invoiced = shop.world.add_charge(sold.customer_id, card["id"], 4_900, "usd")
    shop.world.add_invoice(sold.customer_id, [("Plan", 4_900)], paid_by=invoiced["id"])
    assert (await reconcile.run()).agrees
    shop.world.add_charge(sold.customer_id, card["id"], 70_000, "usd")

    report = await reconcile.run()

    assert [each.kind for each in report.open] == ["foreign_charge"]


async def test_a_dispute_that_no_event_told_locks_the_case(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.open_dispute(sold.deposits[0].charge_id)

    report = await reconcile.run()

    assert (await Case.get(id=made.case.id)).status is Status.LOCKED_CHARGEBACK
    assert report.agrees and report.repaired == 1
    assert report.sums["usd"].disputed == -70_000


async def test_a_refund_that_waits_for_our_balance_is_told_after_a_day(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    shop.world.set_available_balance("usd", 0)
    sold = await shops.sale(shop, (VISA, 70_000))
    await shops.work((await shops.approved(shop, sold, sam, dana, new_card=None)).case)
    assert (await reconcile.run()).agrees
    shop.pass_(hours=25)

    report = await reconcile.run()

    assert "refund_waits_for_balance" in {each.kind for each in report.open}
    shop.world.set_available_balance("usd", 1_000_000)
    assert "refund_waits_for_balance" not in {each.kind for each in (await reconcile.run()).open}


async def test_a_case_that_stands_still_is_told(shop: Shop, sam: Staff, dana: Staff) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    made = await shops.approved(shop, sold, sam, dana)
    await Case.filter(id=made.case.id).update(next_check_at=None)

    report = await reconcile.run()

    assert [(each.kind, each.key) for each in report.found] == [
        ("stuck_case", f"case:{made.case.ref}")
    ]


async def test_a_leg_of_a_newer_version_is_left_alone(shop: Shop, sam: Staff, dana: Staff) -> None:
    _, case = await resolved(shop, sam, dana)
    leg = await Leg.get(case_id=case.id, position=1)
    await tamper("leg", leg.id, "kind = 'teleport'")

    report = await reconcile.run()

    assert report.counts[Subject.REFUNDS].matched == 1
    assert await ExceptionItem.filter(kind="newer_version", case_id=case.id).exists()
    assert set(await open_kinds()) == {"newer_version"}
    await tamper("leg", leg.id, "kind = 'refund'")
    shop.pass_(minutes=1)
    await reconcile.run()
    assert await open_kinds() == {}


@pytest.mark.parametrize("seed", range(3))
async def test_it_finds_every_planted_difference_and_no_other(
    shop: Shop, sam: Staff, dana: Staff, seed: int
) -> None:
    """Random edits past Amends, at Stripe and in the rows; each must be found, nothing else."""
    from random import Random

    random = Random(seed)
    cases = [await resolved(shop, sam, dana) for _ in range(4)]
    assert (await reconcile.run()).agrees
    planted: set[str] = set()
    for sold, case in random.sample(cases, 3):
        planted |= await plant(shop, random, sold, case)

    report = await reconcile.run()

    assert {each.key for each in report.found} == planted
    item_keys = await ExceptionItem.filter(resolved_at=None).values_list("key", flat=True)
    assert set(item_keys) == planted


async def plant(shop: Shop, random: Any, sold: Sale, case: Case) -> set[str]:
    leg = await Leg.get(case_id=case.id, position=random.choice((1, 2)))
    other = await shops.sale(shop, (VISA, 50_000), account=sold.account)
    match random.choice(("dashboard", "lost", "leg", "ledger")):
        case "dashboard":
            charge = other.deposits[0].charge_id
            return {shop.world.refund_in_dashboard(charge, random.randrange(1, 900))["id"]}
        case "lost":
            await the_twin_refunds(other.deposits[0].charge_id, 100, leg=str(uuid.uuid4()))
            return {next(iter(shop.world.store.table("refund").order[-1:]))[2]}
        case "leg":
            await tamper("leg", leg.id, "state = 'failed'")
            return {str(leg.stripe_id), f"charge:{leg.charge_id}", f"case:{case.ref}"}
        case _:
            entry = await LedgerEntry.get(stripe_id=leg.stripe_id, book="stripe:balance")
            await tamper("ledger", entry.id, "amount_minor = amount_minor - 1")
            return {str(leg.stripe_id), f"case:{case.ref}"}
