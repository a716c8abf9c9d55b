"""Subscriptions, invoices, credit notes and the customer's balance."""

import io

import pytest
import stripe
from pypdf import PdfReader

from sandbox.stripe_twin.clock import DAY


def subscription(shop, **more):
    end = shop.clock.time + 10 * DAY
    made = shop.world.add_subscription(
        shop.customer, 4900, product="Harbor plan", current_period_end=end, **more
    )
    return made["id"]


def paid_invoice(shop, amount=6000):
    charge = shop.charge(amount)
    return shop.world.add_invoice(shop.customer, [("Deposit", amount)], paid_by=charge)["id"]


async def test_it_renews_at_the_end_of_the_term(shop):
    sub = subscription(shop)
    before = await shop.client.v1.subscriptions.retrieve_async(sub)
    shop.world.advance(10 * DAY)
    after = await shop.client.v1.subscriptions.retrieve_async(
        sub, {"expand": ["latest_invoice.payments"]}
    )
    old, new = before["items"].data[0], after["items"].data[0]
    assert new.current_period_start == old.current_period_end
    assert (after.status, after.latest_invoice.status) == ("active", "paid")
    assert after.latest_invoice.amount_paid == 4900
    intent = after.latest_invoice.payments.data[0].payment.payment_intent
    found = await shop.client.v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": intent}}
    )
    assert found.data[0].invoice == after.latest_invoice.id
    assert shop.kinds()[-1] == "customer.subscription.updated"
    assert [row.amount_minor for row in shop.world.ledger()] == [4900]


async def test_it_goes_on_for_years(shop):
    subscription(shop)
    shop.world.advance(400 * DAY)
    invoices = await shop.client.v1.invoices.list_async({"customer": shop.customer, "limit": 100})
    assert len(invoices.data) == 13


async def test_it_is_past_due_when_the_card_declines_and_tries_again(shop):
    bad = shop.new_card("pm_card_chargeCustomerFail")
    sub = subscription(shop, payment_method=bad)
    shop.world.advance(10 * DAY)
    late = await shop.client.v1.subscriptions.retrieve_async(sub, {"expand": ["latest_invoice"]})
    assert (late.status, late.latest_invoice.status) == ("past_due", "open")
    await shop.client.v1.subscriptions.update_async(sub, {"default_payment_method": shop.card})
    shop.world.advance(3 * DAY)
    paid = await shop.client.v1.subscriptions.retrieve_async(sub, {"expand": ["latest_invoice"]})
    assert (paid.status, paid.latest_invoice.status) == ("active", "paid")


async def test_it_ends_at_the_end_of_the_term_without_a_charge(shop):
    sub = subscription(shop)
    planned = await shop.client.v1.subscriptions.update_async(sub, {"cancel_at_period_end": True})
    assert (planned.status, planned.cancel_at_period_end) == ("active", True)
    shop.world.advance(10 * DAY)
    ended = await shop.client.v1.subscriptions.retrieve_async(sub)
    assert (ended.status, ended.cancellation_details.reason) == (
        "canceled", "cancellation_requested",
    )  # fmt: skip
    assert shop.world.ledger() == []
    assert (await shop.client.v1.subscriptions.list_async()).data == []
    assert len((await shop.client.v1.subscriptions.list_async({"status": "all"})).data) == 1


async def test_it_can_take_the_planned_end_back_and_pause(shop):
    sub = subscription(shop)
    update = shop.client.v1.subscriptions.update_async
    await update(sub, {"cancel_at_period_end": True})
    again = await update(sub, {"cancel_at_period_end": False})
    assert (again.cancel_at, again.canceled_at) == (None, None)
    await update(sub, {"pause_collection": {"behavior": "void"}})
    shop.world.advance(10 * DAY)
    assert shop.world.ledger() == []
    resumed = await update(sub, {"pause_collection": ""})
    assert resumed.pause_collection is None


async def test_it_gives_the_unused_time_as_credit_and_never_as_a_refund(shop):
    sub = subscription(shop)
    preview = await shop.client.v1.invoices.create_preview_async(
        {
            "subscription": sub,
            "subscription_details": {"cancel_now": True, "proration_behavior": "always_invoice"},
        }
    )
    assert preview.total == -1633  # 4900 × 10 of 30 days
    gone = await shop.client.v1.subscriptions.cancel_async(
        sub, {"prorate": True, "invoice_now": True, "cancellation_details": {"comment": "C-1"}}
    )
    assert (gone.status, gone.cancellation_details.comment) == ("canceled", "C-1")
    customer = await shop.client.v1.customers.retrieve_async(shop.customer)
    assert customer.balance == preview.total
    assert [row.kind for row in shop.world.ledger()] == ["credit"]
    assert "customer.subscription.deleted" in shop.kinds()


async def test_it_ends_with_its_customer(shop):
    sub = subscription(shop)
    await shop.client.v1.customers.delete_async(shop.customer)
    assert (await shop.client.v1.subscriptions.retrieve_async(sub)).status == "canceled"
    shop.world.advance(40 * DAY)
    assert shop.world.ledger() == []


