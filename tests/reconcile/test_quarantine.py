"""A worker whose database is older than Stripe sends nothing until it was reconciled."""

import asyncio
import contextvars
import json
from pathlib import Path

import pytest
from tortoise import connections
from tortoise.transactions import in_transaction

from amends import clock, epoch, facts, quarantine, reconcile
from amends.flow import attempts
from amends.flow.attempts import Moment, Step
from amends.models import (
    Account,
    Attempt,
    Case,
    ExceptionItem,
    Leg,
    Session,
    SignInCode,
    WorkerState,
)
from amends.rules.people import Role, Staff
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.reconcile.test_reconcile import the_twin_refunds
from tests.shop import AMEX, VISA, Shop

pytestmark = pytest.mark.req("I34")


async def money(shop: Shop) -> int:
    """How much went back or was charged anew, whatever the direction."""
    return sum(1 for row in shop.world.ledger()) - await shops.Deposit.all().count()


async def test_a_worker_that_knows_all_of_stripe_starts_clear(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    await shops.work((await shops.approved(shop, sold, sam, dana)).case)

    found = await quarantine.check()

    assert found.is_clear and not await ExceptionItem.exists()


async def test_an_answer_that_was_lost_is_no_sign_of_a_restore(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_RESPONSE)
    await shops.work(made.case)

    assert (await quarantine.check()).is_clear


async def a_movement_without_an_attempt(shop: Shop) -> None:
    sold = await shops.sale(shop, (VISA, 70_000))
    leg = "5b0b7a5e-7e0f-4f3c-9a8b-0a3b1c2d3e4f"
    await the_twin_refunds(sold.deposits[0].charge_id, 500, leg=leg)


async def test_a_movement_that_no_attempt_made_means_a_restore(shop: Shop, db: None) -> None:
    await a_movement_without_an_attempt(shop)

    found = await quarantine.check()

    assert found.is_on and "restored from a backup" in found.reason
    item = await ExceptionItem.get(kind="quarantine")
    assert item.detail.startswith("Nothing is sent to Stripe.")


async def test_a_key_that_this_database_never_used_means_a_restore(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """The backup holds the first try of a leg, Stripe the second."""
    sold = await shops.sale(shop, (VISA, 70_000))
    made = await shops.approved(shop, sold, sam, dana, new_card=None, refunds=[500])
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_REQUEST)
    await shops.work(made.case)
    await the_twin_refunds(sold.deposits[0].charge_id, 500, leg=str(made.legs[0].id), attempt="2")

    assert (await quarantine.check()).is_on


async def test_a_charge_that_this_database_never_confirmed_means_a_restore(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    """The backup is from between the making of the intent and its confirmation."""
    sold = await shops.sale(shop, (VISA, 70_000))
    made = await shops.approved(shop, sold, sam, dana)
    await shops.work(made.case)
    leg = await Leg.get(case_id=made.case.id, kind=LegKind.RECHARGE)
    assert leg.state is LegState.SUCCEEDED and (await quarantine.check()).is_clear
    with_confirmation = Attempt.filter(leg_id=leg.id, step=Step.CONFIRM)
    await in_the_backup(f"UPDATE leg SET state = 'sending' WHERE id = '{leg.id}'")
    assert (await quarantine.check()).is_clear, "its confirmation was sent, the answer was lost"
    assert await with_confirmation.count() == 1
    await in_the_backup(f"DELETE FROM attempt WHERE leg_id = '{leg.id}' AND step = 'confirm'")

    found = await quarantine.check()

    assert found.is_on and str(leg.stripe_id) in found.reason
    await reconcile.run()
    assert (await quarantine.check()).is_clear
    assert (await Leg.get(id=leg.id)).state is LegState.SUCCEEDED


async def in_the_backup(statement: str) -> None:
    """What an older database held: no trigger asks how it came to be so."""
    async with in_transaction() as connection:
        await connection.execute_query("SET LOCAL session_replication_role = replica")
        await connection.execute_query(statement)


async def test_in_quarantine_nothing_is_sent_and_the_case_waits(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana)
    await quarantine.enter_by_hand("Moving to another server.", "dana")

    case = await shops.work(made.case)

    assert case.status is Status.REFUNDING
    assert await money(shop) == 0 and not await Attempt.exists()
    assert case.next_check_at is not None and case.next_check_at > clock.now()


async def test_it_holds_back_a_repeated_send_and_a_recharge(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.faults.add("POST /v1/refunds", FaultKind.LOST_REQUEST)
    await shops.work(made.case)
    await quarantine.enter_by_hand("Looking into it.", "dana")
    for _ in range(4):
        await shops.work_on(shop, made.case, minutes=5)
    assert await money(shop) == 0
    await reconcile.run()
    await quarantine.leave("dana")
    await shops.work_on(shop, made.case, minutes=5)
    assert await money(shop) == 2


async def test_leaving_needs_a_reconciliation_that_began_inside(shop: Shop, db: None) -> None:
    await reconcile.run()
    with pytest.raises(facts.Refused, match="no quarantine"):
        await quarantine.leave("dana")
    await quarantine.enter_by_hand("Just to be sure.", "dana")
    with pytest.raises(facts.Refused, match="amends reconcile"):
        await quarantine.leave("dana")
    await reconcile.run()
    assert (await quarantine.standing()).is_on
    await quarantine.leave("dana")
    assert (await quarantine.standing()).is_clear
    item = await ExceptionItem.get(kind="quarantine")
    assert (item.resolved_by, item.resolution) == ("dana", "Ended by dana.")


async def test_after_a_restore_it_ends_by_itself_once_all_is_explained_or_told(
    shop: Shop, db: None
) -> None:
    await a_movement_without_an_attempt(shop)
    await quarantine.check()
    assert await quarantine.watch()

    report = await reconcile.run()

    assert (await quarantine.standing()).is_clear and not await quarantine.watch()
    assert [each.kind for each in report.open] == ["lost_case"]
    item = await ExceptionItem.get(kind="quarantine")
    assert "objects read" in item.resolution
    # What was told is known: the next start is no second restore.
    assert (await quarantine.check()).is_clear


async def test_sessions_and_codes_of_the_backup_are_void(shop: Shop, db: None) -> None:
    now = clock.now()
    await Session.create(
        token_hash="a" * 64, door="portal", email="billing@harborfitness.example",
        auth_time=now, created_at=now, last_seen_at=now, expires_at=now,
    )  # fmt: skip
    await SignInCode.create(
        email="billing@harborfitness.example", code_hash="x", salt="y", browser_hash="z",
        created_at=now, expires_at=now,
    )  # fmt: skip
    before = await next_ref()
    await quarantine.enter("A test restored the database.")
    assert not await Session.filter(ended_at=None).exists()
    assert not await SignInCode.filter(used_at=None).exists()
    assert await next_ref() > before + 1000


async def next_ref() -> int:
    rows = await connections.get("default").execute_query_dict("SELECT nextval('case_ref_seq') n")
    return int(rows[0]["n"])


async def test_stripe_away_at_the_start_holds_sends_back_until_it_was_asked(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    sold = await shops.sale(shop, (AMEX, 120_000))
    made = await shops.approved(shop, sold, sam, dana)
    shop.world.faults.add("GET /v1/refunds", FaultKind.ERROR_500_BEFORE, times=2)
    assert not (await quarantine.check()).is_clear
    with pytest.raises(quarantine.Quarantined):
        await quarantine.must_be_clear()
    assert not await ExceptionItem.exists()
    await quarantine.watch()
    assert not (await quarantine.standing()).is_clear
    await quarantine.watch()
    assert (await quarantine.standing()).is_clear
    await shops.work(made.case)
    assert await money(shop) == 2


# The counter inside and outside of the database


async def the_file(folder: Path) -> Path:
    return next((folder / "worker").glob("epoch-*.json"))


async def test_a_database_older_than_what_this_machine_saw_means_a_restore(
    shop: Shop, db: None, own_folder: Path
) -> None:
    for _ in range(3):
        assert await epoch.gone_back() == ""
    backup = (await WorkerState.get(key="epoch")).value
    for _ in range(5):
        await quarantine.watch()
    await WorkerState.filter(key="epoch").update(value=backup)

    assert await quarantine.watch()

    assert "restored from a backup" in (await quarantine.standing()).reason
    # From here on it is another epoch; the copies of the former are known to be older.
    await reconcile.run()
    assert await epoch.gone_back() == ""
    assert json.loads((await the_file(own_folder)).read_text())["tick"] == 1


async def test_another_machine_with_the_former_epoch_takes_the_new_one(
    shop: Shop, db: None, own_folder: Path
) -> None:
    await epoch.gone_back()
    other_machine = (await the_file(own_folder)).read_text()
    await quarantine.enter("A test.")
    (await the_file(own_folder)).write_text(other_machine)
    assert await epoch.gone_back() == ""


async def test_an_empty_database_where_one_was_seen_means_a_restore(shop: Shop, db: None) -> None:
    await epoch.gone_back()
    await WorkerState.filter(key="epoch").delete()
    assert (await quarantine.check()).is_on


async def test_without_a_place_for_the_copy_stripe_is_still_asked(
    shop: Shop, db: None, own_folder: Path
) -> None:
    (own_folder / "worker").write_text("a file where the folder should be")
    assert (await quarantine.check()).is_clear
    await a_movement_without_an_attempt(shop)
    assert (await quarantine.check()).is_on


async def test_a_server_that_does_not_tell_its_identity_is_known_by_its_address(
    shop: Shop, fresh_db: str, own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epoch, "_WHICH", "SELECT nobody_has_this()")
    assert await epoch.gone_back() == ""
    assert (await the_file(own_folder)).exists()


# Races, on real connections


async def _due(shop: Shop) -> tuple[Case, Leg]:
    sam, dana = await shops.person("Sam", Role.AGENT), await shops.person("Dana", Role.MANAGER)
    made = await shops.approved(shop, await shops.sale(shop, (AMEX, 500)), sam, dana)
    return made.case, made.legs[0]


async def _begin(case: Case, leg: Leg) -> attempts.Decided | None:
    params = {"charge": leg.charge_id, "metadata": {}}
    return await attempts.begin(case, leg, Step.REFUND, params, "d" * 64, Moment.now())


async def test_an_attempt_being_written_makes_the_quarantine_wait(
    shop: Shop, fresh_db: str
) -> None:
    case, leg = await _due(shop)
    await quarantine.check()
    # A task that starts inside would share the transaction's connection.
    outside = contextvars.copy_context()
    async with in_transaction():
        await quarantine.must_be_clear()
        entering = asyncio.create_task(_elsewhere("A test."), context=outside)
        await asyncio.sleep(0.2)
        assert not entering.done()
        await Account.filter(id=case.account_id).update(contact_name="Priya")
    await entering
    with pytest.raises(quarantine.Quarantined):
        await _begin(case, leg)
    assert not await Attempt.exists()


async def _elsewhere(reason: str) -> None:
    await quarantine.enter_by_hand(reason, "dana")


async def test_fifty_attempts_beside_an_entry_are_before_it_or_not_at_all(
    shop: Shop, fresh_db: str
) -> None:
    case, leg = await _due(shop)
    await quarantine.check()

    async def one() -> bool:
        try:
            return await _begin(case, leg) is not None
        except quarantine.Quarantined:
            return False

    entering = asyncio.create_task(_elsewhere("A test."))
    begun = await asyncio.gather(*(one() for _ in range(50)))
    await entering
    assert sum(begun) <= 1 and await Attempt.all().count() == sum(begun)
    if sum(begun):
        attempt = await Attempt.all().first()
        since = (await quarantine.standing()).since
        assert attempt is not None and since is not None and attempt.created_at <= since


async def test_two_workers_starting_at_once_enter_once(shop: Shop, fresh_db: str) -> None:
    await a_movement_without_an_attempt(shop)
    found = await asyncio.gather(*(quarantine.check() for _ in range(5)))
    assert len({each.id for each in found}) == 1
    assert await ExceptionItem.filter(kind="quarantine").count() == 1


async def test_the_check_costs_one_statement_a_send(
    shop: Shop, sam: Staff, dana: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    await quarantine.check()
    asked: list[str] = []
    connection = connections.get("default")
    execute = type(connection).execute_query_dict

    async def counted(self: object, query: str, values: list[object] | None = None) -> object:
        asked.append(query)
        return await execute(self, query, values)  # type: ignore[arg-type]

    monkeypatch.setattr(type(connection), "execute_query_dict", counted)
    sold = await shops.sale(shop, (AMEX, 500))
    await shops.work((await shops.approved(shop, sold, sam, dana, new_card=None)).case)
    held = [query for query in asked if "FOR SHARE" in query]
    assert len(held) == await Attempt.all().count() == 1
