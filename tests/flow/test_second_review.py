"""Of the approved plans some are drawn; somebody without a part in them confirms or objects."""

import pytest
from tortoise import connections
from tortoise.exceptions import BaseORMException
from tortoise.transactions import in_transaction

from amends import clock, facts, keyring, settings
from amends.flow import approval, second_review
from amends.keyring import Key
from amends.models import (
    Approval,
    Case,
    ExceptionItem,
    Leg,
    Plan,
    PolicyVersion,
    SecondReview,
    TimelineEntry,
)
from amends.queries import oversight
from amends.rules.people import Staff
from amends.rules.plan import Outcome
from amends.rules.policy import Policy
from tests.backoffice import desk, reading, scene
from tests.backoffice.scene import Customers

pytestmark = [pytest.mark.req("T27"), pytest.mark.usefixtures("db")]
KEY = Key("abcd", b"k" * 32)


async def _rate(percent: int) -> None:
    await PolicyVersion.create(version=2, rules={"review_percent": percent}, at=clock.now())


async def _approved(percent: int = 100) -> tuple[Case, Staff, Staff]:
    await _rate(percent)
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    return await scene.approved(await scene.harbor(), sam, dana), sam, dana


async def test_the_draw_takes_its_share_repeats_itself_and_hangs_on_the_key() -> None:
    digests = [f"{number:064x}" for number in range(20_000)]
    drawn = {each for each in digests if second_review.draw(KEY, each, 5).drawn}
    assert 900 < len(drawn) < 1100
    assert drawn == {each for each in digests if second_review.draw(KEY, each, 5).drawn}
    other = Key("efgh", b"o" * 32)
    both = drawn & {each for each in digests if second_review.draw(other, each, 5).drawn}
    assert len(both) < 120, "who does not know the key knows nothing of the draw"
    assert not any(second_review.draw(KEY, each, 0).drawn for each in digests)
    assert all(second_review.draw(KEY, each, 100).drawn for each in digests)


async def test_five_of_a_hundred_are_drawn_unless_two_managers_set_another_share() -> None:
    assert Policy().review_percent == 5


async def test_a_drawn_plan_is_listed_and_the_history_says_how_it_was_drawn() -> None:
    case, *_ = await _approved()
    row = await SecondReview.get(case_id=case.id)
    key = keyring.keys(settings.load())[0]
    assert (row.key, row.percent, row.decision) == (key.id, 100, "")
    entry = await TimelineEntry.get(case_id=case.id, action="approve")
    again = second_review.draw(key, row.digest, 100)
    assert entry.data["second_review"] == again.told()


async def test_a_plan_that_was_not_drawn_says_so_in_the_history_and_is_not_listed() -> None:
    case, *_ = await _approved(0)
    assert not await SecondReview.all().exists()
    entry = await TimelineEntry.get(case_id=case.id, action="approve")
    assert entry.data["second_review"]["drawn"] is False


async def test_nobody_with_a_part_looks_again_and_nobody_outside_of_the_roles() -> None:
    case, sam, dana = await _approved()
    row = await SecondReview.get(case_id=case.id)
    for by in (sam, dana, await scene.staff("Lee Moreau")):
        with pytest.raises(facts.Refused):
            await second_review.decide(by, row.id, "confirmed", "")
    with pytest.raises((BaseORMException, Exception), match="someone else"):
        async with in_transaction():
            await SecondReview.filter(id=row.id).update(
                decision="confirmed", reviewer_id=dana.person_id, decided_at=clock.now()
            )
    for sql in ("DELETE FROM second_review", "UPDATE second_review SET digest = 'x'"):
        with pytest.raises((BaseORMException, Exception), match="immutable"):
            async with in_transaction():
                await connections.get("default").execute_query(sql)


