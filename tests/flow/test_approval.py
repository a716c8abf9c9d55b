"""One exact plan, decided once, by somebody else, freshly signed in."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError

from amends import clock, facts, policies
from amends.flow import approval, intake, planning, triage
from amends.models import (
    Account,
    Approval,
    Case,
    Leg,
    MailItem,
    Plan,
    PolicyVersion,
    TimelineEntry,
)
from amends.rules.people import Role, Staff
from amends.rules.plan import LegKind, Outcome
from amends.rules.workflow import Action, Reason, Status
from tests.backoffice import scene
from tests.backoffice.scene import Customers


async def _scene() -> tuple[Customers, Staff, Staff]:
    return await scene.harbor(), await scene.staff("Sam Ito"), await scene.staff("Dana Cole")


@pytest.mark.usefixtures("db")
@pytest.mark.req("B6")
async def test_it_approves_the_plan_that_dana_saw() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)

    moved = await approval.approve(case, dana, plan.version, plan.digest)

    assert moved.status is Status.APPROVED
    row = await Approval.get(plan_id=plan.id)
    assert (row.decision, row.digest, row.role) == ("approved", plan.digest, Role.MANAGER)
    assert row.approver_id == dana.person_id and row.auth_time == dana.auth_time
    assert row.expires_at == row.at + timedelta(days=14)


@pytest.mark.req("V16.2.1")
@pytest.mark.usefixtures("db")
async def test_it_tells_priya_and_keeps_the_checks_of_that_second() -> None:
    shop, sam, dana = await _scene()
    case = await scene.approved(shop, sam, dana)

    mail = await MailItem.get(case_id=case.id, kind="approved")
    assert mail.recipient == scene.EMAIL
    entry = await TimelineEntry.get(case_id=case.id, action=Action.APPROVE)
    assert "passed: No bank dispute on any charge" in str(entry.data["checks"])
    assert entry.data["role"] == "manager"


@pytest.mark.usefixtures("db")
async def test_it_shows_the_approver_everything() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)

    page = await approval.page(case, dana)

    assert page.prepared_by == "Sam Ito" and page.plan.id == plan.id
    assert page.draft.recharge() is not None
    assert page.route.why == (
        "it is a re-bill",
        "it is over $500.00 with the refunds of the last 30 days",
    )
    assert not page.blocking


@pytest.mark.req("T25", "I7")
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("role", list(Role))
async def test_it_never_lets_the_preparer_approve(role: Role) -> None:
    shop, _, _ = await _scene()
    both = await scene.staff("Robin Vale", role, Role.MANAGER)
    case, plan = await scene.proposed(shop, both)

    with pytest.raises(facts.Refused, match="You prepared this plan"):
        await approval.approve(case, both, plan.version, plan.digest)
    assert not await Approval.exists()


PREPARERS = [Role.AGENT, Role.LEAD, Role.MANAGER, Role.SECURITY, Role.ACCOUNT_MANAGER]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("prepares", "approves"), list(product(PREPARERS, Role)))
@pytest.mark.req("B6")
async def test_it_takes_a_rebill_only_from_another_manager(prepares: Role, approves: Role) -> None:
    shop, _, _ = await _scene()
    one, other = await scene.staff("Uma One", prepares), await scene.staff("Val Two", approves)
    case, plan = await scene.proposed(shop, one)

    if approves is Role.MANAGER:
        moved = await approval.approve(case, other, plan.version, plan.digest)
        assert moved.status is Status.APPROVED
    else:
        with pytest.raises(facts.Refused):
            await approval.approve(case, other, plan.version, plan.digest)


@pytest.mark.req("T25")
@pytest.mark.usefixtures("db")
async def test_the_database_refuses_what_the_code_would_let_through() -> None:
    shop, sam, _ = await _scene()
    case, plan = await scene.proposed(shop, sam)

    with pytest.raises(IntegrityError, match="someone else"):
        await Approval.create(
            plan_id=plan.id, case_id=case.id, decision="approved", digest=plan.digest,
            approver_id=sam.person_id, role="manager", at=clock.now(),
        )  # fmt: skip


@pytest.mark.usefixtures("db")
async def test_it_lets_nobody_approve_who_holds_the_case() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    held = await triage.claim(case, dana)

    with pytest.raises(facts.Refused, match="You hold this case"):
        await approval.approve(held, dana, plan.version, plan.digest)
    free = await triage.release(held, dana)
    assert await approval.approve(free, dana, plan.version, plan.digest)


@pytest.mark.usefixtures("db")
async def test_it_remembers_who_held_the_case_when_the_plan_was_made() -> None:
    shop, sam, dana = await _scene()
    ruth = await scene.staff("Ruth Adeyemi")
    case = await scene.in_triage(shop, dana)
    plan = await scene.propose(case, sam)
    case = await triage.release(await Case.get(id=case.id), dana)

    with pytest.raises(facts.Refused, match="You hold this case"):
        await approval.approve(case, dana, plan.version, plan.digest)
    assert await approval.approve(case, ruth, plan.version, plan.digest)


@pytest.mark.req("T30", "V6.8.4")
@pytest.mark.usefixtures("db")
async def test_it_wants_a_sign_in_of_the_last_five_minutes() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    late = scene.signed_in_long_ago(dana)

    for act in (
        approval.approve(case, late, plan.version, plan.digest),
        approval.send_back(case, late, plan.version, plan.digest, "Why?"),
        approval.decline(case, late, plan.version, plan.digest, "No", "No"),
    ):
        with pytest.raises(facts.Refused, match="Sign in again"):
            await act
    assert (await Case.get(id=case.id)).status is Status.PROPOSED


@pytest.mark.req("T28", "T29")
@pytest.mark.usefixtures("db")
async def test_it_refuses_another_digest_or_version_than_the_waiting_one() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)

    for version, digest in ((plan.version, "0" * 64), (plan.version + 1, plan.digest)):
        with pytest.raises(facts.Stale):
            await approval.approve(case, dana, version, digest)


@pytest.mark.req("V16.3.3")
@pytest.mark.usefixtures("db")
async def test_it_says_who_decided_and_when() -> None:
    shop, sam, dana = await _scene()
    ruth = await scene.staff("Ruth Adeyemi")
    case, plan = await scene.proposed(shop, sam)
    await approval.approve(case, dana, plan.version, plan.digest)

    with pytest.raises(facts.AlreadyDecided, match="Dana Cole") as raced:
        await approval.approve(case, ruth, plan.version, plan.digest)
    with pytest.raises(facts.AlreadyDecided, match=r"Dana Cole approved plan v1 on") as later:
        await approval.approve(await Case.get(id=case.id), ruth, plan.version, plan.digest)
    assert raced.value.who == later.value.who == "Dana Cole"
    assert await MailItem.filter(case_id=case.id, kind="approved").count() == 1


@pytest.mark.req("T18")
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("mishap", ["open_dispute", "open_inquiry", "warn_fraud"])
async def test_it_looks_at_stripe_again_before_it_says_yes(mishap: str) -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    getattr(shop.world, mishap)(shop.deposits[0].charge_id)

    with pytest.raises(facts.Refused, match=shop.deposits[0].charge_id):
        await approval.approve(case, dana, plan.version, plan.digest)


@pytest.mark.usefixtures("db")
async def test_it_refuses_when_the_money_was_refunded_elsewhere() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    shop.world.refund_in_dashboard(shop.deposits[0].charge_id, 1_00)

    with pytest.raises(facts.Refused, match=r"only \$1,199.00 can still be refunded"):
        await approval.approve(case, dana, plan.version, plan.digest)


@pytest.mark.req("T28", "T33")
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(
    "change", [{"card_fingerprint": "fp_other"}, {"contact_email": "sam@amends.example"}]
)
async def test_it_refuses_a_card_or_address_changed_after_the_plan(change: dict[str, Any]) -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    await Case.filter(id=case.id).update(**change)

    with pytest.raises(facts.Refused):
        await approval.approve(await Case.get(id=case.id), dana, plan.version, plan.digest)


@pytest.mark.usefixtures("db")
async def test_it_refuses_a_plan_made_under_other_rules() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    await PolicyVersion.create(version=2, rules={"approval_valid_days": 3}, at=clock.now())

    with pytest.raises(facts.Refused, match="The rules changed"):
        await approval.approve(case, dana, plan.version, plan.digest)
    assert (await policies.current()).approval_valid_days == 3
    back = await approval.send_back(case, dana, plan.version, plan.digest, "Prepare it anew")
    assert back.status is Status.TRIAGE


@pytest.mark.usefixtures("db")
async def test_it_sends_back_with_a_question_and_voids_the_plan() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    with pytest.raises(facts.InvalidInput):
        await approval.send_back(case, dana, plan.version, plan.digest, " ")

    back = await approval.send_back(case, dana, plan.version, plan.digest, "Why the Visa too?")

    assert back.status is Status.TRIAGE and back.owner_id == sam.person_id
    assert (await Plan.get(id=plan.id)).void_reason == "Sent back by Dana Cole"
    assert (await Approval.get(plan_id=plan.id)).decision == "sent_back"


@pytest.mark.usefixtures("db")
async def test_it_declines_and_ends_the_case() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    for reason, told in (("", "No"), ("No", "")):
        with pytest.raises(facts.InvalidInput):
            await approval.decline(case, dana, plan.version, plan.digest, reason, told)

    ended = await approval.decline(
        case, dana, plan.version, plan.digest, "Not covered", "The terms exclude this."
    )

    assert ended.status is Status.DECLINED and ended.outcome_reason == "The terms exclude this."
    assert await MailItem.filter(case_id=case.id, kind="declined").count() == 1


@pytest.mark.usefixtures("db")
async def test_it_lets_the_preparer_take_the_plan_back() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    with pytest.raises(facts.Refused, match="Only who prepared"):
        await approval.take_back(case, dana, plan.version, "Mine")

    back = await approval.take_back(case, sam, plan.version, "Wrong amount")

    assert back.status is Status.TRIAGE
    with pytest.raises(facts.AlreadyDecided, match="No plan waits here"):
        await approval.page(back, dana)


# --- The limit, over thirty days ----------------------------------------------------------------


async def _small(shop: Customers, sam: Staff, cents: int) -> tuple[Case, Plan]:
    case = await scene.in_triage(shop, sam, **scene.dispute())
    amounts = {shop.deposits[0].id: cents, shop.deposits[1].id: 0}
    plan = await scene.propose(case, sam, Outcome.REFUND, amounts=amounts)
    return await Case.get(id=case.id), plan


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("cents", "agent_may"), [(499_99, True), (500_00, True), (500_01, False)])
@pytest.mark.req("A3", "V2.3.2")
async def test_it_needs_a_lead_strictly_above_the_limit(cents: int, agent_may: bool) -> None:
    shop, sam, _ = await _scene()
    nia, lee = await scene.staff("Nia Brooks"), await scene.staff("Lee Moreau")
    case, plan = await _small(shop, sam, cents)

    if agent_may:
        assert await approval.approve(case, nia, plan.version, plan.digest)
    else:
        with pytest.raises(facts.Refused, match="over"):
            await approval.approve(case, nia, plan.version, plan.digest)
        assert await approval.approve(case, lee, plan.version, plan.digest)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("days_ago", [0, 29, 31])
@pytest.mark.req("A3", "T20", "V2.3.2")
async def test_it_sums_thirty_days_so_that_splitting_gains_nothing(days_ago: int) -> None:
    world = scene.twin()
    shop, sam = await scene.harbor(world), await scene.staff("Sam Ito")
    nia = await scene.staff("Nia Brooks")
    case, plan = await _small(shop, sam, 450_00)
    await approval.approve(case, nia, plan.version, plan.digest)
    _move_clock(days_ago)
    nia = replace(nia, auth_time=clock.now())
    second = await scene.in_triage(shop, sam, **scene.dispute())
    other = {shop.deposits[0].id: 0, shop.deposits[1].id: 450_00}
    next_plan = await scene.propose(second, sam, Outcome.REFUND, amounts=other)
    second = await Case.get(id=second.id)

    if days_ago > 30:
        assert await approval.approve(second, nia, next_plan.version, next_plan.digest)
    else:
        with pytest.raises(facts.Refused, match="30 days"):
            await approval.approve(second, nia, next_plan.version, next_plan.digest)


def _move_clock(days: int) -> None:
    """Approvals are append-only, so the clock moves instead of the row."""
    later = timedelta(days=days)
    clock.use(wall=lambda: datetime.now(UTC) + later)


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    yield
    clock.use()


@pytest.mark.usefixtures("db")
async def test_it_counts_no_refund_that_failed() -> None:
    shop, sam, _ = await _scene()
    nia = await scene.staff("Nia Brooks")
    case, plan = await _small(shop, sam, 450_00)
    await approval.approve(case, nia, plan.version, plan.digest)
    await Leg.filter(plan_id=plan.id, kind=LegKind.REFUND).update(state="failed")
    second = await scene.in_triage(shop, sam, **scene.dispute())
    other = {shop.deposits[0].id: 0, shop.deposits[1].id: 450_00}
    next_plan = await scene.propose(second, sam, Outcome.REFUND, amounts=other)

    second = await Case.get(id=second.id)
    assert await approval.approve(second, nia, next_plan.version, next_plan.digest)


# --- Races, with real commits -------------------------------------------------------------------


@pytest.mark.req("V15.4.2", "V2.3.4")
@pytest.mark.usefixtures("fresh_db")
async def test_fifty_managers_at_once_make_one_approval() -> None:
    shop, sam, _ = await _scene()
    case, plan = await scene.proposed(shop, sam)
    managers = [await scene.staff(f"Manager {n}", Role.MANAGER) for n in range(50)]

    results = await asyncio.gather(
        *(approval.approve(case, one, plan.version, plan.digest) for one in managers),
        return_exceptions=True,
    )

    won = [result for result in results if isinstance(result, Case)]
    lost = [result for result in results if isinstance(result, facts.AlreadyDecided)]
    assert (len(won), len(lost)) == (1, 49)
    assert await Approval.filter(plan_id=plan.id).count() == 1
    assert await MailItem.filter(kind="approved").count() == 1
    assert await TimelineEntry.filter(case_id=case.id, action=Action.APPROVE).count() == 1


@pytest.mark.usefixtures("fresh_db")
@pytest.mark.req("A3", "T20", "V15.4.2")
async def test_two_small_plans_at_once_cannot_both_pass_under_the_limit() -> None:
    shop, sam, _ = await _scene()
    nia, mo = await scene.staff("Nia Brooks"), await scene.staff("Mo Park", Role.AGENT)
    first, one = await _small(shop, sam, 450_00)
    case = await scene.in_triage(shop, sam, **scene.dispute())
    other = {shop.deposits[0].id: 0, shop.deposits[1].id: 450_00}
    two = await scene.propose(case, sam, Outcome.REFUND, amounts=other)
    second = await Case.get(id=case.id)

    results = await asyncio.gather(
        approval.approve(first, nia, one.version, one.digest),
        approval.approve(second, mo, two.version, two.digest),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == ["Case", "Refused"]


@pytest.mark.req("V2.3.1")
@pytest.mark.usefixtures("fresh_db")
@pytest.mark.parametrize("rival", ["decline", "send_back", "withdraw", "take_back"])
async def test_the_first_of_two_rivals_wins_and_the_other_hears_of_it(rival: str) -> None:
    shop, sam, dana = await _scene()
    ruth = await scene.staff("Ruth Adeyemi")
    case, plan = await scene.proposed(shop, sam)
    seen = (plan.version, plan.digest)
    rivals = {
        "decline": lambda: approval.decline(case, ruth, *seen, "No", "No"),
        "send_back": lambda: approval.send_back(case, ruth, *seen, "Why?"),
        "take_back": lambda: approval.take_back(case, sam, plan.version, "Wrong"),
        "withdraw": lambda: _withdraw(case, shop),
    }

    results = await asyncio.gather(
        approval.approve(case, dana, *seen), rivals[rival](), return_exceptions=True
    )

    assert len([r for r in results if isinstance(r, Case)]) == 1, results
    assert len([r for r in results if isinstance(r, facts.AlreadyDecided)]) == 1, results
    ended = await Case.get(id=case.id)
    live = await Plan.filter(case_id=case.id, voided_at=None).exists()
    assert live is (ended.status is Status.APPROVED)


async def _withdraw(case: Case, shop: Customers) -> Case:
    return await intake.withdraw(case, shop.priya, "Found it")


@pytest.mark.usefixtures("fresh_db")
async def test_fifty_agents_at_once_take_fifty_different_cases() -> None:
    shop = await scene.harbor()
    cases = [await scene.submitted(shop) for _ in range(50)]
    agents = [await scene.staff(f"Agent {n}", Role.AGENT) for n in range(50)]

    taken = await asyncio.gather(*(triage.claim_next(agent) for agent in agents))

    refs = [case.ref for case in taken if case is not None]
    assert sorted(refs) == sorted(case.ref for case in cases)
    assert await triage.claim_next(agents[0]) is None
    for agent, case in zip(agents, taken, strict=True):
        assert case is not None and case.owner_id == agent.person_id


@pytest.mark.usefixtures("fresh_db")
async def test_fifty_agents_at_once_get_one_case() -> None:
    shop = await scene.harbor()
    await scene.submitted(shop)
    agents = [await scene.staff(f"Agent {n}", Role.AGENT) for n in range(50)]

    taken = await asyncio.gather(*(triage.claim_next(agent) for agent in agents))

    assert len([case for case in taken if case]) == 1
    assert await TimelineEntry.filter(action=Action.CLAIM).count() == 1


@pytest.mark.req("T19", "V2.3.4")
@pytest.mark.usefixtures("fresh_db")
async def test_two_cases_at_once_cannot_claim_one_charge() -> None:
    shop, sam, _ = await _scene()
    nia = await scene.staff("Nia Brooks")
    one, two = await scene.in_triage(shop, sam), await scene.in_triage(shop, nia)
    (form, seen), (form2, seen2) = await scene.shown(one, sam), await scene.shown(two, nia)

    results = await asyncio.gather(
        planning.propose(one, sam, form, seen.digest, "First"),
        planning.propose(two, nia, form2, seen2.digest, "Second"),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == ["Plan", "Refused"]
    assert await Plan.all().count() == 1


@pytest.mark.usefixtures("db")
async def test_it_locks_the_account_flag_out_of_an_approval() -> None:
    shop, sam, dana = await _scene()
    case, plan = await scene.proposed(shop, sam)
    await Account.filter(id=shop.account.id).update(flagged_at=clock.now())

    with pytest.raises(facts.Refused, match="flagged by Security"):
        await approval.approve(case, dana, plan.version, plan.digest)


@pytest.mark.usefixtures("db")
async def test_security_decides_a_card_that_was_not_recognised() -> None:
    shop, _, dana = await _scene()
    noor = await scene.staff("Noor Haddad")
    case, plan = await scene.proposed(shop, noor, **scene.dispute(Reason.NOT_RECOGNISED))

    for name in ("Sam Ito", "Lee Moreau", "Ben Okafor"):
        with pytest.raises(facts.Refused, match="not recognised"):
            await approval.approve(case, await scene.staff(name), plan.version, plan.digest)
    assert await approval.approve(case, dana, plan.version, plan.digest)
