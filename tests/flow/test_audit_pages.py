"""A cancellation's audit on every page: the list, the case, the customer's page, the last paper."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from amends import papers, settings
from amends.flow import approval, cancellation, desk_letters, sighting
from amends.gateways import stripe_client
from amends.models import Account, Audit, Case, Document, MailItem, Plan
from amends.queries import audits
from amends.rules import plan as plans
from amends.rules.people import Customer, Staff
from amends.rules.workflow import Status
from sandbox.stripe_twin.transport import client_for
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.flow.test_cancellation import all_checked, cancelled, days_pass, ivy, otto
from tests.portal.visitor import Browser, make_app
from tests.shop import Shop

__all__ = ["cancelled", "ivy", "otto"]  # fixtures


@pytest.fixture(autouse=True)
def own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("AMENDS_FILES_URL", f"file://{tmp_path}")
    monkeypatch.setattr(settings, "load", settings.Settings)


@pytest.fixture
async def priya(shop: Shop, cancelled: Case) -> AsyncIterator[Browser]:
    """The customer of the cancellation, signed in."""
    browser = Browser(make_app())
    stripe_client.use(stripe_client.for_transport(client_for(shop.world)))
    await browser.sign_in(await _customer(cancelled))
    yield browser
    await browser.http.aclose()


@pytest.mark.req("B10")
async def test_the_list_shows_how_far_each_is_the_overdue_first(
    shop: Shop, cancelled: Case, otto: Staff
) -> None:
    case = await days_pass(shop, await shops.work(cancelled), 14)
    (row,) = await audits.running()
    assert (row.day, row.days, row.overdue, row.contact) == (9, 60, False, "Ivy Lindqvist")
    assert {item.key for item in row.open} == {"deposits", "disputes", "goods", "invoices"}
    text = reading.words(await (await desk.browser(otto)).get("/audits"))
    for words in (case.ref, "9 of 60", "Feb 23, 2027", "4 of 5", "Stopped", "Ivy Lindqvist"):
        assert words in text, words
    await days_pass(shop, case, 85)
    assert (await audits.running())[0].overdue
    assert "Over since" in (await (await desk.browser(otto)).get("/audits")).text


@pytest.mark.req("B10")
async def test_an_auditor_ticks_extends_and_names_the_contact_on_the_case(
    shop: Shop, cancelled: Case, otto: Staff, ivy: Staff, sam: Staff
) -> None:
    case = await shops.work(await shops.work(cancelled))
    client, path = await desk.browser(otto), f"/cases/{case.ref}"
    text = reading.words(await client.get(path))
    assert "Audit, day 0 of 60" in text and "I have looked at it" in text
    version = {"version": (await Case.get(id=case.id)).version}
    for item in ("deposits", "goods"):
        done = await client.post(f"{path}/audit/tick", data=version | {"item": item})
        assert done.status_code == 303
    none = await client.post(f"{path}/audit/extend", data=version | {"days": "5", "reason": " "})
    assert none.status_code == 422 and "Say why the audit takes longer" in none.text
    much = {"days": "61", "reason": "The unit is still on its way back"}
    wrong = await client.post(f"{path}/audit/extend", data=version | much)
    assert wrong.status_code == 422 and "still on its way back" in wrong.text
    longer = await client.post(f"{path}/audit/extend", data=version | much | {"days": "5"})
    assert longer.status_code == 303
    named = await client.post(f"{path}/audit/contact", data=version | {"csm": ivy.person_id})
    assert named.status_code == 303
    text = reading.words(await client.get(path))
    for words in ("with 5 business days added", "March 2, 2027", "Otto Brandt", "Ivy Lindqvist"):
        assert words in text or words.replace("March", "Mar") in text, words
    his = await desk.browser(sam)
    assert "I have looked at it" not in (await his.get(path)).text
    assert (
        await his.post(f"{path}/audit/tick", data=version | {"item": "goods"})
    ).status_code == 403


@pytest.mark.req("B10")
async def test_the_customer_sees_the_day_the_date_the_name_and_that_nothing_renews(
    shop: Shop, cancelled: Case, priya: Browser, otto: Staff
) -> None:
    case = await days_pass(shop, await shops.work(cancelled), 14)
    await priya.sign_in(await _customer(case))
    page = await priya.get(f"/requests/{case.ref}")
    for words in (
        "day 9 of about 60 business days",
        "We expect it to end by Tue, Feb 23, 2027",
        "Your Customer Success Manager is Ivy Lindqvist",
        "Renewals are stopped since",
    ):
        assert words in page.words, words
    assert "Withdraw this request" not in page.words
    await cancellation.extend(case, otto, 5, "The unit is still on its way back.")
    page = await priya.get(f"/requests/{case.ref}")
    assert "day 9 of about 65 business days" in page.words
    assert "Tue, Mar 2, 2027" in page.words and "still on its way back" not in page.words


@pytest.mark.req("B10", "B6")
async def test_the_second_approval_says_what_it_is_and_promises_no_second_audit(
    shop: Shop, cancelled: Case, otto: Staff, dana: Staff
) -> None:
    case = await shops.work(cancelled)
    await all_checked(case, otto)
    case = await days_pass(shop, case, 93)
    assert case.status is Status.PROPOSED
    fresh = scene.replace(dana, auth_time=shop.time.at)
    await sighting.read_claim(case, fresh)
    text = reading.words(await (await desk.browser(fresh)).get(f"/approvals/{case.ref}"))
    assert "The audit is over. Confirm the amount." in text
    assert "Today: refund to American Express 0005" in text and "After the audit" not in text
    stored = await Plan.get(case_id=case.id, voided_at=None)
    letter = await desk_letters.approved(case, plans.read(stored.canonical))
    assert letter is not None and letter.audit is None
    page = await approval.page(case, fresh)
    assert page.plan.version == 2


@pytest.mark.req("B10", "A9")
async def test_the_confirmation_of_the_cancellation_is_mailed_and_kept(
    shop: Shop, cancelled: Case, otto: Staff, dana: Staff, priya: Browser
) -> None:
    case = await shops.work(cancelled)
    await all_checked(case, otto)
    case = await days_pass(shop, case, 93)
    plan = await Plan.get(case_id=case.id, voided_at=None)
    case = await days_pass(shop, await shops.work(await shops.decide(case, plan, dana)), 2)
    assert case.status is Status.RESOLVED
    document = await Document.get(case_id=case.id, kind="cancellation_confirmation")
    mail = await MailItem.get(case_id=case.id, kind="done")
    assert str(document.id) in mail.document_ids and mail.context["subscription_ended"]
    await priya.sign_in(await _customer(case))
    not_yet = await priya.get(f"/requests/{case.ref}/cancellation.pdf")
    assert not_yet.status == 404 and "is not there yet" in not_yet.words
    await papers.make(str(document.id))
    page = await priya.get(f"/requests/{case.ref}/cancellation")
    for words in ("Confirmation of your cancellation", "does not renew", "Ivy Lindqvist",
                  "Total refunded $2,000.00"):  # fmt: skip
        assert words in page.words, words
    pdf = await priya.get(f"/requests/{case.ref}/cancellation.pdf")
    assert pdf.data.startswith(b"%PDF")


async def _customer(case: Case) -> Customer:
    account = await Account.get(id=case.account_id)
    return Customer(account.id, account.billing_email, "Priya Raman", "Harbor")


@pytest.mark.req("B10")
async def test_two_ticks_at_once_are_both_kept(shop: Shop, cancelled: Case, otto: Staff) -> None:
    case = await shops.work(cancelled)
    await cancellation.tick(case, otto, "goods")
    await cancellation.tick(case, otto, "invoices")
    audit = await Audit.get(case_id=case.id)
    assert {"goods", "invoices"} <= set(audit.checklist)
    assert timedelta(days=60) < audit.ends_on - audit.started_on