async def test_it_changes_little_after_the_end(shop):
    sub = subscription(shop)
    await shop.client.v1.subscriptions.cancel_async(sub)
    kept = await shop.client.v1.subscriptions.update_async(sub, {"metadata": {"case": "C-1"}})
    assert kept.metadata["case"] == "C-1"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.client.v1.subscriptions.update_async(sub, {"cancel_at_period_end": True})
    assert caught.value.error.code == "invalid_canceled_subscription_fields"


async def test_it_uses_the_customers_credit_in_the_next_invoice(shop):
    sub = subscription(shop)
    given = await shop.client.v1.customers.balance_transactions.create_async(
        shop.customer, {"amount": -700, "currency": "usd", "description": "Goodwill C-1"}
    )
    assert (given.ending_balance, given.type) == (-700, "adjustment")
    shop.world.advance(10 * DAY)
    paid = await shop.client.v1.subscriptions.retrieve_async(sub, {"expand": ["latest_invoice"]})
    assert (paid.latest_invoice.total, paid.latest_invoice.amount_paid) == (4900, 4200)
    rows = await shop.client.v1.customers.balance_transactions.list_async(shop.customer)
    assert [(row.amount, row.type) for row in rows.data] == [
        (700, "applied_to_invoice"), (-700, "adjustment"),
    ]  # fmt: skip


async def test_it_prints_the_invoice(shop, browser):
    invoice = await shop.client.v1.invoices.retrieve_async(paid_invoice(shop))
    assert (invoice.status, invoice.amount_remaining) == ("paid", 0)
    answer = await browser.get(invoice.invoice_pdf)
    assert answer.headers["content-type"] == "application/pdf"
    document = PdfReader(io.BytesIO(answer.content))
    words = document.pages[0].extract_text()
    assert len(document.pages) == 1
    for word in (invoice.number, "Priya Raman", "Deposit", "$60.00", "paid"):
        assert word in words
    page = await browser.get(invoice.hosted_invoice_url)
    assert invoice.number in page.text


async def test_it_credits_a_paid_invoice_by_refund_and_by_balance(shop, browser):
    invoice = paid_invoice(shop)
    note = await shop.client.v1.credit_notes.create_async(
        {
            "invoice": invoice, "amount": 1000, "refund_amount": 400, "credit_amount": 600,
            "reason": "product_unsatisfactory", "memo": "Late delivery",
        }
    )  # fmt: skip
    assert (note.type, note.status, note.reason) == (
        "post_payment", "issued", "product_unsatisfactory",
    )  # fmt: skip
    refund = await shop.client.v1.refunds.retrieve_async(note.refunds[0].refund)
    assert (refund.amount, refund.status) == (400, "succeeded")
    customer = await shop.client.v1.customers.retrieve_async(shop.customer)
    assert customer.balance == -600
    pdf = await browser.get(note.pdf)
    assert "Late delivery" in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    listed = await shop.client.v1.credit_notes.list_async({"invoice": invoice})
    assert [row.id for row in listed.data] == [note.id]


async def test_it_refuses_credit_that_does_not_add_up_or_is_too_much(shop):
    invoice = paid_invoice(shop)
    create = shop.client.v1.credit_notes.create_async
    with pytest.raises(stripe.InvalidRequestError, match=r"must equal the credit note amount"):
        await create({"invoice": invoice, "amount": 1000, "credit_amount": 900})
    with pytest.raises(stripe.InvalidRequestError, match=r"greater than what is left"):
        await create({"invoice": invoice, "amount": 7000, "credit_amount": 7000})
    preview = await shop.client.v1.credit_notes.preview_async(
        {"invoice": invoice, "amount": 6000, "out_of_band_amount": 6000}
    )
    assert preview.amount == 6000
    assert (await shop.client.v1.credit_notes.list_async()).data == []


async def test_it_reduces_an_open_invoice_and_voids(shop):
    invoice = shop.world.add_invoice(shop.customer, [("Deposit", 6000)])["id"]
    note = await shop.client.v1.credit_notes.create_async({"invoice": invoice, "amount": 1000})
    reduced = await shop.client.v1.invoices.retrieve_async(invoice)
    assert (note.type, reduced.amount_remaining) == ("pre_payment", 5000)
    await shop.client.v1.credit_notes.void_credit_note_async(note.id)
    paid = await shop.client.v1.invoices.pay_async(invoice)
    assert (paid.status, paid.amount_paid) == ("paid", 6000)
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        await shop.client.v1.invoices.pay_async(invoice)


async def test_it_shows_the_receipt_for_thirty_days(shop, browser):
    charge = shop.charge()
    await shop.refund(charge, amount=1000)
    url = (await shop.client.v1.charges.retrieve_async(charge)).receipt_url
    page = await browser.get(url)
    assert "-$10.00" in page.text
    shop.world.advance(30 * DAY)
    assert (await browser.get(url)).status_code == 410
