"""Over the second limit two different people approve one plan, and nothing is sent before both."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tortoise.exceptions import BaseORMException
from tortoise.transactions import in_transaction

from amends import clock, facts
from amends.flow import approval, execution
from amends.models import Approval, Attempt, Case, MailItem, Plan, PolicyVersion, TimelineEntry
from amends.rules import policy
from amends.rules.money import Money
from amends.rules.people import Role, Staff
from amends.rules.plan import Outcome
from amends.rules.policy import Policy, Totals
from amends.rules.workflow import Action, Kind, Status
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.backoffice.scene import Customers

pytestmark = pytest.mark.req("T27", "I8")


@pytest.fixture(autouse=True)
def own_clock() -> Iterator[None]:
    yield
    clock.use()


def _approvals(lately: int, of_one_charge: int = 0, currency: str = "usd") -> int:
    totals = Totals(Money(lately, currency), Money(of_one_charge, currency))
    return policy.route(Outcome.REFUND, Kind.DISPUTE, None, totals, Policy()).approvals


@pytest.mark.parametrize(
    ("lately", "of_one_charge", "people"),
    [(2_000_00, 2_000_00, 1), (2_000_01, 0, 2), (0, 2_000_01, 2), (1, 0, 1)],
)
def test_strictly_over_the_second_limit_needs_two(
    lately: int, of_one_charge: int, people: int
) -> None:
    assert _approvals(lately, of_one_charge) == people


def test_a_currency_without_a_second_limit_always_needs_two() -> None:
    assert _approvals(1, 1, "isk") == 2


@given(st.lists(st.integers(1, 1_500_00), min_size=1, max_size=6))
def test_no_split_of_more_than_the_second_limit_passes_with_one_person(parts: list[int]) -> None:
    alone = [_approvals(sum(parts[: at + 1])) == 1 for at in range(len(parts))]
    assert all(alone) is (sum(parts) <= 2_000_00)


async def _second_limit(minor: int) -> None:
    """Two managers once agreed on this second limit."""
    limits = {**policy.SECOND_LIMITS, "usd": minor}
    await PolicyVersion.create(version=2, rules={"second_limits": limits}, at=clock.now())


async def _scene() -> tuple[Customers, Staff, Staff, Staff]:
    await _second_limit(1_999_99)
    names = ("Sam Ito", "Dana Cole", "Ruth Adeyemi")
    sam, dana, ruth = [await scene.staff(name) for name in names]
    return await scene.harbor(), sam, dana, ruth


@pytest.mark.usefixtures("db")
async def test_danas_approval_alone_moves_nothing_and_ruths_sends_the_money() -> None:
    shop, sam, dana, ruth = await _scene()
    case, plan = await scene.proposed(shop, sam)

    case = await approval.approve(case, dana, plan.version, plan.digest, "Adds up")
    case = await shops.work(case)

    assert case.status is Status.PROPOSED
    assert not await Attempt.all().exists() and not await MailItem.filter(kind="approved").exists()
    entry = await TimelineEntry.get(case_id=case.id, action="approve_first")
    assert (entry.actor_name, entry.data["digest"]) == ("Dana Cole", plan.digest)

    moved = await approval.approve(case, ruth, plan.version, plan.digest)

    assert moved.status is Status.APPROVED
    rows = await Approval.filter(plan_id=plan.id).order_by("id")
    assert [(row.decision, row.approver_id, row.digest) for row in rows] == [
        ("agreed", dana.person_id, plan.digest),
        ("approved", ruth.person_id, plan.digest),
    ]
    assert await execution.load(moved)
    assert await MailItem.filter(kind="approved").count() == 1


@pytest.mark.usefixtures("db")
async def test_nobody_is_both_people_and_the_preparer_is_neither() -> None:
    shop, sam, dana, ruth = await _scene()
    both = replace(ruth, roles=frozenset({Role.MANAGER}))
    case, plan = await scene.proposed(shop, both)
    await approval.approve(case, dana, plan.version, plan.digest)

    with pytest.raises(facts.Refused, match="A second person has to approve"):
        await approval.approve(case, dana, plan.version, plan.digest)
    with pytest.raises(facts.Refused, match="You prepared this plan"):
        await approval.approve(case, both, plan.version, plan.digest)
    with pytest.raises(facts.Refused, match="not yours to take"):
        await approval.approve(case, sam, plan.version, plan.digest)
    assert (await Case.get(id=case.id)).status is Status.PROPOSED


@pytest.mark.usefixtures("db")
async def test_the_second_needs_a_fresh_sign_in_as_well() -> None:
    shop, sam, dana, ruth = await _scene()
    case, plan = await scene.proposed(shop, sam)
    await approval.approve(case, dana, plan.version, plan.digest)
    with pytest.raises(facts.Refused, match="Sign in again"):
        await approval.approve(case, scene.signed_in_long_ago(ruth), plan.version, plan.digest)


@pytest.mark.usefixtures("db")
async def test_a_first_approval_does_not_outlive_its_plan() -> None:
    shop, sam, dana, ruth = await _scene()
    case, plan = await scene.proposed(shop, sam)
    case = await approval.approve(case, dana, plan.version, plan.digest)
    back = await approval.send_back(case, ruth, plan.version, plan.digest, "Which card?")
    again = await scene.propose(back, sam)
    case = await approval.approve(await Case.get(id=back.id), dana, again.version, again.digest)
    assert case.status is Status.PROPOSED
    assert await Approval.filter(plan_id=again.id, decision="agreed").count() == 1


@pytest.mark.usefixtures("db")
async def test_a_first_approval_of_weeks_ago_does_not_count() -> None:
    shop, sam, dana, ruth = await _scene()
    case, plan = await scene.proposed(shop, sam)
    await approval.approve(case, dana, plan.version, plan.digest)
    later = clock.now() + timedelta(days=15)
    clock.use(wall=lambda: later)
    with pytest.raises(facts.Refused, match="expired"):
        await approval.approve(case, replace(ruth, auth_time=later), plan.version, plan.digest)


@pytest.mark.usefixtures("fresh_db")
async def test_two_at_once_are_first_and_second_and_three_are_not_more() -> None:
    shop, sam, _, _ = await _scene()
    case, plan = await scene.proposed(shop, sam)
    managers = [await scene.staff(f"Manager {n}", Role.MANAGER) for n in range(8)]

    results = await asyncio.gather(
        *(approval.approve(case, one, plan.version, plan.digest) for one in managers),
        return_exceptions=True,
    )

    assert len([one for one in results if isinstance(one, Case)]) == 2, results
    rows = await Approval.filter(plan_id=plan.id).order_by("id")
    assert [row.decision for row in rows] == ["agreed", "approved"]
    assert len({row.approver_id for row in rows}) == 2
    assert await TimelineEntry.filter(case_id=case.id, action=Action.APPROVE).count() == 1


@pytest.mark.usefixtures("db")
async def test_the_worker_halts_a_plan_that_one_person_approved_around_the_desk() -> None:
    shop, sam, dana, _ = await _scene()
    case, plan = await scene.proposed(shop, sam)
    moved = await shops.decide(case, plan, dana)  # one row, as if written past the desk
    with pytest.raises(execution.Halt, match="two people"):
        await execution.load(moved)


@pytest.mark.usefixtures("db")
async def test_the_database_takes_no_second_row_of_one_person() -> None:
    shop, sam, dana, _ = await _scene()
    case, plan = await scene.proposed(shop, sam)
    await approval.approve(case, dana, plan.version, plan.digest)
    for decision in ("agreed", "approved"):
        with pytest.raises(BaseORMException):
            async with in_transaction():
                await _row(plan, dana.person_id, decision)
    with pytest.raises(BaseORMException):
        async with in_transaction():
            await _row(plan, plan.prepared_by_id, "approved")


async def _row(plan: Plan, approver_id: int, decision: str) -> None:
    await Approval.create(
        plan_id=plan.id, case_id=plan.case_id, decision=decision, digest=plan.digest,
        approver_id=approver_id, role="manager", at=clock.now(),
    )  # fmt: skip


@pytest.mark.usefixtures("db")
async def test_the_pages_say_that_a_second_approval_is_needed() -> None:
    shop, sam, dana, ruth = await _scene()
    case, plan = await scene.proposed(shop, sam)
    hers, his = await desk.browser(dana), await desk.browser(ruth)
    address = f"/approvals/{case.ref}"
    assert "Two approvals needed" in reading.words(await hers.get(address))
    form = {
        "version": str(case.version), "plan": str(plan.version), "digest": plan.digest,
        "decision": "approve", "note": "Adds up",
    }  # fmt: skip

    assert (await hers.post(address, data=form)).status_code == 303

    mine = reading.words(await hers.get(address))
    assert "Second approval needed" in mine and "You approved this plan" in mine
    assert "Waiting for you, 0" in reading.words(await hers.get("/approvals"))
    theirs = reading.words(await his.get(address))
    assert "Dana Cole approved this plan" in theirs and "Adds up" in theirs
    assert "Waiting for you, 1" in reading.words(await his.get("/approvals"))
    assert (await his.post(address, data=form)).status_code == 303
    assert (await Case.get(id=case.id)).status is Status.APPROVED
    assert "Approved" in reading.words(await his.get(address))
