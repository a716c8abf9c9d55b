"""The hosted card page, driven by plain form posts: no JavaScript needed."""

import pytest
import stripe

from sandbox.stripe_twin.clock import DAY, HOUR

GOOD = {"suggestion": "5555555555554444", "expiry": "12 / 34", "cvc": "123", "name": "Priya Raman"}


async def session(shop, **params):
    return await shop.client.v1.checkout.sessions.create_async(
        {
            "mode": "setup", "currency": "usd", "customer": shop.customer,
            "success_url": "https://portal.test/cards/done?cs={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://portal.test/cards", "client_reference_id": "C-1",
            "setup_intent_data": {"metadata": {"case": "C-1"}}, **params,
        }
    )  # fmt: skip


async def read(shop, found):
    return await shop.client.v1.checkout.sessions.retrieve_async(
        found.id, {"expand": ["setup_intent.payment_method"]}
    )


async def test_it_saves_the_card_and_sends_the_visitor_back(shop, browser):
    made = await session(shop)
    page = await browser.get(made.url)
    assert "Sandbox." in page.text
    assert "5555 5555 5555 4444" in page.text
    assert 'href="https://portal.test/cards"' in page.text
    answer = await browser.post(made.url, data=GOOD)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"https://portal.test/cards/done?cs={made.id}"
    done = await read(shop, made)
    assert (done.status, done.url, done.customer) == ("complete", None, shop.customer)
    assert (done.setup_intent.status, done.setup_intent.usage) == ("succeeded", "off_session")
    assert done.setup_intent.metadata["case"] == "C-1"
    card = done.setup_intent.payment_method
    assert (card.customer, card.card.brand, card.card.last4) == (
        shop.customer, "mastercard", "4444",
    )  # fmt: skip
    assert shop.kinds()[-3:] == [
        "payment_method.attached", "setup_intent.succeeded", "checkout.session.completed",
    ]  # fmt: skip


async def test_it_takes_a_typed_number_over_the_picked_one(shop, browser):
    made = await session(shop)
    await browser.post(made.url, data={**GOOD, "number": "5454 5454 5454 5454"})
    assert (await read(shop, made)).setup_intent.payment_method.card.last4 == "5454"


async def test_it_charges_the_saved_card_later_while_the_customer_is_away(shop, browser):
    made = await session(shop)
    await browser.post(made.url, data=GOOD)
    card = (await read(shop, made)).setup_intent.payment_method.id
    paid = await shop.client.v1.payment_intents.create_async(
        {
            "amount": 6000, "currency": "usd", "customer": shop.customer,
            "payment_method": card, "confirm": True, "off_session": True,
        }
    )  # fmt: skip
    assert paid.status == "succeeded"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"number": "5555 5555 5555 4445"}, "Your card number is invalid."),
        ({"number": "4111 1111 1111 1111 0"}, "Your card number is invalid."),
        ({"number": "4539 5787 6362 1486"}, "only test cards work here"),
        ({"suggestion": ""}, "Pick a test card"),
        ({"expiry": "13 / 34"}, "Enter the expiry date"),
        ({"expiry": "01 / 20"}, "expiration date is in the past"),
        ({"cvc": "1"}, "Any will do here"),
        ({"suggestion": "4000000000000002"}, "Your card was declined."),
        ({"suggestion": "4000000000009995"}, "Your card has insufficient funds."),
    ],
)
async def test_it_says_what_is_wrong_and_keeps_the_session_open(shop, browser, wrong, words):
    made = await session(shop)
    answer = await browser.post(made.url, data={**GOOD, **wrong})
    assert answer.status_code == 422
    assert words in answer.text
    assert (await read(shop, made)).status == "open"


async def test_it_never_writes_a_typed_number_back_or_keeps_it(shop, browser):
    made = await session(shop)
    answer = await browser.post(made.url, data={**GOOD, "number": "4111111111111112"})
    assert "4111111111111112" not in answer.text
    await browser.post(made.url, data={**GOOD, "number": "4012888888881881"})
    tables = shop.world.store.tables.values()
    assert not any("4012888888881881" in str(row) for t in tables for row in t.rows.values())


