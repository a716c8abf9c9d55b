"""Deciding a plan: all of it is on the page, one form decides, and only what was seen."""

from typing import Any

import pytest

from amends.flow import approval, triage
from amends.models import Approval, Case, Plan
from amends.rules.workflow import Status
from tests.backoffice import desk, reading, scene

pytestmark = pytest.mark.usefixtures("db")


async def _waiting() -> tuple[scene.Customers, Case, Plan, Any]:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole")
    case, plan = await scene.proposed(shop, sam)
    return shop, case, plan, await desk.browser(dana)


@pytest.mark.req("T29", "I9")
async def test_the_page_shows_every_input_of_the_digest() -> None:
    _, case, plan, dana = await _waiting()
    text = reading.words(await dana.get(f"/approvals/{case.ref}"))

    for words in (
        "Approve refunding $2,000.00 and charging a new card?", "Prepared by Sam Ito",
        "Needs a manager: it is a re-bill, and it is over $500.00", scene.EMAIL,
        "Today: refund to American Express 0005", "−$1,200.00", "Deposit 1",
        "Today: refund to Visa debit 5556", "−$800.00", "Deposit 2",
        "After both are confirmed: charge Mastercard 5454", "+$2,000.00",
        "Difference for the customer $0.00", "Sent refunds cannot be called back", "Plan v1",
        plan.digest[:12], "rules v1", case.ref, "Harbor Fitness LLC", "Both deposits match.",
        "checks passed, read from Stripe just now", "shows on the statement between",
    ):  # fmt: skip
        assert words in text, words


async def test_dana_approves_with_one_form() -> None:
    _, case, plan, dana = await _waiting()
    page = await dana.get(f"/approvals/{case.ref}")

    answer = await dana.post(f"/approvals/{case.ref}", data=reading.form(page, decision="approve"))

    assert (answer.status_code, answer.headers["location"]) == (303, f"/approvals/{case.ref}")
    assert (await Approval.get(plan_id=plan.id)).decision == "approved"
    text = reading.words(await dana.get(f"/approvals/{case.ref}"))
    assert "Dana Cole approved plan v1 on" in text


async def test_the_second_manager_hears_who_was_faster_and_when() -> None:
    _, case, plan, dana = await _waiting()
    ruth = await desk.browser(await scene.staff("Ruth Adeyemi"))
    hers = reading.form(await ruth.get(f"/approvals/{case.ref}"), decision="approve")
    his = reading.form(await dana.get(f"/approvals/{case.ref}"), decision="approve")
    await dana.post(f"/approvals/{case.ref}", data=his)

    for form in (hers, hers | {"decision": "decline", "note": "No", "told": "No"}):
        answer = await ruth.post(f"/approvals/{case.ref}", data=form)
        assert answer.status_code == 409
        assert "Dana Cole approved plan v1 on" in reading.words(answer)
    assert await Approval.filter(plan_id=plan.id).count() == 1


async def test_sending_back_and_declining_need_words() -> None:
    _, case, _, dana = await _waiting()
    page = await dana.get(f"/approvals/{case.ref}")
    for decision, said in (
        ("send_back", "Write what you want to know"), ("decline", "Say why, for the audit log"),
    ):  # fmt: skip
        answer = await dana.post(
            f"/approvals/{case.ref}", data=reading.form(page, decision=decision)
        )
        assert answer.status_code == 422 and said in reading.words(answer)
        assert answer.text.count("There is a problem") == 1
    nothing = await dana.post(f"/approvals/{case.ref}", data=reading.form(page))
    assert nothing.status_code == 422 and "Choose a decision" in nothing.text

    form = reading.form(page, decision="send_back", note="Why the Visa too?")
    assert (await dana.post(f"/approvals/{case.ref}", data=form)).status_code == 303
    assert (await Case.get(id=case.id)).status is Status.TRIAGE
    text = reading.words(await dana.get(f"/approvals/{case.ref}"))
    assert "Sent back" in text and "Why the Visa too?" in text


async def test_declining_ends_the_case() -> None:
    _, case, _, dana = await _waiting()
    page = await dana.get(f"/approvals/{case.ref}")
    form = reading.form(page, decision="decline", note="Not covered", told="The terms say no.")
    assert (await dana.post(f"/approvals/{case.ref}", data=form)).status_code == 303
    assert (await Case.get(id=case.id)).status is Status.DECLINED


