"""The database lets a plan, an approval and a call lose a person, and nothing of the money."""

import json

import asyncpg
import pytest
from tortoise import connections
from tortoise.exceptions import BaseORMException
from tortoise.transactions import in_transaction

from amends.models import Attempt, Plan
from amends.rules.people import Staff
from tests import shop as shops
from tests.shop import VISA, Shop

pytestmark = pytest.mark.req("T28", "T63", "V16.4.2")


@pytest.fixture
async def made(shop: Shop, sam: Staff, dana: Staff) -> shops.Approved:
    approved = await shops.approved(shop, await shops.sale(shop, (VISA, 80_000)), sam, dana)
    await shops.work(approved.case)
    return approved


async def refused(sql: str, *values: object) -> None:
    with pytest.raises((BaseORMException, asyncpg.PostgresError)):
        async with in_transaction():
            await connections.get("default").execute_query(sql, list(values))


def changed(canonical: str, **values: object) -> str:
    return json.dumps(json.loads(canonical) | values)


async def test_a_plan_loses_its_recipient_and_nothing_else(made: shops.Approved) -> None:
    update = "UPDATE plan SET canonical = $1 WHERE id = $2"
    plan = made.plan
    body = json.loads(plan.canonical)
    body["legs"][0]["amount_minor"] = 1
    await refused(update, json.dumps(body | {"recipient": "erased"}), plan.id)
    await refused(update, changed(plan.canonical, recipient="eve@evil.example"), plan.id)
    await refused(update, changed(plan.canonical, recipient="erased", outcome="credit"), plan.id)
    await refused(update, "{}", plan.id)
    erased = changed(plan.canonical, recipient="erased")
    await connections.get("default").execute_query(update, [erased, plan.id])
    assert json.loads((await Plan.get(id=plan.id)).canonical)["recipient"] == "erased"
    await refused("UPDATE plan SET digest = 'x' WHERE id = $1", plan.id)


async def test_a_call_loses_the_address_of_its_receipt_and_nothing_else(
    made: shops.Approved,
) -> None:
    update = "UPDATE attempt SET params = $1 WHERE id = $2"
    call = await Attempt.filter(step="create").get()
    await refused(update, changed(call.params, amount=1), call.id)
    await refused(update, changed(call.params, receipt_email="eve@evil.example"), call.id)
    body = json.loads(call.params)
    assert body.pop("receipt_email")
    await connections.get("default").execute_query(update, [json.dumps(body), call.id])


async def test_an_approval_loses_its_words_and_nothing_else(made: shops.Approved) -> None:
    of_plan = f"WHERE plan_id = {made.plan.id}"
    await refused(f"UPDATE approval SET reason = 'nicer' {of_plan}")
    await refused(f"UPDATE approval SET reason = 'erased', approver_id = NULL {of_plan}")
    await refused(f"UPDATE approval SET reason = 'erased', digest = 'x' {of_plan}")
    await refused(f"DELETE FROM approval {of_plan}")
    await connections.get("default").execute_query(
        f"UPDATE approval SET reason = 'erased' {of_plan}"
    )


async def test_the_log_of_reads_and_the_erasures_are_not_rewritten(made: shops.Approved) -> None:
    person = made.plan.prepared_by_id
    connection = connections.get("default")
    await connection.execute_query(
        "INSERT INTO read_log (person_id, what, subject, page, address, reference, at)"
        f" VALUES ({person}, 'read', 'RB-1', 'case.show', '', '', now())"
    )
    await connection.execute_query(
        "INSERT INTO erasure (address_key, address_mac, cases, files, entries, by, reason, at)"
        " VALUES ('k', 'm', 1, 1, 1, 'Alex Kim', 'ticket', now())"
    )
    await refused("UPDATE read_log SET person_id = person_id")
    await refused("UPDATE erasure SET reason = 'x'")
    await refused("DELETE FROM erasure")
    await refused("TRUNCATE erasure")
    await refused(
        "INSERT INTO erasure (address_key, address_mac, cases, files, entries, by, reason, at)"
        " VALUES ('k', 'm', 1, 1, 1, 'Alex Kim', '', now())"
    )