@pytest.mark.parametrize("number", ["4000002760003184", "4000002500003155"])
async def test_it_leads_through_the_bank_where_the_card_asks_for_it(shop, browser, number):
    made = await session(shop)
    to_bank = await browser.post(made.url, data={**GOOD, "suggestion": number})
    assert "/pages/authenticate/seti_" in to_bank.headers["location"]
    back = await browser.post(to_bank.headers["location"], data={"result": "complete"})
    done = await browser.get(back.headers["location"])
    assert done.headers["location"].startswith("https://portal.test/cards/done")
    assert (await read(shop, made)).status == "complete"


async def test_it_lets_the_visitor_try_again_after_the_bank_said_no(shop, browser):
    made = await session(shop)
    to_bank = await browser.post(made.url, data={**GOOD, "suggestion": "4000002760003184"})
    back = await browser.post(to_bank.headers["location"], data={"result": "fail"})
    assert "redirect_status=failed" in back.headers["location"]
    page = await browser.get(back.headers["location"])
    assert "unable to authenticate" in page.text
    assert (await browser.post(made.url, data=GOOD)).status_code == 303


async def test_it_expires_by_call_or_by_time(shop, browser):
    called = await shop.client.v1.checkout.sessions.expire_async((await session(shop)).id)
    assert (called.status, called.url) == ("expired", None)
    made = await session(shop, expires_at=int(shop.clock.time) + HOUR)
    shop.world.advance(HOUR)
    assert (await read(shop, made)).status == "expired"
    assert shop.kinds()[-1] == "checkout.session.expired"
    page = await browser.post(made.url, data=GOOD)
    assert "has expired" in page.text


async def test_it_needs_a_currency_or_a_list_of_types(shop):
    with pytest.raises(stripe.InvalidRequestError, match="You must provide `currency`"):
        await session(shop, currency=None)
    made = await session(shop, currency=None, allowed_payment_method_types=["card"])
    assert made.currency is None
    for seconds in (60, 2 * DAY):
        with pytest.raises(stripe.InvalidRequestError, match="30 minutes and 24 hours"):
            await session(shop, expires_at=int(shop.clock.time) + seconds)


async def test_it_lists_sessions_of_a_customer(shop):
    made = await session(shop)
    found = await shop.client.v1.checkout.sessions.list_async({"customer": shop.customer})
    assert [row.id for row in found.data] == [made.id]


async def test_it_lets_the_customer_pick_the_card_for_invoices(shop, browser):
    portal = await shop.client.v1.billing_portal.sessions.create_async(
        {"customer": shop.customer, "return_url": "https://portal.test/billing"}
    )
    other = shop.new_card("5454545454545454")
    page = await browser.get(portal.url)
    assert "5454" in page.text
    await browser.post(f"{portal.url}/default", data={"card": other})
    customer = await shop.client.v1.customers.retrieve_async(shop.customer)
    assert customer.invoice_settings.default_payment_method == other
    await browser.post(f"{portal.url}/card", data=GOOD)
    cards = await shop.client.v1.customers.payment_methods.list_async(shop.customer)
    customer = await shop.client.v1.customers.retrieve_async(shop.customer)
    assert customer.invoice_settings.default_payment_method == cards.data[0].id
    assert cards.data[0].card.last4 == "4444"


async def test_it_confirms_a_setup_intent_through_the_api(shop):
    made = await shop.client.v1.setup_intents.create_async({"customer": shop.customer})
    done = await shop.client.v1.setup_intents.confirm_async(
        made.id, {"payment_method": "pm_card_mastercard"}
    )
    assert done.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.client.v1.setup_intents.confirm_async(made.id)
    assert caught.value.error.code == "setup_intent_unexpected_state"
