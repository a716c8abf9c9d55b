"""The database's own guards: every expected constraint, index and trigger, and that they bite."""

import importlib
import re

import asyncpg
import pytest
from tortoise import connections
from tortoise.exceptions import BaseORMException
from tortoise.transactions import in_transaction

from amends import clock, timeline
from amends.models import Approval, Case, LedgerEntry, Leg, Plan, TimelineEntry
from amends.rules.people import Role
from tests import shop as shops
from tests.shop import VISA, Shop

GUARDS = importlib.import_module("amends.migrations.0002_guards")
SECOND = importlib.import_module("amends.migrations.0004_second_approval")
SPEED = importlib.import_module("amends.migrations.0005_speed")
WRITTEN = (GUARDS.CHECKS, GUARDS.UNIQUE, GUARDS.INDEXES, GUARDS.TRIGGERS)
AFTER = (SECOND.CHECKS, SECOND.UNIQUE, SECOND.INDEXES, SECOND.TRIGGERS, SPEED.INDEXES)
SOURCE = "\n".join(sql for part in (*WRITTEN, *AFTER) for sql in part)


async def names(sql: str) -> set[str]:
    rows = await connections.get("default").execute_query_dict(sql)
    return {row["name"] for row in rows}


async def test_every_guard_of_the_migration_is_in_the_database(db: None) -> None:
    checks = set(re.findall(r"ADD CONSTRAINT (\w+)", SOURCE))
    indexes = set(re.findall(r"CREATE (?:UNIQUE )?INDEX (\w+)", SOURCE))
    triggers = set(re.findall(r"CREATE (?:CONSTRAINT )?TRIGGER (\w+) ", SOURCE))
    assert len(checks) >= 17
    assert len(indexes) >= 34
    assert checks <= await names("SELECT conname AS name FROM pg_constraint")
    indexes -= set(re.findall(r"DROP INDEX (\w+)", "\n".join(SPEED.REPLACED)))
    assert indexes <= await names("SELECT indexname AS name FROM pg_indexes")
    assert triggers <= await names("SELECT tgname AS name FROM pg_trigger")


async def test_no_foreign_key_deletes_rows(db: None) -> None:
    cascading = await names(
        "SELECT conname AS name FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'c' "
        "AND conrelid::regclass::text NOT LIKE 'procrastinate%'"
    )
    assert cascading == set()


@pytest.fixture
async def made(db: None) -> shops.Approved:
    shop = Shop()
    shop.take()
    sam = await shops.person("Sam Ito", Role.AGENT)
    dana = await shops.person("Dana Cole", Role.MANAGER)
    approved = await shops.approved(shop, await shops.sale(shop, (VISA, 80_000)), sam, dana)
    clock.use()
    return approved


async def refused(sql: str, *values: object) -> None:
    """The statement is refused by the database; the test's transaction survives."""
    with pytest.raises((BaseORMException, asyncpg.PostgresError)):
        async with in_transaction():
            await connections.get("default").execute_query(sql, list(values))


@pytest.mark.req("T35", "V16.4.2")
async def test_history_cannot_be_changed(made: shops.Approved) -> None:
    for table in ("timeline", "approval"):
        await refused(f"UPDATE {table} SET reason = 'nicer'")
        await refused(f"DELETE FROM {table}")
        await refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.req("T63")
async def test_words_may_be_erased_with_their_salt_and_the_chain_holds(
    made: shops.Approved,
) -> None:
    await TimelineEntry.filter(case_id=made.case.id, seq=1).update(
        salt=None, reason="", data={}, actor_name=""
    )
    row = await TimelineEntry.get(case_id=made.case.id, seq=1)
    assert row.hash == timeline.chain_hash(row)


@pytest.mark.req("T28")
async def test_a_plan_and_its_legs_cannot_be_changed(made: shops.Approved) -> None:
    await refused("UPDATE plan SET canonical = '{}' WHERE id = $1", made.plan.id)
    await refused("UPDATE leg SET amount_minor = 1 WHERE plan_id = $1", made.plan.id)
    await refused("UPDATE leg SET charge_id = 'ch_x' WHERE plan_id = $1", made.plan.id)
    await refused("DELETE FROM leg WHERE plan_id = $1", made.plan.id)


@pytest.mark.req("T25", "I7")
async def test_nobody_approves_their_own_plan(made: shops.Approved) -> None:
    await Plan.filter(id=made.plan.id).update(voided_at=clock.now())
    again = await Plan.create(
        case_id=made.case.id, version=9, digest="d", canonical="{}", policy_version=1,
        outcome="refund", prepared_by_id=made.plan.prepared_by_id, created_at=clock.now(),
    )  # fmt: skip
    with pytest.raises(BaseORMException):
        async with in_transaction():
            await Approval.create(
                plan_id=again.id, case_id=made.case.id, decision="approved", digest="d",
                approver_id=again.prepared_by_id, role="manager", at=clock.now(),
            )  # fmt: skip


@pytest.mark.req("I11")
async def test_a_plan_is_approved_once(made: shops.Approved) -> None:
    first = await Approval.get(plan_id=made.plan.id)
    with pytest.raises(BaseORMException):
        async with in_transaction():
            await Approval.create(
                plan_id=made.plan.id, case_id=made.case.id, decision="approved",
                digest=made.plan.digest, approver_id=first.approver_id, role="manager",
                at=clock.now(),
            )  # fmt: skip


async def test_a_ledger_entry_sums_to_zero(fresh_db: str) -> None:
    import uuid

    with pytest.raises((BaseORMException, asyncpg.PostgresError)):
        async with in_transaction():
            await LedgerEntry.create(
                entry_id=uuid.uuid4(), book="stripe:balance", amount_minor=5, currency="usd",
                effect="refund", stripe_id="re_1", at=clock.now(),
            )  # fmt: skip


async def test_a_confirmed_leg_only_fails_late(made: shops.Approved) -> None:
    leg = await Leg.get(plan_id=made.plan.id, position=1)
    now = clock.now()
    await Leg.filter(id=leg.id).update(state="succeeded", stripe_id="re_1", confirmed_at=now)
    await refused("UPDATE leg SET state = 'planned' WHERE id = $1", leg.id)
    await refused("UPDATE leg SET stripe_id = 're_2' WHERE id = $1", leg.id)
    await Leg.filter(id=leg.id).update(state="failed")
    await refused("UPDATE leg SET state = 'succeeded' WHERE id = $1", leg.id)


@pytest.mark.req("T22")
async def test_a_card_that_was_not_recognised_is_never_rebilled(made: shops.Approved) -> None:
    await Case.filter(id=made.case.id).update(reason="not_recognised")
    leg = await Leg.get(plan_id=made.plan.id, kind="recharge")
    await refused(
        "INSERT INTO leg (id, plan_id, case_id, position, kind, state, amount_minor, currency) "
        "SELECT gen_random_uuid(), plan_id, case_id, 9, 'recharge', 'planned', 1, 'usd' "
        "FROM leg WHERE id = $1", leg.id,
    )  # fmt: skip
