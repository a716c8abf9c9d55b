"""The page of one request: state in words, money path, messages, papers, and its owner alone."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from amends import clock, facts, papers
from amends.flow import attachment, intake, recharge, triage, writing
from amends.models import Attachment, Case, Document, Leg, MailItem, Message, Plan, TimelineEntry
from amends.rules.people import Customer, Role
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Action, Kind, Status
from tests import shop as shops
from tests.backoffice import scene
from tests.backoffice.scene import Customers
from tests.portal import filing as filings
from tests.portal.test_words import INTERNAL
from tests.portal.visitor import Browser, enter_card, make_app
from tests.shop import ALWAYS_SCA, AMEX, DECLINES, MASTERCARD, VISA, Approved, Sale, Shop


@pytest.mark.req("A2", "B14")
async def test_a_fresh_request_says_what_happens_and_by_when(
    priya: Browser, harbor: Customers
) -> None:
    case = await filings.sent(priya, harbor)
    page = await priya.get(f"/requests/{case.ref}")
    assert "We got your request" in page.title and case.ref in page.title
    for words in ("$2,000.00", "write to you by", "Nothing for you to do", "A manager decides",
                  "Each deposit goes back to the card it came from", "Withdraw this request",
                  "After the refund is confirmed", "Mastercard ending 5454"):  # fmt: skip
        assert words in page.words, words
    assert "0005" not in page.words.split("Documents")[0]  # the claimed digits stay unanswered


async def test_the_list_puts_what_waits_for_priya_first(
    priya: Browser, harbor: Customers, river: Customers
) -> None:
    sam = await scene.staff("Sam Ito")
    quiet = await filings.sent(priya, harbor)
    asked = await triage.claim(await scene.submitted(harbor, kind=Kind.DISPUTE), sam)
    await triage.ask_customer(asked, sam, "Which charge do you mean?")
    foreign = await scene.submitted(river)
    page = await priya.get("/requests")
    assert "Answer needed" in page.words
    assert page.words.index(asked.ref) < page.words.index(quiet.ref)
    assert foreign.ref not in page.text


async def test_the_list_goes_on_page_by_page(priya: Browser, harbor: Customers) -> None:
    refs = [(await scene.submitted(harbor)).ref for _ in range(45)]
    seen: list[str] = []
    page = await priya.get("/requests")
    while True:
        seen += [ref for ref in reversed(refs) if f">{ref}<" in page.text]
        if "Older requests" not in page.words:
            break
        page = await priya.get(page.link("Older requests"))
    assert seen == list(reversed(refs))


async def test_a_question_is_answered_in_writing(priya: Browser, harbor: Customers) -> None:
    sam = await scene.staff("Sam Ito")
    case = await triage.claim(await scene.submitted(harbor), sam)
    await triage.note(case, sam, "Looks odd to me.")
    await triage.ask_customer(case, sam, "Who does the new card belong to?")

    page = await priya.get(f"/requests/{case.ref}")
    assert "We need an answer from you" in page.title
    assert "Who does the new card belong to?" in page.words and "Looks odd" not in page.words
    page = await priya.post(f"/requests/{case.ref}/messages", {"body": "To our owner."})

    assert "To our owner." in page.words and "We are checking the charges" in page.words
    assert (await Case.get(id=case.id)).status is Status.TRIAGE
    message = await Message.filter(case_id=case.id).order_by("-id").first()
    assert message is not None and message.author_kind == "customer"


@pytest.mark.req("T39", "V1.2.1", "V1.3.5")
async def test_what_people_write_is_text_and_nothing_else(
    priya: Browser, harbor: Customers
) -> None:
    case = await filings.sent(priya, harbor)
    hostile = '<img src=x onerror="alert(1)"><b hx-get="/sign-out">hi</b>'
    page = await priya.post(f"/requests/{case.ref}/messages", {"body": hostile})
    assert "<img src=x" not in page.text and "&lt;img src=x" in page.text


async def test_priya_withdraws_while_nothing_has_moved(priya: Browser, harbor: Customers) -> None:
    sam = await scene.staff("Sam Ito")
    case, plan = await scene.proposed(harbor, sam)
    page = await priya.get(f"/requests/{case.ref}/withdraw")
    assert "Nothing has moved yet" in page.words
    assert (await Case.get(id=case.id)).status is Status.PROPOSED

    page = await priya.post(f"/requests/{case.ref}/withdraw", {"reason": "Changed our mind"})

    assert "You withdrew this request" in page.title
    assert (await Case.get(id=case.id)).status is Status.WITHDRAWN
    assert (await Plan.get(id=plan.id)).voided_at is not None
    assert await MailItem.filter(case_id=case.id, kind="withdrawn").exists()


async def test_after_approval_it_is_too_late_to_withdraw(priya: Browser, harbor: Customers) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await scene.approved(harbor, sam, dana)
    page = await priya.get(f"/requests/{case.ref}")
    assert "Withdraw this request" not in page.words and "A manager approved it" in page.words
    assert "It is too late to withdraw" in (await priya.get(f"/requests/{case.ref}/withdraw")).title
    page = await priya.post(f"/requests/{case.ref}/withdraw", {})
    assert page.status == 403 and "too late to withdraw" in page.words
    assert (await Case.get(id=case.id)).status is Status.APPROVED


@pytest.mark.req("V8.1.2", "V15.3.1")
async def test_a_plan_under_discussion_is_not_shown(priya: Browser, harbor: Customers) -> None:
    sam = await scene.staff("Sam Ito")
    case, _ = await scene.proposed(harbor, sam)
    page = await priya.get(f"/requests/{case.ref}")
    assert "A manager is deciding" in page.title
    assert "American Express ending" not in page.words


async def test_the_live_part_is_the_same_words(priya: Browser, harbor: Customers) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await scene.approved(harbor, sam, dana)
    page = await priya.get(f"/requests/{case.ref}")
    assert f'hx-get="/requests/{case.ref}/live"' in page.text
    headers = {"hx-request": "true", "hx-request-type": "partial", "x-background": "1"}
    part = await priya.get(f"/requests/{case.ref}/live", **headers)
    assert part.status == 200 and part.text.strip().startswith('<div id="live"')
    assert part.words in page.words
    plain = await priya.get(f"/requests/{case.ref}/live")
    assert plain.path == f"/requests/{case.ref}"


@pytest.mark.req("T13", "V8.2.2")
async def test_another_customer_finds_nothing(
    priya: Browser, maya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    await priya.upload(f"{filing.base}/story", {"upload": "1"}, "n.txt", b"hello", "text/plain")
    draft = await filings.rebill(priya, harbor)
    sent = await filing.send()
    ref = sent.path.split("/")[2]
    kept = await Attachment.get(name="n.txt")
    places = [
        f"/requests/{ref}{rest}"
        for rest in ("", "/sent", "/live", "/withdraw", "/reopen", "/card", "/card/return",
                     "/card/wait", "/bank-return", f"/files/{kept.id}", "/proof", "/proof.pdf",
                     "/receipt", "/receipt.pdf", "/request", "/request.pdf")
    ] + [
        f"{draft.base}{rest}"
        for rest in ("", "/delete", "/order", "/reason", "/amount", "/bank", "/new-card",
                     "/new-card/return", "/cancel-terms", "/story", "/check")
    ]  # fmt: skip
    for place in places:
        assert (await maya.get(place)).status == 404, place
    posts = [
        (f"/requests/{ref}/messages", {"body": "hello"}),
        (f"/requests/{ref}/withdraw", {"reason": ""}),
        (f"/requests/{ref}/reopen", {"story": "x"}),
        (f"/requests/{ref}/card", {"card": "add"}),
        (f"/requests/{ref}/card/confirm", {}),
        (f"{draft.base}/order", {"order": "other", "number": "X"}),
        (f"{draft.base}/reason", {"reason": "split_cards"}),
        (f"{draft.base}/amount", {"last4": "1234", "whole": "all", "bank": "no"}),
        (f"{draft.base}/new-card", {"card": "later"}),
        (f"{draft.base}/cancel-terms", {}),
        (f"{draft.base}/story", {"story": "x"}),
        (f"{draft.base}/check", {}),
        (f"{draft.base}/delete", {}),
    ]
    before = await _snapshot()
    for place, data in posts:
        assert (await maya.post(place, data)).status == 404, place
    assert await _snapshot() == before
    missing = await maya.get("/requests/RB-999999")
    foreign = await maya.get(f"/requests/{ref}")
    assert missing.text == foreign.text.replace(ref, "RB-999999")


async def _snapshot() -> str:
    cases = await Case.all().order_by("id").values()
    return json.dumps([cases, await Message.all().count()], default=str)


async def test_a_draft_is_no_request_yet(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    assert (await priya.get(f"/requests/{filing.ref}")).status == 404


# --- Papers -----------------------------------------------------------------------------------


async def make_documents() -> None:
    """The worker's part: the PDFs that were asked for."""
    for document_id in await Document.filter(state="queued").values_list("id", flat=True):
        await papers.make(str(document_id))


