"""PaymentIntents: paying, declining, authenticating, cancelling, and never paying twice."""

import pytest
import stripe


async def intent(shop, **params):
    return await shop.client.v1.payment_intents.create_async(
        {
            "amount": 6000, "currency": "usd", "customer": shop.customer,
            "payment_method": shop.card, "allowed_payment_method_types": ["card"],
            "receipt_email": "billing@harborfitness.example", "metadata": {"order": "ORD-1"},
            **params,
        }
    )  # fmt: skip


async def confirm(shop, found, **params):
    return await shop.client.v1.payment_intents.confirm_async(
        found.id, params or {"off_session": True}
    )


async def test_it_pays_in_two_calls(shop):
    unpaid = await intent(shop)
    assert (unpaid.status, unpaid.latest_charge) == ("requires_confirmation", None)
    paid = await confirm(shop, unpaid)
    assert (paid.status, paid.amount_received) == ("succeeded", 6000)
    charge = await shop.client.v1.charges.retrieve_async(
        paid.latest_charge, {"expand": ["balance_transaction", "payment_intent"]}
    )
    assert charge.payment_method_details.card.last4 == "4242"
    assert charge.balance_transaction.fee == 204
    assert charge.payment_intent.id == paid.id
    assert shop.kinds() == [
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
    ]  # fmt: skip


async def test_it_refuses_to_confirm_what_has_succeeded(shop):
    paid = await confirm(shop, await intent(shop))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await confirm(shop, paid)
    assert caught.value.error.code == "payment_intent_unexpected_state"
    assert caught.value.error.message == (
        "You cannot confirm this PaymentIntent because it has already succeeded after being "
        "previously confirmed."
    )
    assert caught.value.error.payment_intent.id == paid.id