async def test_an_objection_needs_a_reason_reaches_the_exceptions_desk_and_moves_nothing() -> None:
    case, *_ = await _approved()
    row, otto = await SecondReview.get(case_id=case.id), await scene.staff("Otto Brandt")
    before = (await Case.get(id=case.id), await Leg.filter(case_id=case.id).order_by("position"))
    with pytest.raises(facts.InvalidInput):
        await second_review.decide(otto, row.id, "objected", "  ")
    await second_review.decide(otto, row.id, "objected", "No sign of a duplicate")
    item = await ExceptionItem.get(kind="review_objected")
    assert "Otto Brandt objects" in item.detail and item.case_id == case.id
    after = await Case.get(id=case.id)
    assert (after.status, after.version) == (before[0].status, before[0].version)
    assert [leg.state for leg in before[1]] == [
        leg.state for leg in await Leg.filter(case_id=case.id).order_by("position")
    ]
    with pytest.raises(facts.AlreadyDecided):
        await second_review.decide(otto, row.id, "confirmed", "")


async def test_otto_confirms_on_the_page_and_dana_may_not() -> None:
    case, _, dana = await _approved()
    row, otto = await SecondReview.get(case_id=case.id), await scene.staff("Otto Brandt")
    client = await desk.browser(otto)
    text = reading.words(await client.get("/oversight"))
    for words in (case.ref, "Second reviews, 1 open", "prepared by Sam Ito", "by Dana Cole"):
        assert words in text, words
    hers = await desk.browser(dana)
    assert "someone else has to look" in (await hers.get("/oversight")).text
    path = f"/oversight/reviews/{row.id}"
    refused = await hers.post(path, data={"decision": "confirmed"})
    assert refused.status_code == 403
    silent = await client.post(path, data={"decision": "objected", "reason": ""})
    assert silent.status_code == 422 and "Say what is wrong" in silent.text
    assert (await client.post(path, data={"decision": "confirmed"})).status_code == 303
    text = reading.words(await client.get("/oversight"))
    assert "Second reviews, 0 open" in text and "by Otto Brandt" in text
    assert (await client.post(path, data={"decision": "confirmed"})).status_code == 409


async def _refunded(harbor: Customers, minor: int) -> None:
    """A part of the Amex charge is refunded; approved by whoever may."""
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await scene.in_triage(harbor, sam, **scene.dispute())
    amounts = {harbor.deposits[0].id: minor, harbor.deposits[1].id: 0}
    plan = await scene.propose(case, sam, Outcome.REFUND, amounts=amounts)
    await approval.approve(await Case.get(id=case.id), dana, plan.version, plan.digest)


@pytest.mark.parametrize(
    ("minor", "found"),
    [(300_00, {"round"}), (495_50, {"under"}), (312_34, set()), (489_99, set()),
     (1200_00, set())],
)  # fmt: skip
async def test_a_round_part_and_one_just_under_the_limit_are_named(
    minor: int, found: set[str]
) -> None:
    await _refunded(await scene.harbor(), minor)
    listed = await oversight.amounts(clock.now(), Policy())
    assert {"round" if each.is_round else "under" for each in listed} == found


async def _decided(case: Case, maker: Staff, approver: Staff, version: int) -> None:
    """One more plan of the case, prepared and approved; void afterwards, as one at a time lives."""
    seen = await Plan.filter(case_id=case.id).first()
    assert seen is not None
    plan = await Plan.create(
        case_id=case.id, version=version, digest=seen.digest, canonical=seen.canonical,
        policy_version=1, outcome=seen.outcome, prepared_by_id=maker.person_id,
        created_at=clock.now(),
    )  # fmt: skip
    await Approval.create(
        plan_id=plan.id, case_id=case.id, decision="approved", digest=plan.digest, role="manager",
        approver_id=approver.person_id, at=clock.now(),
    )  # fmt: skip
    await Plan.filter(id=plan.id).update(voided_at=clock.now())


async def test_the_report_reads_the_pair_from_the_approvals() -> None:
    case, _, dana = await _approved(0)
    await Plan.filter(case_id=case.id).update(voided_at=clock.now())
    ruth = await scene.staff("Ruth Adeyemi")
    for version in range(2, 8):
        both = (dana, ruth) if version % 2 else (ruth, dana)
        await _decided(case, *both, version)
    (pair,) = await oversight.pairs(clock.now())
    assert {pair.first.split(" (")[0], pair.second.split(" (")[0]} == {dana.name, ruth.name}
    assert (pair.for_first, pair.for_second, pair.of) == (3, 3, 6)
    text = reading.words(await (await desk.browser(await scene.staff("Otto Brandt"))).get(
        "/oversight"))  # fmt: skip
    assert "Dana Cole" in text and "100 %" in text
