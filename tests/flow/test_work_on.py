"""One job brings a case as far as it goes; a job that dies on the way strands nothing."""

import pytest
from tortoise import connections

from amends import clock, jobs, moves, timeline
from amends.flow import advance, sweep
from amends.models import Case, TimelineEntry
from amends.rules.people import WORKER, Role
from amends.rules.workflow import Status
from tests import shop as shops
from tests.shop import MASTERCARD, VISA, Approved, Shop

pytestmark = pytest.mark.usefixtures("fresh_db")


async def approved_rebill() -> Approved:
    shop = Shop()
    shop.take()
    sam, dana = await shops.person("Sam", Role.AGENT), await shops.person("Dana", Role.MANAGER)
    made = await shops.approved(shop, await shops.sale(shop, (VISA, 500)), sam, dana, MASTERCARD)
    await connections.get("default").execute_query("DELETE FROM procrastinate_jobs")
    return made


async def _waiting(lock: str) -> int:
    rows = await connections.get("default").execute_query_dict(
        "SELECT 1 FROM procrastinate_jobs WHERE lock = $1", [lock]
    )
    return len(rows)


async def test_it_carries_a_plan_out_in_one_job_and_wakes_itself_no_more() -> None:
    made = await approved_rebill()
    await advance.work_on(made.case.id)
    assert (await Case.get(id=made.case.id)).status is Status.RESOLVED
    assert await _waiting(f"case:{made.case.id}") == 0
    clock.use()


async def test_the_database_computes_the_hash_of_the_chain_as_the_audit_does() -> None:
    made = await approved_rebill()
    case = await Case.get(id=made.case.id)
    words = 'Zoë said "no": \\ \u2028 日本'
    await moves.note(case, timeline.Entry("note", WORKER, clock.now(), words, data={"ü": [words]}))
    before = timeline.GENESIS
    for number, row in enumerate(await TimelineEntry.filter(case_id=case.id).order_by("seq"), 1):
        assert (row.seq, row.prev_hash) == (number, before)
        assert row.salt is not None
        assert row.commitment == timeline.commitment(row.salt, row.actor_name, row.reason, row.data)
        assert row.hash == timeline.chain_hash(row)
        before = row.hash
    clock.use()


async def test_a_job_that_dies_between_two_steps_leaves_a_case_that_the_sweeper_wakes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = await approved_rebill()
    look, left = advance.advance, iter(range(2))

    async def look_or_die(case_id: int) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        await look(case_id)

    monkeypatch.setattr(advance, "advance", look_or_die)
    with pytest.raises(KeyboardInterrupt):
        await advance.work_on(made.case.id)
    assert await _waiting(f"case:{made.case.id}") == 0
    await sweep.sweep()
    assert await _waiting(f"case:{made.case.id}") == 1
    clock.use()


async def test_a_case_that_never_rests_gives_its_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = await approved_rebill()
    looks = []

    async def look(case_id: int) -> None:
        looks.append(case_id)

    monkeypatch.setattr(advance, "advance", look)
    await advance.work_on(made.case.id)
    assert len(looks) == advance._STEPS
    assert await _waiting(f"case:{made.case.id}") == 1
    clock.use()


async def test_other_cases_are_woken_while_one_is_worked_on() -> None:
    with jobs.holding(jobs.advance(1)):
        await jobs.defer(jobs.advance(1), jobs.advance(2))
    await jobs.defer(jobs.advance(3))
    assert [await _waiting(f"case:{number}") for number in (1, 2, 3)] == [0, 1, 1]