async def test_the_summary_is_a_page_at_once_and_a_pdf_soon(
    priya: Browser, harbor: Customers
) -> None:
    case = await filings.sent(priya, harbor)
    page = await priya.get(f"/requests/{case.ref}/request")
    for words in ("Your request", filings.STORY, "Ends 0005", "Mastercard ending 5454"):
        assert words in page.words
    page = await priya.get(f"/requests/{case.ref}/request.pdf")
    assert page.status == 404 and "made within a minute" in page.words
    await make_documents()
    answer = await priya.http.get(f"/requests/{case.ref}/request.pdf")
    assert answer.content.startswith(b"%PDF-")
    assert f"{case.ref}-request.pdf" in answer.headers["content-disposition"]


async def test_papers_that_are_not_there_say_when(priya: Browser, harbor: Customers) -> None:
    case = await filings.sent(priya, harbor)
    for paper, words in (("proof", "every refund of this request is confirmed"),
                         ("receipt", "when your new card is charged")):  # fmt: skip
        for form in (paper, f"{paper}.pdf"):
            page = await priya.get(f"/requests/{case.ref}/{form}")
            assert page.status == 404 and words in page.words


# --- The way of the money, driven by the worker against the twin ------------------------------


@dataclass
class Way:
    """A re-bill that is approved, its shop, and the customer's browser."""

    shop: Shop
    sold: Sale
    approved: Approved
    browser: Browser

    async def page(self):  # type: ignore[no-untyped-def]
        return await self.browser.get(f"/requests/{self.approved.case.ref}")

    async def work(self, **span: float) -> Case:
        return await shops.work_on(self.shop, self.approved.case, **span)

    @property
    def place(self) -> str:
        return f"/requests/{self.approved.case.ref}"


