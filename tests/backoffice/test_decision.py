"""The decision panel: the plan is shown, sent, changed, asked about, declined, taken back."""

from typing import Any

import httpx2
import pytest

from amends.flow import triage
from amends.models import Case, Leg, MailItem, Plan
from amends.rules.people import Staff
from amends.rules.plan import LegKind
from amends.rules.workflow import Reason, Status
from tests.backoffice import desk, reading, scene

pytestmark = pytest.mark.usefixtures("db")
PARTIAL = {"hx-request": "true", "hx-request-type": "partial"}


async def _open(**changes: Any) -> tuple[Case, httpx2.AsyncClient, scene.Customers, Staff]:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam, **changes)
    return case, await desk.browser(sam), shop, sam


async def test_it_sends_the_plan_that_was_seen() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="Both deposits match")

    answer = await client.post(f"/cases/{case.ref}/decision", data=form)

    assert answer.status_code == 303
    plan = await Plan.get(case_id=case.id)
    assert f"rebill:{plan.digest}" in form["seen"] and plan.why == "Both deposits match"
    page = await client.get(answer.headers["location"])
    text = reading.words(page)
    assert ("Sent for a decision" in text and "Next case" in text) or "Back to the list" in text
    assert 'name="outcome"' not in page.text


async def test_htmx_gets_the_same_as_a_redirect() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="Matches")
    answer = await client.post(f"/cases/{case.ref}/decision", data=form, headers=PARTIAL)
    assert answer.status_code == 204
    assert answer.headers["hx-redirect"].startswith(f"/cases/{case.ref}?view=")


async def test_refund_only_needs_no_second_look() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="No new card", outcome="refund")

    assert (await client.post(f"/cases/{case.ref}/decision", data=form)).status_code == 303

    legs = await Leg.filter(case_id=case.id)
    assert {leg.kind for leg in legs} == {LegKind.REFUND}


async def test_a_missing_reason_is_said_at_the_field_and_on_top() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why=" ")

    for headers in ({}, PARTIAL):
        answer = await client.post(f"/cases/{case.ref}/decision", data=form, headers=headers)
        assert answer.status_code == 422
        assert '<a href="#why">Say why' in answer.text and 'id="why-err"' in answer.text
        assert ("<html" in answer.text) is (not headers)
    assert not await Plan.exists()


async def test_changed_amounts_are_shown_before_they_are_sent() -> None:
    case, client, shop, _ = await _open()
    first = await client.get(f"/cases/{case.ref}")
    form = reading.form(first, why="Only a part")
    assert form["amount"] == ["1,200.00", "800.00"]

    answer = await client.post(
        f"/cases/{case.ref}/decision", data=form | {"amount": ["1,000.00", "0"]}
    )
    assert answer.status_code == 409
    text = reading.words(answer)
    assert "The plan is not the one you saw" in text and "approve $1,000.00" in text
    again = await client.post(f"/cases/{case.ref}/decision", data=reading.form(answer))
    assert again.status_code == 303
    legs = await Leg.filter(case_id=case.id).order_by("position")
    assert [leg.amount_minor for leg in legs] == [1000_00, 1000_00]
    assert legs[0].charge_id == shop.deposits[0].charge_id


@pytest.mark.req("T16")
@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        (["1,200.01", "800"], "Enter $1,200.00 or less"),
        (["-5", "800"], "Enter the amount without a minus sign"),
        (["abc", "800"], "Enter an amount like"),
        (["1.234", "800"], "Enter at most 2 digits"),
    ],
)
async def test_amounts_that_cannot_be_are_said_at_their_field(
    amounts: list[str], said: str
) -> None:
    case, client, shop, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="x")

    for path in ("preview", "decision"):
        answer = await client.post(f"/cases/{case.ref}/{path}", data=form | {"amount": amounts})
        assert said in reading.words(answer), path
        assert f'id="amount_{shop.deposits[0].id}-err"' in answer.text
        assert f'value="{amounts[0]}"' in answer.text
    assert not await Plan.exists()


async def test_a_sum_that_differs_is_refused() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="x", recharge="2,100.00")
    answer = await client.post(f"/cases/{case.ref}/decision", data=form)
    assert answer.status_code == 422 and "Enter $2,000.00" in reading.words(answer)


