"""All pages: who may open them, what must stand on them, what must never stand on them."""

import re

import pytest

from portal.routes import ROUTES
from sandbox.stripe_twin.resources import customers
from sandbox.stripe_twin.world import World
from tests.backoffice import scene
from tests.backoffice.scene import Customers
from tests.portal import filing as filings
from tests.portal.filing import Filing
from tests.portal.test_words import INTERNAL
from tests.portal.visitor import Browser, enter_card
from web.guards import CUSTOMER, PUBLIC, SIGNED

PUBLIC_PAGES = [
    route.path for route in ROUTES
    if route.allow == PUBLIC and route.methods and "GET" in route.methods
    # Where a customers' provider sends people back to; tests/portal/test_company_sign_in.py.
    and route.path != "/sign-in/callback"
]  # fmt: skip
FACTS = {
    "/": (
        "order number|last 4 digits of the card we charged|The new card|amount in dispute|"
        "Emails and receipts|no phone line|billing email address|In writing only"
    ),
    "/help/refunds": (
        "5–10 business days|depends on your bank|A manager approves|paid in full|refurbished|"
        "each deposit goes back to the card it came from|every refund is confirmed|"
        "no phone line|receipt and proof of refund|trace number|refund ID"
    ),
    "/help/delays": (
        "not responsible for delays|carriers, customs|goes to the carrier|fees stay due"
    ),
    "/help/cancelling": (
        "manager has to approve|60 business days|about three months|5–10 business days more|"
        "subscription is canceled|renews by itself|Customer Success Manager may be assigned"
    ),
    "/help/bank-disputes": "your bank decides|cannot also refund|chargeback",
}


@pytest.mark.parametrize("path", PUBLIC_PAGES)
async def test_public_pages_open_for_everybody(visitor: Browser, path: str) -> None:
    page = await visitor.get(path)
    assert page.status == 200 and page.title and "<h1" in page.text
    assert not INTERNAL.search(page.words), path


@pytest.mark.parametrize("path", FACTS)
async def test_the_facts_stand_where_they_belong(visitor: Browser, path: str) -> None:
    page = await visitor.get(path)
    for fact in FACTS[path].split("|"):
        assert fact in page.words, fact


async def test_every_page_says_that_we_answer_in_writing(priya: Browser) -> None:
    for path in ("/", "/requests", "/billing", "/account", "/help/refunds", "/nowhere"):
        assert "There is no phone line" in (await priya.get(path)).words


@pytest.mark.req("T13")
async def test_every_address_names_who_may_use_it(visitor: Browser) -> None:
    """Nobody signed in: customers' pages lead to the sign-in, their forms do nothing."""
    for route in ROUTES:
        assert route.allow in (PUBLIC, CUSTOMER, SIGNED)
        if route.allow != CUSTOMER:
            continue
        path = re.sub(r"\{[^}]+\}", "RB-1", route.path)
        method = "GET" if "GET" in (route.methods or ()) else "POST"
        answer = await visitor.http.request(method, path, data={} if method == "POST" else None)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in?next="), path


async def test_only_one_address_is_signed_by_others() -> None:
    assert [route.path for route in ROUTES if route.allow == SIGNED] == ["/stripe/webhook"]


async def test_the_question_pages_carry_their_facts(priya: Browser, harbor: Customers) -> None:
    filing = Filing(priya)
    page = await filing.start("rebill")
    assert "A refund goes back to the card you paid with" in page.words
    await filing.answer("order", filings.order(harbor))
    page = await filing.answer("reason", {"reason": "shipping_delay"})
    assert "5–10 business days" in page.words and "only after the refund is confirmed" in page.words
    assert "0005" not in page.text and "5556" not in page.text  # never shown before asking
    page = await filing.answer("amount", filings.amount(harbor))
    assert "after a manager approved it and your refund is confirmed" in page.words
    page = await filing.answer("new-card", {"card": harbor.new_card["id"]})
    page = await filing.answer("story", {"story": "x"})
    for fact in ("A manager has to approve it before any money moves",
                 "Each deposit goes back to the card it came from",
                 "5–10 business days", "receipt and proof of refund by email",
                 "Only after the refund is confirmed do we charge $2,000.00 to Mastercard",
                 "We handed order SO-10482 to Freight Co on Fri, Oct 16",
                 "not responsible for delays", "fees stay due"):  # fmt: skip
        assert fact in page.words, fact
    page = await filing.send()
    for fact in ("A manager has to approve it", "5–10 business days", "no phone line"):
        assert fact in page.words, fact