# Test card -> (code, decline_code, advice_code, words)
DECLINES = {
    "pm_card_chargeCustomerFail": (
        "card_declined", "generic_decline", "try_again_later", "Your card was declined.",
    ),
    "pm_card_chargeDeclinedInsufficientFunds": (
        "card_declined", "insufficient_funds", "try_again_later",
        "Your card has insufficient funds.",
    ),
    "pm_card_chargeDeclinedLostCard": (
        "card_declined", "lost_card", "do_not_try_again", "Your card was declined.",
    ),
    "pm_card_chargeDeclinedStolenCard": (
        "card_declined", "stolen_card", "do_not_try_again", "Your card was declined.",
    ),
    "pm_card_chargeDeclinedExpiredCard": (
        "expired_card", "expired_card", "do_not_try_again", "Your card has expired.",
    ),
    "pm_card_chargeDeclinedIncorrectCvc": (
        "incorrect_cvc", "incorrect_cvc", None, "Your card's security code is incorrect.",
    ),
    "pm_card_chargeDeclinedProcessingError": (
        "processing_error", "processing_error", "try_again_later",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DECLINES)
async def test_it_declines_by_test_card(shop, name):
    code, decline_code, advice, words = DECLINES[name]
    unpaid = await intent(shop, payment_method=shop.new_card(name))
    with pytest.raises(stripe.CardError) as caught:
        await confirm(shop, unpaid)
    error = caught.value.error
    assert (caught.value.http_status, error.code, error.decline_code) == (402, code, decline_code)
    assert (error.advice_code, error.message) == (advice, words)
    assert error.payment_intent.status == "requires_payment_method"
    assert (await shop.client.v1.charges.retrieve_async(error.charge)).status == "failed"
    assert shop.kinds()[-2:] == ["charge.failed", "payment_intent.payment_failed"]


async def test_it_confirms_the_same_intent_with_another_card_after_a_decline(shop):
    unpaid = await intent(shop, payment_method=shop.new_card("pm_card_chargeCustomerFail"))
    with pytest.raises(stripe.CardError):
        await confirm(shop, unpaid)
    paid = await confirm(shop, unpaid, payment_method=shop.card, off_session=True)
    assert paid.status == "succeeded"
    assert paid.last_payment_error is None


async def test_it_needs_authentication_while_the_customer_is_away(shop):
    unpaid = await intent(shop, payment_method=shop.new_card("pm_card_authenticationRequired"))
    with pytest.raises(stripe.CardError) as caught:
        await confirm(shop, unpaid)
    error = caught.value.error
    assert (error.code, error.decline_code) == ("authentication_required",) * 2
    assert error.message == "Your card was declined. This transaction requires authentication."
    assert error.charge is None
    again = await shop.client.v1.payment_intents.retrieve_async(unpaid.id)
    assert (again.status, again.latest_charge) == ("requires_payment_method", None)


async def test_it_charges_the_set_up_card_without_asking(shop):
    card = shop.new_card("pm_card_authenticationRequiredOnSetup")
    assert (await confirm(shop, await intent(shop, payment_method=card))).status == "succeeded"


@pytest.mark.parametrize(
    ("button", "status", "said"),
    [
        ("complete", "succeeded", "succeeded"),
        ("fail", "requires_payment_method", "failed"),
    ],
)
async def test_it_sends_the_customer_through_the_bank_and_back(shop, browser, button, status, said):
    card = shop.new_card("pm_card_authenticationRequired")
    unpaid = await intent(shop, payment_method=card)
    waiting = await confirm(
        shop, unpaid, payment_method=card, return_url="https://portal.test/back?x=1"
    )
    assert (waiting.status, waiting.next_action.type) == ("requires_action", "redirect_to_url")
    page = await browser.get(waiting.next_action.redirect_to_url.url)
    assert "$60.00" in page.text
    answer = await browser.post(str(page.url), data={"result": button})
    assert answer.headers["location"].startswith(
        f"https://portal.test/back?x=1&payment_intent={unpaid.id}&payment_intent_client_secret="
    )
    assert answer.headers["location"].endswith(f"&redirect_status={said}")
    assert (await shop.client.v1.payment_intents.retrieve_async(unpaid.id)).status == status


async def test_it_asks_for_the_script_when_no_return_address_is_given(shop):
    card = shop.new_card("pm_card_authenticationRequired")
    waiting = await confirm(shop, await intent(shop), payment_method=card)
    assert waiting.next_action.type == "use_stripe_sdk"


async def test_it_cancels_an_unpaid_intent_and_not_a_paid_one(shop):
    unpaid, paid = await intent(shop), await confirm(shop, await intent(shop))
    gone = await shop.client.v1.payment_intents.cancel_async(
        unpaid.id, {"cancellation_reason": "abandoned"}
    )
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.client.v1.payment_intents.cancel_async(paid.id)
    assert "because it has a status of succeeded" in caught.value.error.message
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await confirm(shop, gone)
    assert "because it has a status of canceled" in caught.value.error.message


@pytest.mark.parametrize(
    ("params", "param", "code", "words"),
    [
        ({"amount": 49}, "amount", "amount_too_small", "Amount must be at least $0.50 usd"),
        ({"amount": 49, "currency": "jpy"}, "amount", "amount_too_small", "at least ¥50 jpy"),
        ({"currency": "xyz"}, "currency", None, "Invalid currency: xyz."),
        ({"off_session": True}, "off_session", None, "unless `confirm` is set to true"),
        (
            {"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown",
            "Received unknown parameter: payment_method_types",
        ),
        ({"customer": "cus_nobody"}, "customer", "resource_missing", "No such customer"),
        ({"payment_method": "pm_none"}, "payment_method", "resource_missing", "No such Payment"),
    ],
)  # fmt: skip
async def test_it_refuses_what_stripe_refuses(shop, params, param, code, words):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await intent(shop, **params)
    assert (caught.value.param, caught.value.error.code) == (param, code)
    assert words in caught.value.error.message


async def test_it_does_not_charge_a_card_that_was_detached_or_is_somebody_elses(shop):
    other = shop.world.add_customer("ben@elsewhere.example", "Ben Okafor")
    foreign = shop.world.add_card(other["id"])["id"]
    unpaid = await intent(shop)
    with pytest.raises(stripe.InvalidRequestError, match="must be attached to the customer"):
        await confirm(shop, unpaid, payment_method=foreign, off_session=True)
    await shop.client.v1.payment_methods.detach_async(shop.card)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        await confirm(shop, unpaid)


async def test_it_refuses_raw_card_numbers_and_takes_tokens(shop):
    methods = shop.client.v1.payment_methods
    with pytest.raises(stripe.CardError, match="generally unsafe"):
        await methods.create_async(
            {
                "type": "card",
                "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2030},
            }
        )
    card = await methods.create_async({"type": "card", "card": {"token": "tok_mastercard"}})
    kept = await methods.attach_async(card.id, {"customer": shop.customer})
    assert (kept.card.brand, kept.customer) == ("mastercard", shop.customer)


async def test_it_declines_attaching_a_declining_card_as_generic(shop):
    with pytest.raises(stripe.CardError) as caught:
        await shop.client.v1.payment_methods.attach_async(
            "pm_card_chargeDeclinedInsufficientFunds", {"customer": shop.customer}
        )
    assert caught.value.error.decline_code == "generic_decline"
    kept = await shop.client.v1.payment_methods.attach_async(
        "pm_card_chargeCustomerFail", {"customer": shop.customer}
    )
    assert kept.customer == shop.customer


async def test_it_puts_a_new_number_behind_the_same_card(shop):
    before = await shop.client.v1.payment_methods.retrieve_async(shop.card)
    shop.world.replace_card(shop.card, "5454545454545454")
    after = await shop.client.v1.payment_methods.retrieve_async(shop.card)
    assert (after.card.last4, after.card.brand) == ("5454", "mastercard")
    assert after.card.fingerprint != before.card.fingerprint
    assert shop.kinds()[-1] == "payment_method.automatically_updated"


async def test_it_gives_one_number_one_fingerprint(shop):
    methods = shop.client.v1.payment_methods
    again = await methods.attach_async("pm_card_visa", {"customer": shop.customer})
    first = await methods.retrieve_async(shop.card)
    other = await methods.attach_async("pm_card_mastercard", {"customer": shop.customer})
    assert again.id != first.id
    assert again.card.fingerprint == first.card.fingerprint != other.card.fingerprint