async def test_a_preview_stores_nothing_and_keeps_what_was_typed() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="Half <b>typed</b>")
    answer = await client.post(
        f"/cases/{case.ref}/preview", data=form | {"outcome": "refund"}, headers=PARTIAL
    )
    assert answer.status_code == 200 and answer.text.lstrip().startswith('<div class="panel"')
    assert "Half &lt;b&gt;typed&lt;/b&gt;" in answer.text
    assert "a lead or a manager to approve $2,000.00" in reading.words(answer)
    assert not await Plan.exists()


async def test_it_asks_the_customer() -> None:
    case, client, _, _ = await _open()
    page = await client.get(f"/cases/{case.ref}")
    empty = await client.post(f"/cases/{case.ref}/decision", data=reading.form(page, outcome="ask"))
    assert empty.status_code == 422 and "Write what you need to know" in empty.text
    form = reading.form(empty, told="Which module do you mean?", papers="true")

    assert (await client.post(f"/cases/{case.ref}/decision", data=form)).status_code == 303

    assert (await Case.get(id=case.id)).status is Status.NEEDS_CUSTOMER
    mail = await MailItem.get(case_id=case.id)
    assert (mail.kind, mail.context["question"]) == ("answer_needed", "Which module do you mean?")
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "wait for the answer" in text
    assert "Identification or business papers" in reading.words(
        await client.get(f"/cases/{case.ref}/identity")
    )


async def test_it_declines_with_words_for_the_customer() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), outcome="decline", why="Not ours")
    answer = await client.post(f"/cases/{case.ref}/decision", data=form)
    assert answer.status_code == 422 and "Write what the customer will read" in answer.text
    form = reading.form(answer, told="The charge is for your yearly plan.")

    assert (await client.post(f"/cases/{case.ref}/decision", data=form)).status_code == 303
    page = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "Declined" in page and "The charge is for your yearly plan." in page


async def test_an_older_page_acts_on_nothing_and_keeps_the_words() -> None:
    case, client, shop, _ = await _open()
    lee = await scene.staff("Lee Moreau")
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="My long reason")
    await triage.claim(case, lee)

    for headers in ({}, PARTIAL):
        answer = await client.post(f"/cases/{case.ref}/decision", data=form, headers=headers)
        assert answer.status_code == 409
        assert "Lee Moreau changed this case" in answer.text and "My long reason" in answer.text
    assert not await Plan.exists() and shop


async def test_the_same_form_twice_makes_one_plan() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="Matches")
    first = await client.post(f"/cases/{case.ref}/decision", data=form)
    second = await client.post(f"/cases/{case.ref}/decision", data=form)
    assert (first.status_code, second.status_code) == (303, 409)
    assert await Plan.filter(case_id=case.id).count() == 1


@pytest.mark.req("T28")
async def test_a_tampered_seed_or_digest_is_refused() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="Matches")
    for change in ({"seen": "rebill:" + "0" * 64}, {"seed": scene.planning.new_seed()}):
        answer = await client.post(f"/cases/{case.ref}/decision", data=form | change)
        assert answer.status_code == 409, change
    broken = await client.post(f"/cases/{case.ref}/decision", data=form | {"seed": "nope"})
    assert broken.status_code in (409, 422)
    assert not await Plan.exists()


async def test_an_agent_sees_but_does_not_plan_for_security() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    noor = await scene.staff("Noor Haddad")
    case = await scene.in_triage(shop, noor, **scene.dispute(Reason.NOT_RECOGNISED))
    page = await (await desk.browser(sam)).get(f"/cases/{case.ref}")
    assert 'name="outcome"' not in page.text
    assert "Security or a manager prepares this plan" in reading.words(page)


async def test_the_preparer_takes_the_plan_back() -> None:
    case, client, _, _ = await _open()
    form = reading.form(await client.get(f"/cases/{case.ref}"), why="Matches")
    await client.post(f"/cases/{case.ref}/decision", data=form)
    now = await Case.get(id=case.id)
    back = {"version": now.version, "plan": 1}

    empty = await client.post(f"/cases/{case.ref}/plan/back", data=back)
    assert empty.status_code == 422
    answer = await client.post(f"/cases/{case.ref}/plan/back", data=back | {"note": "Wrong"})
    assert answer.status_code == 303
    assert (await Case.get(id=case.id)).status is Status.TRIAGE


@pytest.mark.req("T53")
async def test_a_card_number_in_the_reason_is_masked() -> None:
    case, client, _, _ = await _open()
    why = "Card 4242 4242 4242 4242 is closed"
    form = reading.form(await client.get(f"/cases/{case.ref}"), why=why)
    await client.post(f"/cases/{case.ref}/decision", data=form)
    assert "4242 4242 4242 4242" not in (await Plan.get(case_id=case.id)).why