async def way(shop: Shop, new_card: str = MASTERCARD, *deposits: tuple[str, int]) -> Way:
    browser = Browser(make_app())
    shop.take()
    sam = await shops.person("Sam Ito", Role.AGENT)
    dana = await shops.person("Dana Cole", Role.MANAGER)
    sold = await shops.sale(shop, *(deposits or ((AMEX, 1200_00), (VISA, 800_00))))
    approved = await shops.approved(shop, sold, sam, dana, new_card)
    account = sold.account
    await browser.sign_in(
        Customer(account.id, account.billing_email, "Priya Raman", account.organisation)
    )
    return Way(shop, sold, approved, browser)


@pytest.fixture
async def shop(db: None) -> AsyncIterator[Shop]:
    made = Shop()
    made.take()
    yield made
    clock.use()


@pytest.mark.req("B7", "B8", "B9", "B12")
async def test_the_whole_way_of_a_split_deposit(shop: Shop) -> None:
    told = await way(shop)
    page = await told.page()
    assert "Approved. We are sending your refund" in page.title
    assert "American Express ending 0005" in page.words and "Not sent yet" in page.words

    await told.work(minutes=1)
    page = await told.page()
    assert "Dec 2" in page.words and "Dec 9" in page.words  # Tue Nov 24, Thanksgiving skipped
    assert "From here your bank sets the pace" in page.words

    case = await told.work(minutes=1)
    assert case.status is Status.RESOLVED
    page = await told.page()
    assert "Done. Your new card is charged" in page.title
    for words in ("Proof of refund", "Payment receipt", "Charged", "Still not solved"):
        assert words in page.words, words
    refunds = await Leg.filter(case_id=case.id, kind=LegKind.REFUND)
    for refund in refunds:
        assert refund.stripe_id is not None and refund.stripe_id in page.words
    proof = await told.browser.get(f"{told.place}/proof")
    receipt = await told.browser.get(f"{told.place}/receipt")
    assert "$2,000.00" in proof.words and "Mastercard ending 4444" in receipt.words
    await make_documents()
    for paper in ("proof", "receipt"):
        pdf = await told.browser.http.get(f"{told.place}/{paper}.pdf")
        assert pdf.content.startswith(b"%PDF-"), pdf.text
    assert not INTERNAL.search(page.words), page.words
    await told.browser.http.aclose()


