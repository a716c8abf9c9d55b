"""The question pages: a whole request by plain forms, kept answer by answer, sent once."""

import asyncio
import re

import pytest

from amends.flow import attachment
from amends.models import Attachment, Case, Document, ExceptionItem, MailItem, Order, TimelineEntry
from amends.rules.workflow import Kind, Reason, Status
from sandbox.stripe_twin.world import World
from tests.backoffice.scene import Customers
from tests.portal import filing as filings
from tests.portal.filing import STORY, Filing
from tests.portal.visitor import Browser, enter_card


@pytest.mark.req("A2", "A4", "B1", "B4")
async def test_priya_asks_for_a_refund_and_a_new_card_in_seven_pages(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    assert filing.pages == ["kinds", "order", "reason", "amount", "new-card", "story", "check"]
    assert filing.typed == 2  # the last 4 digits and the story

    page = await filing.send()

    case = await Case.get(account_id=harbor.account.id)
    assert page.path == f"/requests/{case.ref}/sent" and case.ref in page.words
    assert case.ref.startswith("RB-") and case.status is Status.SUBMITTED
    assert (case.kind, case.reason) == (Kind.REBILL, Reason.SHIPPING_DELAY)
    assert case.order_id == harbor.order.id and case.claimed_order == "SO-10482"
    assert case.deposit_ids == [deposit.id for deposit in harbor.deposits]
    assert (case.claimed_last4, case.claimed_amount_minor) == ("0005", 2000_00)
    assert case.claimed_charge_date == min(d.charged_on for d in harbor.deposits)
    assert (case.card_brand, case.card_last4) == ("mastercard", "5454")
    assert case.card_payment_method_id == harbor.new_card["id"] and case.card_fingerprint
    assert (case.story, case.bank_dispute_claimed) == (STORY, False)


async def test_sending_it_leaves_mail_summary_and_history(
    priya: Browser, harbor: Customers
) -> None:
    case = await filings.sent(priya, harbor)
    mail = await MailItem.get(case_id=case.id, kind="request_received")
    document = await Document.get(case_id=case.id, kind="request_summary")
    assert mail.recipient == harbor.account.billing_email
    assert mail.document_ids == [str(document.id)]
    assert "sitting in customs" in str(document.facts)
    entry = await TimelineEntry.get(case_id=case.id)
    assert (entry.action, entry.actor_id) == ("submit", f"account:{harbor.account.id}")


@pytest.mark.req("V3.7.2", "V14.2.6")
async def test_the_card_is_entered_on_the_providers_page(
    priya: Browser, harbor: Customers, world: World
) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    await filing.answer("order", filings.order(harbor))
    await filing.answer("reason", {"reason": "split_cards"})
    await filing.answer("amount", filings.amount(harbor))
    gone = await filing.answer("new-card", {"card": "add"})
    assert gone.url.startswith("http://twin.test/pages/checkout/")

    back = await enter_card(world, gone.url, "5555555555554444")
    page = await priya.get(back)

    assert page.path == f"{filing.base}/story?saved=1"
    assert "Mastercard ending 4444 is saved. Nothing was charged." in page.words
    case = await filing.case()
    assert (case.card_last4, case.card_expires) == ("4444", "12/2034")


async def test_leaving_the_providers_page_saves_and_charges_nothing(
    priya: Browser, harbor: Customers
) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    await filing.answer("new-card", {"card": "add"})
    page = await priya.get(f"{filing.base}/new-card/return?session=")
    assert "No card was saved. Nothing was charged." in page.words
    assert (await filing.case()).card_payment_method_id is None


@pytest.mark.req("V8.2.2")
async def test_a_session_of_another_request_or_customer_is_worth_nothing(
    priya: Browser, maya: Browser, world: World, harbor: Customers
) -> None:
    hers, mayas = Filing(priya), Filing(maya)
    await hers.start("rebill")
    await mayas.start("rebill")
    gone = await mayas.answer("new-card", {"card": "add"})
    back = await enter_card(world, gone.url)
    session = back.partition("?")[2]
    page = await priya.get(f"{hers.base}/new-card/return?{session}")
    assert "No card was saved" in page.words
    assert (await hers.case()).card_payment_method_id is None


@pytest.mark.req("T09", "V2.4.1")
async def test_the_card_page_opens_three_times_a_day(priya: Browser, harbor: Customers) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    for _ in range(3):
        assert (await filing.answer("new-card", {"card": "add"})).status == 303
    page = await filing.answer("new-card", {"card": "add"})
    assert page.status == 422 and "three times a day" in page.error("card")


@pytest.mark.req("V8.2.2")
async def test_a_saved_card_of_somebody_else_is_refused(priya: Browser, river: Customers) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    page = await filing.answer("new-card", {"card": river.new_card["id"]})
    assert page.status == 422 and page.error("card").startswith("Choose one of your saved cards")


async def test_the_card_can_be_added_later(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor, card="later")
    page = await priya.get(f"{filing.base}/check")
    assert "Added later, on the request's page" in page.words
    page = await filing.send()
    page = await priya.get(page.path.removesuffix("/sent"))
    assert "Add the new card" in page.words


@pytest.mark.req("T11")
async def test_right_and_wrong_digits_get_the_same_answer(
    priya: Browser, harbor: Customers
) -> None:
    bodies = []
    for last4 in ("0005", "9999"):
        filing = await filings.rebill(priya, harbor, last4=last4)
        page = await priya.get(f"{filing.base}/check")
        bodies.append(page.text.replace(filing.ref, "X").replace(last4, "0000"))
        await priya.post(f"{filing.base}/delete")
    assert bodies[0] == bodies[1]


@pytest.mark.req("T11")
async def test_the_answer_to_sending_tells_nothing_and_the_fourth_guess_is_flagged(
    priya: Browser, harbor: Customers
) -> None:
    bodies = []
    for number, last4 in enumerate(("0005", "1111", "2222", "3333", "4444")):
        case = await filings.sent(priya, harbor, last4=last4)
        page = await priya.get(f"/requests/{case.ref}")
        bodies.append(re.sub(r"T\d\d:\d\d:\d\d", "", page.text.replace(case.ref, "X")))
        await Case.filter(id=case.id).update(kind=Kind.DISPUTE)  # room for the next one
        assert await ExceptionItem.filter(kind="last4_guessing").exists() is (number == 4)
    first = bodies[0].split('id="messages-h"')[0]
    for body in bodies:
        assert body.split('id="messages-h"')[0] == first


async def test_each_answer_is_kept(priya: Browser, harbor: Customers) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    await filing.answer("order", filings.order(harbor))
    await filing.answer("reason", {"reason": "card_not_accessible"})
    page = await priya.get("/requests")
    assert "Continue: Refund and charge a different card" in page.words
    page = await priya.get(filing.base)
    assert page.path == f"{filing.base}/amount"
    page = await priya.get(f"{filing.base}/reason")
    assert 'value="card_not_accessible" checked' in page.text


async def test_an_expired_session_loses_nothing(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    await priya.post("/sign-out")
    page = await priya.get(f"{filing.base}/check")
    assert page.path.startswith("/sign-in?next=")
    await priya.sign_in(harbor.priya)
    assert STORY in (await priya.get(f"{filing.base}/check")).words


async def test_a_changed_answer_leads_straight_back_to_the_check(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    check = await priya.get(f"{filing.base}/check")
    page = await priya.get(check.link("Change Why"))
    assert page.link("Back") == f"{filing.base}/check"
    page = await filing.answer("reason", {"reason": "card_not_preferred"})
    assert page.path == f"{filing.base}/check" and "I want to pay with another card" in page.words


async def test_another_order_asks_for_its_amount_again(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    await filing.answer("order", {"order": "other", "number": "SO-99999"})
    page = await filing.send()
    assert page.path == f"{filing.base}/amount"
    assert (await filing.case()).status is Status.DRAFT


@pytest.mark.req("A4")
async def test_who_asked_the_bank_is_told_what_follows_and_the_case_is_locked(
    priya: Browser, harbor: Customers
) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    await filing.answer("order", filings.order(harbor))
    await filing.answer("reason", {"reason": "shipping_delay"})
    page = await filing.answer("amount", filings.amount(harbor, bank="yes"))
    assert page.path == f"{filing.base}/bank" and "your bank decides" in page.words
    assert page.link("Continue") == f"{filing.base}/story"
    await filing.answer("story", {"story": "We asked the bank on Nov 2."})
    page = await filing.send()
    case = await Case.get(account_id=harbor.account.id)
    assert case.kind is Kind.CHARGEBACK and case.status is Status.LOCKED_CHARGEBACK
    assert case.bank_dispute_claimed and case.status_before_lock == "submitted"
    page = await priya.get(f"/requests/{case.ref}")
    assert "Your bank decides this now" in page.words and "Nothing for you to do" not in page.words


async def test_the_bank_answer_can_be_taken_back(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    await filing.answer("amount", filings.amount(harbor, bank="yes"))
    assert (await filing.case()).kind is Kind.CHARGEBACK
    page = await filing.answer("amount", filings.amount(harbor, bank="no"))
    assert page.path == f"{filing.base}/check"
    assert (await filing.case()).kind is Kind.REBILL


async def test_who_begins_with_the_bank_sees_its_page_first(
    priya: Browser, harbor: Customers
) -> None:
    filing = Filing(priya)
    page = await filing.start("chargeback")
    assert page.path == f"{filing.base}/bank"
    await filing.answer("order", filings.order(harbor))
    page = await filing.answer("amount", {"last4": "0005", "whole": "all"})
    assert page.path == f"{filing.base}/story" and "What your bank wrote to you" in page.words
    await filing.answer("story", {"story": ""})
    await filing.send()
    assert (await Case.get(account_id=harbor.account.id)).status is Status.LOCKED_CHARGEBACK


@pytest.mark.req("A4", "A7a")
async def test_a_dispute_takes_six_pages_and_names_one_payment(
    priya: Browser, harbor: Customers
) -> None:
    filing = Filing(priya)
    page = await filing.start("dispute")
    assert "Payment 2 of 2 of order SO-10482" in page.words
    second = harbor.deposits[1]
    await filing.answer("order", {"order": f"deposit:{harbor.order.id}:{second.id}"})
    await filing.answer("reason", {"reason": "duplicate"})
    await filing.answer("amount", filings.amount(harbor), typed=1)
    await filing.answer("story", {"story": "We were charged twice."}, typed=1)
    assert filing.pages == ["kinds", "order", "reason", "amount", "story", "check"]
    await filing.send()
    case = await Case.get(account_id=harbor.account.id)
    assert (case.kind, case.reason) == (Kind.DISPUTE, Reason.DUPLICATE)
    assert (case.deposit_ids, case.claimed_amount_minor) == ([second.id], second.amount_minor)


async def test_a_dispute_can_be_about_a_charge_that_is_on_no_order(
    priya: Browser, harbor: Customers, world: World
) -> None:
    card = world.add_card(harbor.customer_id, "4242424242424242")
    charge = world.add_charge(harbor.customer_id, card["id"], 480_00, description="Renewal")
    filing = Filing(priya)
    page = await filing.start("dispute")
    assert "$480.00" in page.words and "Renewal" in page.words
    page = await filing.answer("order", {"order": f"charge:{charge['id']}"})
    assert page.path == f"{filing.base}/reason"
    assert (await filing.case()).answers["total_minor"] == 480_00


@pytest.mark.req("V8.2.2")
async def test_a_charge_of_somebody_else_cannot_be_chosen(priya: Browser, river: Customers) -> None:
    filing = Filing(priya)
    await filing.start("dispute")
    foreign = river.order.id, river.deposits[0]
    for value in (
        f"charge:{foreign[1].charge_id}",
        f"order:{foreign[0]}",
        f"deposit:{foreign[0]}:{foreign[1].id}",
        "order:x",
        "charge:",
        "",
    ):
        page = await filing.answer("order", {"order": value})
        assert page.status == 422 and page.error("order")
        assert "SO-10497" not in page.text


async def test_the_list_still_works_when_stripe_is_silent(
    priya: Browser, harbor: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from amends.queries import customer_stripe

    async def silent(*_: object, **__: object) -> None:
        raise customer_stripe.stripe.Unavailable("no answer")

    monkeypatch.setattr(customer_stripe.stripe, "charges_of", silent)
    monkeypatch.setattr(customer_stripe.stripe, "saved_cards", silent)
    filing = Filing(priya)
    page = await filing.start("dispute")
    assert "SO-10482" in page.words and "our payment provider does not answer" in page.words
    second = Filing(priya)
    await second.start("rebill")
    page = await priya.get(f"{second.base}/new-card")
    assert "Your saved cards do not show right now" in page.words
    page = await second.answer("new-card", {"card": "later"})
    assert page.status == 200


@pytest.mark.req("B1", "B10")
async def test_cancelling_is_a_reason_and_shows_its_dates_first(
    priya: Browser, harbor: Customers
) -> None:
    await Order.filter(id=harbor.order.id).update(renewal_rule="Renews every 12 months")
    filing = Filing(priya)
    await filing.start("rebill")
    await filing.answer("order", filings.order(harbor))
    page = await filing.answer("reason", {"reason": "cancel_order"})
    assert page.path == f"{filing.base}/amount" and "whole" not in page.error("whole")
    page = await filing.answer("amount", {"last4": "0005", "bank": "no"})
    assert page.path == f"{filing.base}/cancel-terms"
    for words in (
        "about 60 business days",
        "about three months",
        "5–10 business days more",
        "Renews every 12 months",
        "Customer Success Manager may be assigned",
    ):
        assert words in page.words
    page = await filing.answer("cancel-terms", {})
    await filing.answer("story", {"story": ""})
    await filing.send()
    case = await Case.get(account_id=harbor.account.id)
    assert (case.kind, case.reason) == (Kind.CANCELLATION, Reason.CANCEL_ORDER)
    assert case.claimed_amount_minor == 2000_00


async def test_who_sees_the_terms_can_still_change_their_mind(
    priya: Browser, harbor: Customers
) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    await filing.answer("order", filings.order(harbor))
    await filing.answer("reason", {"reason": "cancel_order"})
    await filing.answer("amount", {"last4": "0005", "bank": "no"})
    page = await filing.answer("reason", {"reason": "card_not_preferred"})
    assert page.path == f"{filing.base}/new-card"
    assert (await filing.case()).kind is Kind.REBILL


async def test_cancelling_from_the_start_takes_six_pages(priya: Browser, harbor: Customers) -> None:
    filing = Filing(priya)
    await filing.start("cancellation")
    await filing.answer("order", filings.order(harbor))
    await filing.answer("amount", {"last4": "0005", "bank": "no"}, typed=1)
    await filing.answer("cancel-terms", {})
    await filing.answer("story", {"story": ""})
    assert filing.pages == ["kinds", "order", "amount", "cancel-terms", "story", "check"]


@pytest.mark.req("B17")
@pytest.mark.parametrize("kind", ["rebill", "cancellation"])
async def test_an_order_without_a_live_subscription_gets_a_clear_answer(
    priya: Browser, harbor: Customers, kind: str
) -> None:
    await Order.filter(id=harbor.order.id).update(subscription_status="canceled")
    filing = Filing(priya)
    await filing.start(kind)
    page = await filing.answer("order", filings.order(harbor))
    assert page.path == f"{filing.base}/not-covered?order={harbor.order.id}"
    assert "SO-10482" in page.title and "The subscription of this order has ended." in page.words
    for way in ("Choose another order", "Something is wrong with a charge", "mailto:"):
        assert way in page.text
    case = await filing.case()
    assert case.order_id is None and case.status is Status.DRAFT


@pytest.mark.req("B17")
async def test_the_answer_goes_on_as_a_question_about_the_charge(
    priya: Browser, harbor: Customers
) -> None:
    await Order.filter(id=harbor.order.id).update(subscription_status="")
    filing = Filing(priya)
    await filing.start("rebill")
    page = await filing.answer("order", filings.order(harbor))
    assert "This order was bought without a subscription." in page.words
    page = await filing.answer("not-covered", {"order": harbor.order.id})
    assert page.path == f"{filing.base}/reason" and "twice" in page.words
    case = await filing.case()
    assert (case.kind, case.order_id) == (Kind.DISPUTE, harbor.order.id)


@pytest.mark.req("B17")
async def test_the_subscription_that_ends_before_sending_gets_the_same_answer(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    await Order.filter(id=harbor.order.id).update(cancelled_on="2026-11-02")
    page = await filing.send()
    assert "/not-covered?" in page.path and "ended on Mon, Nov 2" in page.words
    assert not await Case.filter(status=Status.SUBMITTED).exists()


@pytest.mark.req("V8.4.1")
async def test_nobody_reads_of_an_order_of_others(
    priya: Browser, harbor: Customers, river: Customers
) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    page = await priya.get(f"{filing.base}/not-covered?order={river.order.id}")
    assert page.status == 404 and "SO-10497" not in page.text


async def test_a_second_request_about_the_same_order_is_led_to_the_first(
    priya: Browser, harbor: Customers
) -> None:
    case = await filings.sent(priya, harbor)
    filing = Filing(priya)
    await filing.start("rebill")
    page = await filing.answer("order", filings.order(harbor))
    assert page.error("order").startswith(f"Your request {case.ref} is about this order already")


async def test_a_typed_order_number_finds_only_own_orders(
    priya: Browser, harbor: Customers, river: Customers
) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    await filing.answer("order", {"order": "other", "number": "so-10482"})
    assert (await filing.case()).order_id == harbor.order.id
    await filing.answer("order", {"order": "other", "number": river.order.number})
    case = await filing.case()
    assert (case.order_id, case.claimed_order) == (None, river.order.number)
    page = await priya.get(f"{filing.base}/amount")
    assert "Date of the charge" in page.words and "All of it" not in page.words
    await filing.answer(
        "amount", {"last4": "1234", "amount": "950", "bank": "no", "charged_on": "2026-09-03"}
    )
    case = await filing.case()
    assert case.claimed_amount_minor == 950_00 and str(case.claimed_charge_date) == "2026-09-03"


async def test_sending_twice_makes_one_request(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    first, second = await filing.send(), await filing.send()
    assert first.path == second.path and second.status == 200
    assert await Case.filter(account_id=harbor.account.id).count() == 1
    for step in ("order", "check", "story"):
        assert (await priya.get(f"{filing.base}/{step}")).path == first.path


@pytest.mark.req("V2.3.1")
async def test_a_draft_with_an_open_question_is_not_sent(priya: Browser, harbor: Customers) -> None:
    filing = Filing(priya)
    await filing.start("rebill")
    page = await filing.send()
    assert page.path == f"{filing.base}/order"
    assert (await filing.case()).status is Status.DRAFT


async def test_a_draft_is_deleted_after_asking(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    await priya.upload(f"{filing.base}/story", {"upload": "1"}, "n.txt", b"hello", "text/plain")
    page = await priya.get(f"{filing.base}/delete")
    assert "Delete this draft?" in page.title
    assert (await filing.case()).status is Status.DRAFT
    page = await priya.post(f"{filing.base}/delete")
    assert page.path == "/requests" and "You have not sent a request yet" in page.words
    assert (await priya.get(f"{filing.base}/order")).status == 404
    row = await filing.case()
    assert (row.story, row.claimed_last4, row.answers) == ("", "", {})
    kept = await Attachment.get(case_id=row.id)
    assert kept.removed_at is not None and not await attachment.store().exists(kept.store_key)


@pytest.mark.req("V2.1.3")
async def test_ten_drafts_are_enough(priya: Browser, harbor: Customers) -> None:
    for _ in range(10):
        await Filing(priya).start("rebill")
    page = await priya.post("/requests/new", {"kind": "rebill"})
    assert page.status == 403 and "ten unfinished requests" in page.words


@pytest.mark.usefixtures("fresh_db")
async def test_two_presses_at_once_make_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.backoffice import scene
    from tests.portal.conftest import stripe, transport
    from tests.portal.visitor import make_app

    shop = await scene.harbor()
    browser = Browser(make_app())
    stripe.use(stripe.for_transport(transport.client_for(shop.world)))
    await browser.sign_in(shop.priya)
    filing = await filings.rebill(browser, shop)
    pages = await asyncio.gather(*(filing.send() for _ in range(6)))
    assert len({page.path for page in pages}) == 1 and {page.status for page in pages} == {200}
    case = await Case.get(account_id=shop.account.id)
    assert await MailItem.filter(case_id=case.id).count() == 1
    await browser.http.aclose()
