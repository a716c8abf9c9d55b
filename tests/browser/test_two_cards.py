"""The spine, as people use it: two deposits go back to two cards, one new card is charged."""

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser

from tests.browser import people
from tests.browser.demo import Demo
from tests.browser.people import Seat

pytestmark = [pytest.mark.browser, pytest.mark.req("B1 B4 B5 B6 B7 B8 B9 B12 A1 A6 A9 A10 B14")]


@dataclass(frozen=True)
class Deal:
    """An order that was paid with two cards, and the amounts as people read them."""

    address: str
    order: str
    last4: str
    refunds: tuple[tuple[str, int], ...]
    total: str
    total_minor: int


HARBOR = Deal("billing@harborfitness.example", "SO-10482", "1005",
              (("1005", -120_000), ("4242", -80_000)), "$2,000.00", 200_000)  # fmt: skip
ZUBR = Deal("ksiegowosc@silowniazubr.example", "SO-10478", "2716",
            (("3908", -100_000), ("2716", -90_000)), "€1,900.00", 190_000)  # fmt: skip
NEW_CARD, NEW_LAST4 = "5555555555554444", "4444"


@pytest.mark.parametrize(
    ("deal", "script"), [(HARBOR, True), (ZUBR, False)], ids=["script", "no-script"]
)
def test_two_deposits_go_back_and_the_new_card_is_charged(
    demo: Demo, chromium: Browser, deal: Deal, script: bool
) -> None:
    before = len(demo.ledger())
    customer = people.seat(chromium, demo, script)
    ref = ask(customer, deal)
    agent = people.seat(chromium, demo, script)
    prepare(agent, ref, deal)
    manager = people.seat(chromium, demo, script)
    approve(manager, ref, deal)
    check_the_customers_page(customer, ref, deal)
    check_the_papers(customer, demo, ref, deal)
    check_the_ledger(demo, before, deal)
    for seat in (customer, agent, manager):
        assert seat.complaints == []
        seat.page.context.close()


def ask(customer: Seat, deal: Deal) -> str:
    """The whole request: order, reason, amount, new card, story, check, send."""
    page = customer.page
    people.sign_in_customer(customer, deal.address)
    page.goto(f"{customer.demo.portal}/requests/new")
    customer.press("Refund and charge a different card")
    customer.choose(deal.order)
    customer.press("Continue")
    customer.choose("I want to pay with another card")
    customer.press("Continue")
    page.fill("input[name=last4]", deal.last4)
    customer.choose("All of it")
    page.check("input[name=bank][value=no]")
    customer.press("Continue")
    save_a_card(customer)
    page.fill("textarea[name=story]", "Our accountant closes the old card. Please use the new one.")
    customer.press("Continue")
    return send(customer, deal)


def save_a_card(customer: Seat) -> None:
    """On the payment provider's page, which is not ours."""
    page = customer.page
    customer.choose("Add a card")
    customer.press("Continue")
    page.wait_for_url("**/pages/checkout/**")
    page.check(f"input[value='{NEW_CARD}']")
    page.get_by_role("button", name="Save card").click()
    page.wait_for_url(re.compile(r"/story"))


def send(customer: Seat, deal: Deal) -> str:
    answers = customer.main()
    for fact in (deal.order, f"Ends {deal.last4}", f"ending {NEW_LAST4}", "5–10 business days",
                 "A manager has to approve"):  # fmt: skip
        assert fact.lower() in answers.lower(), f"{fact} is not on:\n{answers}"
    customer.press("Send my request")
    found = re.search(r"RB-\d+", customer.main())
    assert found is not None
    return found[0]


def prepare(agent: Seat, ref: str, deal: Deal) -> None:
    """Sam takes the case, verifies who asks, and sends the exact plan to a manager."""
    page, desk = agent.page, agent.demo.desk
    people.sign_in_staff(agent, "Sam Ito")
    page.goto(f"{desk}/cases/{ref}")
    agent.press("Take this case")
    page.goto(f"{desk}/cases/{ref}/identity")
    agent.press("All three match")
    page.goto(f"{desk}/cases/{ref}")
    assert f"+{deal.total}" in agent.main()
    page.fill("aside textarea[name=why]", "The old card is being closed. Both deposits match.")
    agent.press(f"Ask a manager to approve {deal.total}")
    people.until(agent, "for a decision")


def approve(manager: Seat, ref: str, deal: Deal) -> None:
    """Dana sees every amount and every card, and approves exactly that."""
    page, desk = manager.page, manager.demo.desk
    people.sign_in_staff(manager, "Dana Cole")
    page.goto(f"{desk}/approvals/{ref}")
    shown = manager.main()
    for last4, amount in deal.refunds:
        assert last4 in shown
        assert f"−{deal.total[0]}{-amount / 100:,.2f}" in shown
    assert f"+{deal.total}" in shown
    assert "Sent refunds cannot be called back" in shown
    manager.choose("Approve this plan")
    manager.press("Record my decision")
    people.until(manager, "approved plan v1")


def check_the_customers_page(customer: Seat, ref: str, deal: Deal) -> None:
    customer.page.goto(f"{customer.demo.portal}/requests/{ref}")
    people.until(customer, "Your new card is charged")
    people.until(customer, "Payment receipt")
    shown = customer.main()
    for last4, amount in deal.refunds:
        assert f"ending {last4}" in shown
        assert f"{-amount / 100:,.2f}" in shown
    assert "5–10 business days" in shown


def check_the_papers(customer: Seat, demo: Demo, ref: str, deal: Deal) -> None:
    """Both PDFs, on the page and in the mail, with every refund id."""
    from io import BytesIO

    from pypdf import PdfReader

    refund_ids = [row["object_id"] for row in demo.ledger() if row["kind"] == "refund"][-2:]
    for name in ("proof.pdf", "receipt.pdf"):
        answer = customer.page.context.request.get(f"{demo.portal}/requests/{ref}/{name}")
        assert answer.ok, name
        text = "".join(page.extract_text() for page in PdfReader(BytesIO(answer.body())).pages)
        assert ref in text
        assert deal.total in text
        for refund_id in refund_ids:
            assert refund_id in text.replace("\n", "")
    text = demo.mail(deal.address, f"{ref}: Your request is done")
    assert all(refund_id in text for refund_id in refund_ids)


def check_the_ledger(demo: Demo, before: int, deal: Deal) -> None:
    """Stripe's side, to the cent and in order: two refunds, then one charge."""
    moved = [(row["kind"], row["card_last4"], row["amount_minor"])
             for row in demo.ledger()[before:]]  # fmt: skip
    assert moved == [
        *(("refund", last4, amount) for last4, amount in deal.refunds),
        ("charge", NEW_LAST4, deal.total_minor),
    ]