@pytest.mark.req("B8")
async def test_a_declined_card_is_replaced_and_approved_again(shop: Shop) -> None:
    told = await way(shop, DECLINES)
    case = await told.work(minutes=5)
    assert case.status is Status.NEEDS_NEW_CARD
    page = await told.page()
    assert "Your new card was declined" in page.title and "Add another card" in page.words
    page = await told.browser.get(f"{told.place}/card")
    assert "nothing is refunded twice" in page.words
    gone = await told.browser.post(f"{told.place}/card", {"card": "add"})
    assert (await told.browser.get(f"{told.place}/card/return?session=")).path.endswith("left=1")
    back = await enter_card(shop.world, gone.url, MASTERCARD)
    page = await told.browser.get(back)
    assert "Mastercard ending 4444 is saved. A manager approves it" in page.words
    assert "Answer needed" not in (await told.browser.get("/requests")).words
    assert "Add another card" not in page.words
    found = await Case.get(id=case.id)
    assert (found.status, found.card_last4) == (Status.NEEDS_NEW_CARD, "4444")
    assert found.due_at is not None and found.due_at > clock.now()
    assert await TimelineEntry.filter(case_id=case.id, action="save_card").exists()
    await told.browser.http.aclose()


@pytest.mark.req("B8")
async def test_the_bank_is_confirmed_by_redirect(shop: Shop) -> None:
    told = await way(shop, ALWAYS_SCA)
    case = await told.work(minutes=5)
    assert case.status is Status.NEEDS_AUTHENTICATION
    page = await told.page()
    assert "Your bank wants you to confirm" in page.title
    assert "Confirm with your bank" in page.words
    page = await told.browser.get(f"{told.place}/card")
    assert "Nothing is charged until you have confirmed" in page.words
    assert (await Case.get(id=case.id)).status is Status.NEEDS_AUTHENTICATION

    page = await told.browser.post(f"{told.place}/card/confirm")
    assert page.path == f"{told.place}/card/wait" and 'content="3; url=' in page.text
    await told.work(seconds=5)
    page = await told.browser.get(f"{told.place}/card/wait")
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    assert leg.next_action_url and f'content="0; url={leg.next_action_url}' in page.text.replace(
        "&amp;", "&"
    )
    page = await told.browser.get(f"{told.place}/bank-return?payment_intent=x&redirect_status=ok")
    assert "Back from your bank" in page.words
    assert (await Leg.get(id=leg.id)).state is not LegState.SUCCEEDED
    await told.browser.http.aclose()


async def test_the_card_page_has_nothing_to_do_when_there_is_nothing(
    shop: Shop,
) -> None:
    told = await way(shop)
    page = await told.browser.get(f"{told.place}/card")
    assert "There is nothing to do with the card now" in page.words
    page = await told.browser.post(f"{told.place}/card", {"card": "add"})
    assert page.status == 403 and "cannot be changed now" in page.words
    page = await told.browser.post(f"{told.place}/card/confirm")
    assert page.path == told.place
    await told.browser.http.aclose()


@pytest.mark.req("B16")
async def test_a_closed_request_that_is_not_solved_comes_back(shop: Shop) -> None:
    told = await way(shop)
    case = await told.work(minutes=5)
    page = await told.browser.get(f"{told.place}/reopen")
    assert page.value("order") == told.sold.order.number
    assert page.value("amount") == "$2,000.00"
    page = await told.browser.post(f"{told.place}/reopen", {"story": "", "old_last4": "12"})
    assert page.status == 422 and page.error("old_last4")
    page = await told.browser.upload(
        f"{told.place}/reopen",
        {"order": "SO-1", "old_last4": "1005", "new_last4": "4444", "amount": "$2,000.00",
         "story": "The Amex refund is not there."},
        "letter.txt", b"Dear bank", "text/plain",
    )  # fmt: skip
    assert "We are looking at it again" in page.title and "letter.txt" in page.words
    assert "Card we charged ends in: 1005" in page.words
    assert (await Case.get(id=case.id)).status is Status.REOPENED
    await told.browser.http.aclose()


async def test_closed_requests_take_no_messages(shop: Shop) -> None:
    told = await way(shop)
    await told.work(minutes=5)
    page = await told.browser.post(f"{told.place}/messages", {"body": "Hello"})
    assert page.status == 403 and not await Message.exists()
    await told.browser.http.aclose()


# --- The rules hold without the pages ---------------------------------------------------------


async def test_the_domain_refuses_what_the_pages_do_not_offer(
    harbor: Customers, river: Customers
) -> None:
    case = await scene.submitted(harbor)
    stranger = river.priya
    for act in (
        writing.case_of(stranger, case.ref),
        writing.write_message(case, stranger, "hello"),
        writing.reopen(case, stranger, writing.Unsolved("", "", "", "", "x")),
        intake.withdraw(case, stranger, ""),
        attachment.read(stranger, case.ref, "not-a-uuid"),
    ):
        with pytest.raises(facts.NotFound):
            await act
    with pytest.raises(facts.Refused):
        await recharge.ask_authentication(case, harbor.priya)
    assert not await TimelineEntry.filter(case_id=case.id, action=Action.WITHDRAW).exists()
