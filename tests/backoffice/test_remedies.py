"""The ways out after a refund that failed, walked page by page: four ways, two people, no leaks."""

import re
import uuid

import httpx2
import pytest

from amends import clock
from amends.flow import advance
from amends.models import Attachment, Case, ExceptionItem, LedgerEntry, Leg, Message, Plan
from amends.rules.plan import LegKind
from amends.rules.remedies import Way
from amends.rules.workflow import Status
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.reconcile import test_remedy as late
from tests.shop import Shop

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.req("B12", "F21", "I7", "I9")]


@pytest.fixture
async def at(db: None, shop: Shop) -> late.At:
    """Harbor Fitness, whose refund came back on the third day, after the case was resolved."""
    return await late.fails_late(shop)


async def _prepare(
    browser: httpx2.AsyncClient, ref: str, way: Way, **words: str
) -> httpx2.Response:
    """As a person does: open the way, write, look at the plan, send it."""
    path = f"/cases/{ref}/remedy/{way}"
    page = await browser.get(path)
    assert page.status_code == 200
    if way in (Way.PAY_OTHERWISE, Way.KEEP):
        assert "Ask a manager" not in page.text
        page = await desk.post(browser, path, reading.form(page, "remedy", act="show", **words))
        assert page.status_code == 200
    assert "If a manager approves" in reading.words(page)
    form = reading.form(page, "remedy", act="send", why="The bank sent it back.", **words)
    return await desk.post(browser, path, form)


async def _approve(browser: httpx2.AsyncClient, ref: str) -> str:
    """Opens the decision and approves; returns what the page said."""
    page = await browser.get(f"/approvals/{ref}")
    answer = await desk.post(
        browser, f"/approvals/{ref}", reading.form(page, decision="approve", note="Yes")
    )
    assert answer.status_code == 303, answer.text
    return reading.words(page)


async def test_the_desk_lists_the_case_with_its_age_and_leads_to_the_ways_out(at: late.At) -> None:
    at.shop.pass_(days=2)
    browser = await desk.browser(at.sam)
    page = await browser.get("/exceptions")
    text = reading.words(page)
    assert "Money that stands still" in text and at.case.ref in text and "$1,200.00" in text
    assert (
        re.search(r"\$1,200\.00 \d+ [dh] ", text)
        and f'href="/cases/{at.case.ref}/remedy"' in page.text
    )
    assert (
        f'href="/cases/{at.case.ref}/remedy"' in (await browser.get(f"/cases/{at.case.ref}")).text
    )


async def test_the_menu_names_what_failed_and_all_four_ways(at: late.At) -> None:
    text = reading.words(await (await desk.browser(at.sam)).get(f"/cases/{at.case.ref}/remedy"))
    for words in (
        "Send the refund again", "Pay in another way", "Refund the new charge", "Keep it as it is",
        "5126", "$1,200.00", "a manager who had no hand in it approves it",
    ):  # fmt: skip
        assert words in text


async def test_the_refund_is_sent_again_after_ruth_approved(at: late.At) -> None:
    sam, ruth = await desk.browser(at.sam), await desk.browser(at.ruth)
    assert (await _prepare(sam, at.case.ref, Way.SEND_AGAIN)).status_code == 303
    assert len(at.moved("refund")) == 2, "nothing moves before a manager approved"
    said = await _approve(ruth, at.case.ref)
    assert "Send the refund again" in said and "$1,200.00" in said
    case = await shops.work(await Case.get(id=at.case.id))
    assert case.status is Status.RESOLVED
    assert at.moved("refund")[-1] == ("5126", -1200_00)


async def test_the_new_charge_is_refunded_to_the_new_card(at: late.At) -> None:
    sam, ruth = await desk.browser(at.sam), await desk.browser(at.ruth)
    assert (await _prepare(sam, at.case.ref, Way.REFUND_NEW_CHARGE)).status_code == 303
    await _approve(ruth, at.case.ref)
    await shops.work(await Case.get(id=at.case.id))
    new_card = await Leg.get(case_id=at.case.id, kind=LegKind.RECHARGE)
    assert at.moved("refund")[-1] == (new_card.card_last4, -1200_00)


