"""Erasing a person: nothing of them is left, the chain holds, the money still adds up."""

from pathlib import Path

import pytest

from amends import facts, ledger, timeline
from amends.models import (
    Account,
    Approval,
    Attempt,
    Case,
    Erasure,
    LedgerEntry,
    Leg,
    Plan,
    TimelineEntry,
)
from amends.privacy import erase, subject
from amends.privacy.erase import Wish
from amends.queries import staff_log
from amends.rules import plan as plans
from amends.rules.people import Staff
from tests.privacy import scene
from tests.shop import Shop

WISH = Wish("Alex Kim", "Asked for it on 2026-12-30, ticket 51")
pytestmark = pytest.mark.req("T63", "V14.2.4")


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "files").rglob("*") if path.is_file()]


async def test_nothing_of_the_person_is_left_anywhere(
    shop: Shop, sam: Staff, dana: Staff, tmp_path: Path
) -> None:
    filed = await scene.closed(shop, sam, dana)
    assert len(scene.traces(await scene.whole_database(), filed.words)) > 20
    assert len(files(tmp_path)) >= 3

    done = await erase.erase(await subject.find(filed.address), WISH)

    assert scene.traces(await scene.whole_database(), filed.words) == []
    assert files(tmp_path) == []
    assert (done.accounts, done.cases) == (1, 1) and done.files >= 3 and done.entries > 5


async def test_the_chain_holds_and_says_what_happened(shop: Shop, sam: Staff, dana: Staff) -> None:
    filed = await scene.closed(shop, sam, dana)
    before = await TimelineEntry.filter(case_id=filed.case.id).order_by("seq")

    await erase.erase(await subject.find(filed.address), WISH)

    chain = await staff_log.chain(filed.case.id)
    assert chain.broken_at is None and chain.rows == len(before) + 1
    after = await TimelineEntry.filter(case_id=filed.case.id).order_by("seq")
    kept = [(row.action, row.actor_id, row.at, row.commitment, row.hash) for row in before]
    assert [(r.action, r.actor_id, r.at, r.commitment, r.hash) for r in after[:-1]] == kept
    assert all(row.salt is None and not row.reason and not row.data for row in after[:-1])
    assert after[-1].action == erase.ACTION
    assert {row.actor_name for row in after} >= {"Sam Ito", "Dana Cole"}, "staff stay responsible"


async def test_amounts_days_and_decisions_stay(shop: Shop, sam: Staff, dana: Staff) -> None:
    filed = await scene.closed(shop, sam, dana)
    ids = {"case_id": filed.case.id}
    before = await LedgerEntry.filter(**ids).order_by("id").values()
    legs = await Leg.filter(**ids).order_by("id").values("id", "amount_minor", "stripe_id", "state")
    decided = await Approval.filter(**ids).values("approver_id", "at", "digest", "decision")

    await erase.erase(await subject.find(filed.address), WISH)

    assert await LedgerEntry.filter(**ids).order_by("id").values() == before and before
    assert (
        await Leg.filter(**ids).order_by("id").values("id", "amount_minor", "stripe_id", "state")
        == legs
    )
    assert await Approval.filter(**ids).values("approver_id", "at", "digest", "decision") == decided
    plan = await Plan.get(**ids)
    read = plans.read(plan.canonical)
    assert sum(leg.amount_minor for leg in read.refunds()) == 200_000
    assert read.recipient == "erased" and plan.digest == decided[0]["digest"]
    assert await Attempt.filter(leg__case_id=filed.case.id).count() >= 3
    assert ledger.Effect.REFUND in {row["effect"] for row in before}


async def test_nobody_signs_in_and_nothing_can_be_guessed(
    shop: Shop, sam: Staff, dana: Staff
) -> None:
    filed = await scene.closed(shop, sam, dana)
    entry = await TimelineEntry.filter(case_id=filed.case.id, action="note").first()
    assert entry is not None
    await erase.erase(await subject.find(filed.address), WISH)

    with pytest.raises(facts.NotFound):
        await subject.find(filed.address)
    assert not await Account.filter(billing_email=filed.address).exists()
    row = await Erasure.get()
    assert (row.by, row.reason, row.cases) == (WISH.by, WISH.reason, 1)
    assert await erase.was_erased(filed.address.upper()) == row.at
    assert await erase.was_erased("somebody@else.example") is None
    # Who knows every word but not the salt cannot even confirm a guess.
    for salt in ("", "0" * 32):
        guess = timeline.commitment(salt, entry.actor_name, entry.reason, entry.data)
        assert guess != entry.commitment


async def test_others_keep_what_is_theirs(shop: Shop, sam: Staff, dana: Staff) -> None:
    filed = await scene.closed(shop, sam, dana)
    other = await scene.closed(shop, sam, dana)
    await erase.erase(await subject.find(filed.address), WISH)
    case = await Case.get(id=other.case.id)
    assert (case.contact_name, case.story) == ("Priya Raman", scene.STORY)
    assert (await Account.get(id=other.sold.account.id)).billing_email == other.address


async def test_it_is_refused_while_the_case_is_open(shop: Shop, sam: Staff, dana: Staff) -> None:
    filed = await scene.opened(shop, sam, dana)
    with pytest.raises(facts.Refused, match=rf"{filed.case.ref} is open \(approved\)"):
        await erase.erase(await subject.find(filed.address), WISH)
    assert (await Case.get(id=filed.case.id)).story == scene.STORY


@pytest.mark.parametrize("reason", ["", "Priya Raman wants it"])
async def test_the_record_needs_a_reason_that_names_nobody(
    shop: Shop, sam: Staff, dana: Staff, reason: str
) -> None:
    filed = await scene.closed(shop, sam, dana)
    with pytest.raises(facts.Refused, match="reason"):
        await erase.erase(await subject.find(filed.address), Wish("Alex Kim", reason))
    assert (await Case.get(id=filed.case.id)).contact_name == "Priya Raman"
