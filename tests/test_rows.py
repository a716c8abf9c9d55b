"""Rows by hand-written SQL: joins, a row that hangs on a change, the caller's transaction."""

import pytest
from tortoise import connections, transactions

from amends import clock, rows
from amends.models import Case, Leg, WorkerState
from tests.flow.test_work_on import approved_rebill

pytestmark = pytest.mark.usefixtures("fresh_db")
_TAIL = "FROM case_ LEFT JOIN leg ON leg.case_id = case_.id AND leg.kind = $2 WHERE case_.id = $1"
_OTHER = "UPDATE worker_state SET at = at WHERE key = $1 RETURNING key"


async def test_a_joined_row_has_the_rows_of_the_mapper_and_none_where_there_is_none() -> None:
    case = (await approved_rebill()).case
    found = await rows.joined((Case, Leg), _TAIL, case.id, "refund")
    refund = await Leg.get(case_id=case.id, kind="refund")
    assert [vars(each) for each in rows.parts(Leg, found)] == [vars(refund)]
    assert vars(rows.part(Case, found[0])) == vars(await Case.get(id=case.id))
    assert rows.parts(Leg, await rows.joined((Case, Leg), _TAIL, case.id, "credit")) == []
    clock.use()


async def test_a_row_is_stored_only_with_the_change_that_it_hangs_on() -> None:
    for key, stored in (("a", False), ("b", True)):
        row = WorkerState(key=f"new-{key}", value={}, at=clock.now())
        await WorkerState.create(key="b" if stored else "c", value={}, at=clock.now())
        assert await rows.insert_if(row, _OTHER, key) is stored
        assert await WorkerState.filter(key=row.key).exists() is stored


async def test_what_joins_a_transaction_ends_with_it() -> None:
    with pytest.raises(ZeroDivisionError):
        async with transactions.in_transaction():
            outer = connections.get("default")
            async with rows.in_transaction():
                assert connections.get("default") is outer
                await WorkerState.create(key="gone", value={}, at=clock.now())
            raise ZeroDivisionError
    assert not await WorkerState.filter(key="gone").exists()
    async with rows.in_transaction():
        assert connections.get("default") is not outer
        await WorkerState.create(key="kept", value={}, at=clock.now())
    assert await WorkerState.filter(key="kept").exists()