@pytest.mark.req("B2")
async def test_the_orders_own_dates_decide_which_terms_show(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    for columns, words in (
        ({"handed_over_on": None}, "is not with a carrier yet"),
        ({"handed_over_on": "2026-10-16"}, "a claim for loss or damage goes to Freight Co"),
        ({"delivered_on": "2026-11-02"}, "was delivered on"),
    ):
        await type(harbor.order).filter(id=harbor.order.id).update(**columns)
        assert words in (await priya.get(f"{filing.base}/check")).words


async def test_a_card_change_is_not_answered_with_shipping_terms(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor, reason="card_not_preferred")
    assert "not responsible for delays" not in (await priya.get(f"{filing.base}/check")).words


@pytest.mark.req("B13")
async def test_an_order_that_is_not_shipped_says_what_that_means(
    priya: Browser, harbor: Customers
) -> None:
    page = await Filing(priya).start("rebill")
    assert "Not shipped yet" not in page.words
    waiting = {"handed_over_on": None, "subscription_status": "pending"}
    await type(harbor.order).filter(id=harbor.order.id).update(**waiting)
    page = await Filing(priya).start("rebill")
    assert "Not shipped yet" in page.words and "ships only when it is paid in full" in page.words


@pytest.mark.req("B15")
async def test_billing_lists_invoices_and_saved_cards(
    priya: Browser, harbor: Customers, world: World
) -> None:
    page = await priya.get("/billing")
    assert "Mastercard ending 5454" in page.words and "Expires" in page.words
    gone = await priya.post("/billing/card")
    assert gone.url.startswith("http://twin.test/pages/checkout/")
    back = await enter_card(world, gone.url)
    page = await priya.get(back)
    assert "Your card is saved. Nothing was charged." in page.words
    page = await priya.get("/billing/card/return?session=cs_nothing")
    assert "No card was saved. Nothing was charged." in page.words


@pytest.mark.req("B15")
async def test_the_card_for_invoices_is_changed_on_the_providers_page(
    priya: Browser, harbor: Customers
) -> None:
    gone = await priya.post("/billing/manage")
    assert gone.url.startswith("http://twin.test/pages/portal/")
    doc = harbor.world.store.get("customer", harbor.customer_id)
    assert doc is not None
    customers.set_default_card(harbor.world, doc, harbor.new_card["id"])
    words = (await priya.get("/billing")).words
    assert "Mastercard ending 5454 Expires 12/2034 For new invoices" in words
    assert words.count("For new invoices") == 1
    customers.set_default_card(harbor.world, doc, None)
    assert "For new invoices" not in (await priya.get("/billing")).words


async def test_billing_opens_for_a_customer_without_charges(
    visitor: Browser, harbor: Customers
) -> None:
    plain = await scene.shop(harbor.world, "new-1", "New Gym", "new@gym.example", "SO-1", ())
    await type(harbor.account).filter(id=plain.account.id).update(stripe_customer_id=None)
    await visitor.sign_in(plain.priya)
    page = await visitor.get("/billing")
    assert "There are no invoices yet" in page.words and "No card is saved yet" in page.words
    for form in ("/billing/card", "/billing/manage"):
        page = await visitor.post(form)
        assert page.status == 403 and "cannot take a card for this account" in page.words


async def test_pages_need_at_most_six_statements(
    priya: Browser, harbor: Customers, caplog: pytest.LogCaptureFixture
) -> None:
    case = await filings.sent(priya, harbor)
    for path in (f"/requests/{case.ref}", "/requests", f"/requests/{case.ref}/sent"):
        caplog.clear()
        with caplog.at_level("DEBUG", logger="tortoise.db_client"):
            await priya.get(path)
        statements = [r for r in caplog.records if "SELECT" in r.getMessage()]
        own = [r for r in statements if "FROM session" not in r.getMessage()]
        assert 0 < len(own) <= 6, [r.getMessage()[:80] for r in own]