@pytest.mark.req("T28")
async def test_another_plan_than_the_one_seen_shows_both() -> None:
    shop, case, plan, dana = await _waiting()
    sam, ruth = await scene.staff("Sam Ito"), await scene.staff("Ruth Adeyemi")
    form = reading.form(
        await dana.get(f"/approvals/{case.ref}"), decision="approve", note="Looks right"
    )
    back = await approval.send_back(case, ruth, plan.version, plan.digest, "Only the Visa?")
    await scene.propose(back, sam, amounts={shop.deposits[0].id: 0})

    answer = await dana.post(f"/approvals/{case.ref}", data=form)

    assert answer.status_code == 409
    text = reading.words(answer)
    assert "What you saw: plan v1" in text and "What it is now: plan v2" in text
    now = text.index("What it is now")
    assert text.index("−$1,200.00") < now < text.rindex("−$800.00")
    assert "Looks right" in text and not await Approval.filter(decision="approved").exists()


@pytest.mark.req("T29", "V16.3.3")
@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"plan": 2}])
async def test_a_tampered_form_is_refused(change: dict[str, Any]) -> None:
    _, case, _, dana = await _waiting()
    form = reading.form(await dana.get(f"/approvals/{case.ref}"), decision="approve")
    answer = await dana.post(f"/approvals/{case.ref}", data=form | change)
    assert answer.status_code == 409 and not await Approval.exists()


async def test_a_message_that_came_meanwhile_is_read_first() -> None:
    _, case, _, dana = await _waiting()
    form = reading.form(await dana.get(f"/approvals/{case.ref}"), decision="approve")
    await triage.assign(
        case, await scene.staff("Sam Ito"), (await scene.staff("Nia Brooks")).person_id
    )
    answer = await dana.post(f"/approvals/{case.ref}", data=form)
    assert answer.status_code == 409 and "Sam Ito changed this case" in answer.text
    assert not await Approval.exists()


async def test_the_preparer_reads_why_somebody_else_decides() -> None:
    _, case, plan, _ = await _waiting()
    sam = await desk.browser(await scene.staff("Sam Ito"))
    page = await sam.get(f"/approvals/{case.ref}")
    assert "You prepared this plan, so someone else has to approve it." in page.text
    assert 'name="decision"' not in page.text
    form = {
        "version": case.version, "plan": 1, "digest": plan.digest, "decision": "approve",
    }  # fmt: skip
    answer = await sam.post(f"/approvals/{case.ref}", data=form)
    assert answer.status_code == 403 and "You prepared this plan" in answer.text


async def test_the_list_says_what_waits_for_whom_and_why() -> None:
    _, case, _, dana = await _waiting()
    lee = await desk.browser(await scene.staff("Lee Moreau"))
    mine = reading.words(await dana.get("/approvals"))
    assert "Waiting for you, 1" in mine and case.ref in mine and "it is a re-bill" in mine
    others = reading.words(await lee.get("/approvals"))
    assert "Waiting for you, 0" in others and "Nothing waits for you" in others
    assert "Waiting for others, 1" in others and "Needs a manager" in others


async def test_a_dispute_between_seeing_and_deciding_stops_it() -> None:
    shop, case, _, dana = await _waiting()
    form = reading.form(await dana.get(f"/approvals/{case.ref}"), decision="approve")
    shop.world.open_dispute(shop.deposits[0].charge_id)

    answer = await dana.post(f"/approvals/{case.ref}", data=form)

    assert answer.status_code == 403 and "The bank disputes" in answer.text
    page = await dana.get(f"/approvals/{case.ref}")
    assert "Not possible: see the checks in red" in page.text
    assert not await Approval.exists()


@pytest.mark.req("T39", "V1.2.1")
async def test_what_is_written_about_a_plan_is_never_markup() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam, contact_name="<i hx-post=/x>")
    form, shown = await scene.shown(case, sam)
    await scene.planning.propose(case, sam, form, shown.digest, "<script>x</script>")
    dana = await desk.browser(await scene.staff("Dana Cole"))
    for path in (f"/approvals/{case.ref}", "/approvals", f"/cases/{case.ref}/plan"):
        page = await dana.get(path)
        assert "<script>x" not in page.text and "<i hx-post" not in page.text, path
