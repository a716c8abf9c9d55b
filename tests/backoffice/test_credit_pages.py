"""Goodwill on the pages: Sam prepares, Ben decides, Priya reads it."""

import pytest

from amends.models import Case, Plan
from amends.rules.workflow import Reason, Status
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.portal import visitor

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.req("A7e")]


async def test_sam_prepares_a_credit_ben_decides_it_and_priya_reads_it() -> None:
    shop, sam, ben = (
        await scene.harbor(),
        await scene.staff("Sam Ito"),
        await scene.staff("Ben Okafor"),
    )
    changes = scene.dispute(Reason.DISSATISFIED) | {"claimed_amount_minor": 180_00}
    case = await scene.in_triage(shop, sam, **changes)
    browser = await desk.browser(sam)

    page = await browser.get(f"/cases/{case.ref}")
    text = reading.words(page)
    assert "Give a credit" in text and "Credit for next invoices −$180.00" in text
    assert "Needs a manager or an account manager" in text
    assert "$250.00 is what this case may still get" in text

    shown = await desk.post(browser, f"/cases/{case.ref}/preview", reading.form(page, credit="300"))
    assert "This case may still get a credit of $250.00" in reading.words(shown)

    shown = await desk.post(
        browser, f"/cases/{case.ref}/preview", reading.form(page, credit="90.00")
    )
    sent = reading.form(shown, why="Two sensors stopped after a week.")
    assert (await desk.post(browser, f"/cases/{case.ref}/decision", sent)).status_code == 303
    assert (await Plan.get(case_id=case.id)).outcome == "credit"

    asked = await (await desk.browser(ben)).get(f"/approvals/{case.ref}")
    assert "Approve a credit of $90.00?" in reading.words(asked)
    yes = reading.form(asked, decision="approve")
    answer = await desk.post(await desk.browser(ben), f"/approvals/{case.ref}", yes)
    assert answer.status_code == 303
    done = await shops.work(await Case.get(id=case.id))
    assert done.status is Status.RESOLVED

    priya = visitor.Browser(visitor.make_app())
    await priya.sign_in(shop.priya)
    own = (await priya.get(f"/requests/{case.ref}")).words
    assert "Done. A credit is on your account" in own and "$90.00" in own
    assert "It is taken off your next invoice" in own


async def test_an_invoice_nobody_has_is_refused_beside_its_field() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam, **scene.dispute(Reason.DISSATISFIED))
    browser = await desk.browser(sam)
    page = await browser.get(f"/cases/{case.ref}")
    shown = await desk.post(
        browser, f"/cases/{case.ref}/preview", reading.form(page, credit="10", invoice="INV-9")
    )
    assert "This is no paid invoice of the customer" in reading.words(shown)