async def test_paying_otherwise_needs_evidence_and_shows_it_to_who_decides(at: late.At) -> None:
    paper = await Attachment.create(
        id=uuid.uuid4(), case_id=at.case.id, account_id=at.case.account_id, name="transfer.pdf",
        content_type="application/pdf", size=10, sha256="0" * 64, store_key="k", state="clean",
        uploaded_by="Sam Ito", audience="staff", at=clock.now(),
    )  # fmt: skip
    sam, ruth = await desk.browser(at.sam), await desk.browser(at.ruth)
    path = f"/cases/{at.case.ref}/remedy/{Way.PAY_OTHERWISE}"
    empty = reading.form(await sam.get(path), "remedy", act="show")
    answer = await desk.post(sam, path, empty)
    assert answer.status_code == 422
    for words in ("Say how it was paid", "Say what proves it", "Write what the customer will read"):
        assert words in reading.words(answer)

    words = {
        "how": "Bank transfer", "evidence": "Reference AM-2401 of November 30",
        "told": "We paid you by bank transfer today.", "attachment": str(paper.id),
    }  # fmt: skip
    assert (await _prepare(sam, at.case.ref, Way.PAY_OTHERWISE, **words)).status_code == 303
    before = at.shop.world.ledger()
    said = await _approve(ruth, at.case.ref)
    for shown in ("Pay in another way", "$1,200.00", "AM-2401", "We paid you by bank transfer"):
        assert shown in said
    case = await shops.work(await Case.get(id=at.case.id))
    assert case.status is Status.RESOLVED and at.shop.world.ledger() == before
    booked = await LedgerEntry.filter(case_id=case.id, effect="paid_otherwise")
    assert sorted(entry.amount_minor for entry in booked) == [-1200_00, 1200_00]
    assert await Message.filter(case_id=case.id, body=words["told"]).exists()


async def test_keeping_it_closes_the_case_with_the_words_that_were_approved(at: late.At) -> None:
    sam, ruth = await desk.browser(at.sam), await desk.browser(at.ruth)
    told = "You asked us to leave it as it is."
    assert (await _prepare(sam, at.case.ref, Way.KEEP, told=told)).status_code == 303
    assert told in await _approve(ruth, at.case.ref)
    await advance.advance(at.case.id)
    assert (await Case.get(id=at.case.id)).status is Status.RESOLVED


async def test_other_words_than_those_shown_are_not_sent(at: late.At) -> None:
    sam = await desk.browser(at.sam)
    path = f"/cases/{at.case.ref}/remedy/{Way.KEEP}"
    form = reading.form(await sam.get(path), "remedy", act="show", told="One thing.")
    page = await desk.post(sam, path, form)
    form = reading.form(page, "remedy", act="send", why="Why") | {"told": "Another thing."}
    answer = await desk.post(sam, path, form)
    assert answer.status_code == 409 and "not the one you saw" in reading.words(answer)
    assert not await Plan.filter(case_id=at.case.id, version__gt=1).exists()


async def test_who_prepared_it_does_not_approve_it_and_agents_never_do(at: late.At) -> None:
    dana, nia = await desk.browser(at.dana), await scene.staff("Nia Brooks")
    assert (await _prepare(dana, at.case.ref, Way.SEND_AGAIN)).status_code == 303
    for browser in (dana, await desk.browser(nia)):
        page = await browser.get(f"/approvals/{at.case.ref}")
        assert "You cannot decide this one" in reading.words(page)


async def test_auditors_look_and_a_case_without_a_failure_offers_nothing(shop: Shop) -> None:
    harbor, sam = await scene.harbor(shop.world), await scene.staff("Sam Ito")
    case = await scene.in_triage(harbor, sam)
    page = await (await desk.browser(sam)).get(f"/cases/{case.ref}/remedy")
    assert "No refund of this case has failed" in reading.words(page)
    assert "Prepare this" not in page.text
    answer = await (await desk.browser(sam)).get(f"/cases/{case.ref}/remedy/send_again")
    assert answer.status_code == 403
    otto = await desk.browser(await scene.staff("Otto Brandt"))
    assert (await otto.get(f"/cases/{case.ref}/remedy")).status_code == 200
    assert (await otto.get(f"/cases/{case.ref}/remedy/nothing")).status_code == 403
    assert (
        await (await desk.browser(sam)).get(f"/cases/{case.ref}/remedy/none")
    ).status_code == 404


async def test_a_card_number_is_never_part_of_a_remedy(at: late.At) -> None:
    sam = await desk.browser(at.sam)
    told = "We paid it to 4242 4242 4242 4242."
    assert (await _prepare(sam, at.case.ref, Way.KEEP, told=told)).status_code == 303
    plan = await Plan.filter(case_id=at.case.id).order_by("-version").first()
    assert plan is not None and "4242 4242" not in plan.canonical
    assert await ExceptionItem.filter(kind="refund_failed_late").exists()
