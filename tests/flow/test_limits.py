"""The limit cannot be split over cases, charges or months, nor be changed by one alone."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amends import clock, facts, policies
from amends.flow import approval, rule_changes
from amends.flow.rule_changes import Wanted
from amends.models import Case, Plan, PolicyVersion
from amends.rules import policy
from amends.rules.money import Money
from amends.rules.people import Role, Staff
from amends.rules.plan import Outcome
from amends.rules.policy import Policy, Totals
from amends.rules.workflow import Kind, Reason
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.backoffice.scene import Customers


@pytest.fixture(autouse=True)
def own_clock() -> Iterator[None]:
    clock.use(wall=lambda: shops.START)
    yield
    clock.use()


def _days_later(days: int) -> None:
    clock.use(wall=lambda: shops.START + timedelta(days=days))


def usd(minor: int) -> Money:
    return Money(minor, "usd")


# --- The rule by itself -------------------------------------------------------------------------


def _decided_by(lately: int, of_one_charge: int) -> frozenset[Role]:
    totals = Totals(usd(lately), usd(of_one_charge))
    reason = Reason.AFTER_CANCELLATION
    return policy.route(Outcome.REFUND, Kind.DISPUTE, reason, totals, Policy()).roles


@pytest.mark.req("A3", "V2.3.2")
@pytest.mark.parametrize(
    ("lately", "of_one_charge", "agent_may"),
    [(499_99, 0, True), (500_00, 500_00, True), (500_01, 0, False), (0, 500_01, False)],
)
def test_strictly_over_the_limit_by_either_sum(
    lately: int, of_one_charge: int, agent_may: bool
) -> None:
    assert (Role.AGENT in _decided_by(lately, of_one_charge)) is agent_may


@pytest.mark.req("A3", "T20")
@given(st.lists(st.integers(1, 600_00), min_size=1, max_size=6))
def test_no_split_of_more_than_the_limit_passes_without_a_lead(parts: list[int]) -> None:
    """Parts decided one after the other, each with what came before: somebody needs a lead."""
    without_a_lead = [
        Role.AGENT in _decided_by(sum(parts[: at + 1]), sum(parts[: at + 1]))
        for at in range(len(parts))
    ]
    assert all(without_a_lead) is (sum(parts) <= 500_00)


# --- Per charge, over cases and months ----------------------------------------------------------


async def _part(shop: Customers, sam: Staff, minor: int) -> tuple[Case, Plan]:
    case = await scene.in_triage(shop, sam, **scene.dispute())
    amounts = {shop.deposits[0].id: minor, shop.deposits[1].id: 0}
    plan = await scene.propose(case, sam, Outcome.REFUND, amounts=amounts)
    return await Case.get(id=case.id), plan


async def _paid_back(shop: Customers, sam: Staff, nia: Staff, minor: int) -> None:
    """Approved, sent and confirmed; the case is over and lets go of its charge."""
    case, plan = await _part(shop, sam, minor)
    approved = await approval.approve(case, nia, plan.version, plan.digest)
    done = await shops.work(approved)
    for _ in range(5):
        done = await shops.work(done)
    assert done.closed_at is not None


@pytest.mark.req("A3")
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize(("second", "agent_may"), [(100_00, True), (100_01, False)])
async def test_one_charge_is_counted_over_months(second: int, agent_may: bool) -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    nia = await scene.staff("Nia Brooks")
    await _paid_back(shop, sam, nia, 400_00)
    _days_later(45)
    sam, nia = (replace(each, auth_time=clock.now()) for each in (sam, nia))
    case, plan = await _part(shop, sam, second)

    if agent_may:
        assert await approval.approve(case, nia, plan.version, plan.digest)
    else:
        with pytest.raises(facts.Refused, match="of one charge"):
            await approval.approve(case, nia, plan.version, plan.digest)


@pytest.mark.req("A3")
@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("seed", range(4))
async def test_a_split_over_cards_and_cases_meets_a_lead_before_the_limit_is_passed(
    seed: int,
) -> None:
    whole = random.Random(seed).randint(500_01, 900_00)
    first = random.Random(seed + 100).randint(1, min(500_00, whole - 1))
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    nia = await scene.staff("Nia Brooks")
    case, plan = await _part(shop, sam, first)
    await approval.approve(case, nia, plan.version, plan.digest)
    other = await scene.in_triage(shop, sam, **scene.dispute())
    amounts = {shop.deposits[0].id: 0, shop.deposits[1].id: whole - first}
    plan = await scene.propose(other, sam, Outcome.REFUND, amounts=amounts)
    with pytest.raises(facts.Refused, match=r"over \$500.00"):
        other = await Case.get(id=other.id)
        await approval.approve(other, nia, plan.version, plan.digest)


# --- Changing the rules -------------------------------------------------------------------------


async def _managers() -> tuple[Staff, Staff]:
    return await scene.staff("Dana Cole"), await scene.staff("Ruth Adeyemi")


def _lower(limit: int = 400_00) -> Wanted:
    known = Policy()
    return Wanted(
        {**known.refund_limits, "usd": limit},
        known.goodwill_caps,
        known.approval_valid_days,
        known.second_limits,
    )


@pytest.mark.req("A3")
@pytest.mark.usefixtures("db")
async def test_one_manager_proposes_and_another_agrees() -> None:
    dana, ruth = await _managers()
    await rule_changes.propose(dana, _lower(), "Two losses in October")
    waits = await rule_changes.waiting()
    assert waits is not None
    assert [(one.name, one.now, one.then) for one in waits.differences] == [
        ("Refund without a lead, USD", "$500.00", "$400.00")
    ]
    assert (await policies.current()).refund_limit("usd") == usd(500_00)
    with pytest.raises(facts.Refused, match="someone else has to agree"):
        await rule_changes.agree(dana, waits.id)

    assert await rule_changes.agree(ruth, waits.id) == 2

    known = await policies.current()
    assert (known.version, known.refund_limit("usd")) == (2, usd(400_00))
    (change,) = await policies.history()
    assert (change.proposed_by, change.agreed_by) == ("Dana Cole", "Ruth Adeyemi")
    assert change.reason == "Two losses in October"
    with pytest.raises(facts.AlreadyDecided):
        await rule_changes.agree(ruth, waits.id)


@pytest.mark.req("A3")
@pytest.mark.usefixtures("db")
async def test_a_change_needs_a_manager_a_fresh_sign_in_and_a_difference() -> None:
    (dana, ruth), lee = await _managers(), await scene.staff("Lee Moreau")
    with pytest.raises(facts.Refused, match="Only managers"):
        await rule_changes.propose(lee, _lower(), "Why not")
    with pytest.raises(facts.InvalidInput, match="Nothing differs"):
        await rule_changes.propose(dana, _lower(500_00), "Same")
    with pytest.raises(facts.InvalidInput, match="up to"):
        await rule_changes.propose(dana, _lower(1_000_000_01), "A slip")
    await rule_changes.propose(dana, _lower(), "Losses")
    with pytest.raises(facts.AlreadyDecided, match="waits already"):
        await rule_changes.propose(ruth, _lower(300_00), "Mine")
    waits = await rule_changes.waiting()
    assert waits is not None
    with pytest.raises(facts.Refused, match="Sign in again"):
        await rule_changes.agree(scene.signed_in_long_ago(ruth), waits.id)
    await rule_changes.refuse(ruth, waits.id, "Not before the year ends")
    assert await rule_changes.waiting() is None
    assert not await PolicyVersion.all().exists()


@pytest.mark.req("A3", "A11")
@pytest.mark.usefixtures("db")
async def test_a_plan_of_the_old_rules_is_sent_back() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    dana, ruth = await _managers()
    case, plan = await _part(shop, sam, 450_00)
    await rule_changes.propose(dana, _lower(), "Losses")
    waits = await rule_changes.waiting()
    assert waits is not None
    await rule_changes.agree(ruth, waits.id)

    with pytest.raises(facts.Refused, match="rules changed"):
        await approval.approve(case, dana, plan.version, plan.digest)
    back = await approval.send_back(case, dana, plan.version, plan.digest, "Under the new rules")
    amounts = {shop.deposits[0].id: 450_00, shop.deposits[1].id: 0}
    again = await scene.propose(back, sam, Outcome.REFUND, amounts=amounts)
    assert again.policy_version == 2
    page = await approval.page(await Case.get(id=case.id), dana)
    assert page.route.roles == policy.LEADS


@pytest.mark.req("A3", "V2.1.3")
@pytest.mark.usefixtures("db")
async def test_the_pages_propose_agree_and_keep_the_history() -> None:
    dana, ruth = await _managers()
    sam = await scene.staff("Sam Ito")
    hers, his = await desk.browser(dana), await desk.browser(ruth)
    form = {
        "currency": list(policy.REFUND_LIMITS),
        "limit": ["400.00", "500", "400", "700", "750", "75000", "450", "150"],
        "second": ["2000.00", "2000", "1600", "2800", "3000", "300000", "1800", "600"],
        "cap": ["250.00", "250", "200", "", "", "35000", "", ""],
        "person": ["900.00", "1000", "800", "", "", "150000", "", ""],
        "approval_valid_days": "14",
        "reason": "Two losses in October",
    }
    assert "Propose a change" in (await hers.get("/rules")).text
    bad = await hers.post("/rules/change", data=form | {"approval_valid_days": "0", "reason": "x"})
    assert bad.status_code == 422 and "Enter 1 to 90 days" in bad.text
    high = await hers.post("/rules/change", data=form | {"person": ["9e9", *form["person"][1:]]})
    assert high.status_code == 422 and "person_usd-err" in high.text
    assert (await hers.post("/rules/change", data=form)).status_code == 303
    text = reading.words(await hers.get("/rules"))
    assert "someone else has to agree" in text and "$400.00" in text
    assert "Goodwill credit by one person, USD" in text and "$900.00" in text
    (proposal,) = [(await rule_changes.waiting())]
    assert proposal is not None
    own = await hers.post(f"/rules/{proposal.id}/decision", data={"decision": "agree"})
    assert own.status_code == 403
    agreed = await his.post(f"/rules/{proposal.id}/decision", data={"decision": "agree"})
    assert agreed.status_code == 303
    text = reading.words(await (await desk.browser(sam)).get("/rules"))
    for words in ("version 2", "Two losses in October", "Proposed by Dana Cole", "Ruth Adeyemi"):
        assert words in text, words
    assert "Propose a change" not in text


@pytest.mark.req("A3")
@pytest.mark.usefixtures("db")
async def test_only_managers_find_the_form() -> None:
    lee = await desk.browser(await scene.staff("Lee Moreau"))
    assert (await lee.get("/rules/change")).status_code == 403
    dana = await desk.browser(await scene.staff("Dana Cole"), auth_time=desk.long_ago())
    answer = await dana.post("/rules/1/decision", data={"decision": "agree"})
    assert answer.status_code in (303, 401) and "/rules#history" not in str(answer.headers)
