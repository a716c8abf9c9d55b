"""The Security desk: there for Security and managers only, with all that decides a case."""

import json

import pytest

from amends.flow import fraud, triage
from amends.models import Account, Case, Plan
from amends.rules.people import STRIPE
from amends.rules.workflow import Reason, Status
from tests.backoffice import desk, reading, scene

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.req("A7d")]


async def frozen(shop: scene.Customers) -> Case:
    sam = await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam, **scene.dispute(Reason.DUPLICATE))
    return await triage.set_reason(case, sam, Reason.NOT_RECOGNISED)


@pytest.mark.req("V8.2.1")
@pytest.mark.parametrize(
    "name", ["Sam Ito", "Lee Moreau", "Ben Okafor", "Otto Brandt", "Alex Kim", "Ivy Lindqvist"]
)
async def test_it_is_not_there_for_others(name: str) -> None:
    shop = await scene.harbor()
    case = await frozen(shop)
    browser = await desk.browser(await scene.staff(name))
    for path in ("/security", f"/security/{case.ref}"):
        assert (await browser.get(path)).status_code == 404
    for act in ("refund", "take-over", "lift", "decline"):
        form = {"version": str(case.version), "reason": "x", "why": "x", "told": "x"}
        answer = await desk.post(browser, f"/security/{case.ref}/{act}", form)
        assert answer.status_code == 404
    assert (await Case.get(id=case.id)).status is Status.LOCKED_FRAUD


async def test_it_shows_warnings_risk_disputes_and_other_cases() -> None:
    shop, noor = await scene.harbor(), await scene.staff("Noor Haddad")
    other = await scene.submitted(shop)
    shop.world.warn_fraud(shop.deposits[0].charge_id)
    case = await frozen(shop)
    browser = await desk.browser(noor)
    text = reading.words(await browser.get("/security"))
    assert "Harbor Fitness LLC Frozen since" in text and case.ref in text
    text = reading.words(await browser.get(f"/security/{case.ref}"))
    for words in ("Early fraud warning", "Risk normal", "No bank dispute", other.ref,
                  "Pay it back as fraud", "Lift the flag"):  # fmt: skip
        assert words in text, words


async def test_noor_prepares_the_refund_and_dana_decides_it() -> None:
    shop, noor, dana = (
        await scene.harbor(),
        await scene.staff("Noor Haddad"),
        await scene.staff("Dana Cole"),
    )
    case = await frozen(shop)
    browser = await desk.browser(noor)
    page = await browser.get(f"/security/{case.ref}")
    empty = reading.form(page, "pay-back")
    assert (await desk.post(browser, f"/security/{case.ref}/refund", empty)).status_code == 422
    sent = await desk.post(
        browser, f"/security/{case.ref}/refund", empty | {"why": "The holder called it in."}
    )
    assert sent.status_code == 303
    plan = await Plan.get(case_id=case.id)
    assert {leg["stripe_reason"] for leg in json.loads(plan.canonical)["legs"]} == {"fraudulent"}
    asked = await (await desk.browser(dana)).get(f"/approvals/{case.ref}")
    assert "Approve refunding $2,000.00?" in reading.words(asked)


@pytest.mark.req("V7.5.3")
async def test_noor_lifts_the_flag_with_a_reason_and_a_fresh_sign_in() -> None:
    shop, noor = await scene.harbor(), await scene.staff("Noor Haddad")
    case = await frozen(shop)
    form = {"version": str(case.version), "reason": "Priya found the invoice"}
    old = await desk.browser(noor, auth_time=desk.long_ago())
    answer = await desk.post(old, f"/security/{case.ref}/lift", form)
    assert answer.status_code == 303 and "/sign-in/again" in answer.headers["location"]
    browser = await desk.browser(noor)
    answer = await desk.post(browser, f"/security/{case.ref}/lift", form)
    assert answer.status_code == 303
    assert (await Case.get(id=case.id)).status is Status.TRIAGE
    assert (await Account.get(id=shop.account.id)).flagged_at is None
    again = await desk.post(browser, f"/security/{case.ref}/lift", form)
    assert again.status_code == 409


async def test_noor_declines_and_treats_another_case_as_fraud() -> None:
    shop, noor, sam = (
        await scene.harbor(),
        await scene.staff("Noor Haddad"),
        await scene.staff("Sam Ito"),
    )
    case = await scene.in_triage(shop, sam)
    await fraud.flag(case, STRIPE, "Early fraud warning.")
    case = await Case.get(id=case.id)
    browser = await desk.browser(noor)
    assert "Was it fraud?" in reading.words(await browser.get(f"/security/{case.ref}"))
    form = {"version": str(case.version), "reason": "Another holder"}
    assert (await desk.post(browser, f"/security/{case.ref}/take-over", form)).status_code == 303
    case = await Case.get(id=case.id)
    assert case.reason is Reason.NOT_RECOGNISED
    form = {"version": str(case.version), "why": "No proof", "told": "We found nothing wrong."}
    assert (await desk.post(browser, f"/security/{case.ref}/decline", form)).status_code == 303
    assert (await Case.get(id=case.id)).status is Status.DECLINED
    assert "No open case" in reading.words(await browser.get("/security"))
