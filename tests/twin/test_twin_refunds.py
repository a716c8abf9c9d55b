"""Refunds: amounts, refusals, waiting, settling, failing late, the bank's reference, events."""

import pytest
import stripe

from sandbox.stripe_twin.clock import DAY

CREATED = ["refund.created", "charge.refunded"]
UPDATED = ["refund.updated", "charge.refund.updated"]


def refund_events(shop):
    return [kind for kind in shop.kinds() if "refund" in kind]


async def refuse(shop, charge, **params):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.refund(charge, **params)
    return caught.value


async def test_it_refunds_in_parts_until_nothing_is_left(shop):
    charge = shop.charge(6000)
    await shop.refund(charge, amount=2000)
    half = await shop.client.v1.charges.retrieve_async(charge)
    assert (half.amount_refunded, half.refunded) == (2000, False)
    rest = await shop.refund(charge)
    assert rest.amount == 4000
    full = await shop.client.v1.charges.retrieve_async(charge, {"expand": ["refunds"]})
    assert (full.amount_refunded, full.refunded, len(full.refunds.data)) == (6000, True, 2)
    assert not hasattr(half, "refunds")


async def test_it_sends_the_recorded_events_for_a_refund_that_succeeds_at_once(shop):
    await shop.refund(shop.charge())
    assert refund_events(shop) == CREATED + UPDATED
    assert [event["data"]["object"]["object"] for event in shop.world.events[-4:]] == [
        "refund", "charge", "refund", "refund",
    ]  # fmt: skip


async def test_it_refuses_more_than_is_left_without_a_code(shop):
    charge = shop.charge(10000)
    await shop.refund(charge, amount=4000)
    error = await refuse(shop, charge, amount=7000)
    assert error.error.message == (
        "Refund amount ($70.00) is greater than unrefunded amount on charge ($60.00)"
    )
    assert (error.http_status, error.param, error.error.code) == (400, "amount", None)


async def test_it_refuses_a_charge_that_was_refunded(shop):
    charge = shop.charge()
    await shop.refund(charge)
    error = await refuse(shop, charge)
    assert error.error.message == f"Charge {charge} has already been refunded."
    assert error.error.code == "charge_already_refunded"


async def test_it_refuses_a_charge_that_was_charged_back_but_not_one_in_inquiry(shop):
    charge, asked = shop.charge(), shop.charge()
    shop.world.open_dispute(charge)
    shop.world.open_inquiry(asked)
    error = await refuse(shop, charge)
    assert error.error.message == f"Charge {charge} has been charged back; cannot issue a refund."
    assert error.error.code == "charge_disputed"
    assert (await shop.refund(asked)).status == "succeeded"


async def test_it_needs_a_charge_or_a_payment_intent(shop):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.client.v1.refunds.create_async({"amount": 100})
    assert caught.value.error.message == (
        "One of the following params should be provided for this request: payment_intent or charge."
    )


async def test_it_knows_three_reasons(shop):
    error = await refuse(shop, shop.charge(), reason="unhappy")
    assert error.error.message == (
        "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer"
    )


async def test_it_refunds_by_payment_intent_and_lists_by_either(shop):
    charge = await shop.client.v1.charges.retrieve_async(shop.charge())
    refund = await shop.client.v1.refunds.create_async(
        {"payment_intent": charge.payment_intent, "metadata": {"case": "C-1"}}
    )
    assert (refund.charge, refund.metadata["case"]) == (charge.id, "C-1")
    assert refund.customer == shop.customer
    for by in ({"charge": charge.id}, {"payment_intent": charge.payment_intent}):
        found = await shop.client.v1.refunds.list_async(by)
        assert [row.id for row in found.data] == [refund.id]


async def test_it_leaves_out_what_stripe_leaves_out(shop):
    refund = await shop.refund(shop.charge())
    for name in ("pending_reason", "failure_reason", "failure_balance_transaction", "next_action"):
        assert not hasattr(refund, name)
    assert refund.receipt_number is None


async def test_it_holds_a_refund_of_the_pending_card_and_settles_it_a_day_later(shop):
    charge = shop.charge(card=shop.new_card("pm_card_pendingRefund"))
    refund = await shop.refund(charge)
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert refund_events(shop) == CREATED
    shop.world.advance(DAY)
    settled = await shop.client.v1.refunds.retrieve_async(refund.id)
    assert settled.status == "succeeded"
    assert not hasattr(settled, "pending_reason")
    assert refund_events(shop) == CREATED + UPDATED


async def test_it_fails_a_refund_of_the_failing_card_three_days_later(shop):
    charge = shop.charge(card=shop.new_card("pm_card_refundFail"))
    refund = await shop.refund(charge, amount=1500)
    assert refund.status == "succeeded"
    shop.world.advance(3 * DAY)
    failed = await shop.client.v1.refunds.retrieve_async(
        refund.id, {"expand": ["failure_balance_transaction"]}
    )
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert failed.failure_balance_transaction.amount == 1500
    assert failed.failure_balance_transaction.type == "refund_failure"
    # Recorded: no refund.updated on failure.
    assert shop.kinds()[-2:] == ["refund.failed", "charge.refund.updated"]
    assert (await shop.client.v1.charges.retrieve_async(charge)).amount_refunded == 0


async def test_it_fails_any_refund_on_demand_and_lets_it_be_made_again(shop):
    charge = shop.charge()
    refund = await shop.refund(charge)
    shop.world.advance(30 * DAY)
    shop.world.fail_refund(refund.id, "lost_or_stolen_card")
    assert (await shop.refund(charge)).status == "succeeded"
    rows = [(row.kind, row.amount_minor, row.status) for row in shop.world.ledger()]
    assert rows == [
        ("charge", 6000, "succeeded"),
        ("refund", -6000, "failed"),
        ("refund_failure", 6000, "failed"),
        ("refund", -6000, "succeeded"),
    ]


async def test_it_holds_refunds_while_our_balance_is_short(shop):
    one, two = shop.charge(1000), shop.charge(5000)
    shop.world.set_available_balance("usd", 1200)
    small, large = await shop.refund(one), await shop.refund(two)
    assert (small.status, large.status) == ("succeeded", "pending")
    assert (large.pending_reason, large.balance_transaction) == ("insufficient_funds", None)
    shop.world.set_available_balance("usd", 6000)
    paid = await shop.client.v1.refunds.retrieve_async(large.id)
    assert paid.status == "succeeded"
    assert paid.balance_transaction
    balance = await shop.client.v1.balance.retrieve_async()
    assert balance.available[0].amount == 1000


async def test_it_fails_a_pending_refund_when_the_charge_is_disputed(shop):
    charge = shop.charge(card=shop.new_card("pm_card_pendingRefund"))
    refund = await shop.refund(charge)
    shop.world.open_dispute(charge)
    failed = await shop.client.v1.refunds.retrieve_async(refund.id)
    assert failed.failure_reason == "charge_for_pending_refund_disputed"


@pytest.mark.parametrize("number", ["pm_card_visa", "pm_card_pendingRefund"])
async def test_it_never_cancels_a_card_refund_through_the_api(shop, number):
    refund = await shop.refund(shop.charge(card=shop.new_card(number)))
    with pytest.raises(stripe.InvalidRequestError) as caught:
        await shop.client.v1.refunds.cancel_async(refund.id)
    assert caught.value.error.message == "Canceling this refund is unsupported."


async def test_it_cancels_in_the_dashboard(shop):
    charge = shop.charge()
    refund = await shop.refund(charge)
    shop.world.cancel_refund_in_dashboard(refund.id)
    assert (await shop.client.v1.refunds.retrieve_async(refund.id)).status == "canceled"
    assert (await shop.client.v1.charges.retrieve_async(charge)).amount_refunded == 0


async def test_it_learns_the_bank_reference_within_seven_business_days(shop):
    refund = await shop.refund(shop.charge())
    card = refund.destination_details.card
    assert (card.type, card.reference_status) == ("refund", "pending")
    assert not hasattr(card, "reference")
    shop.world.advance(9 * DAY)
    later = (await shop.client.v1.refunds.retrieve_async(refund.id)).destination_details.card
    assert (later.reference_status, later.reference_type) == (
        "available", "acquirer_reference_number",
    )  # fmt: skip
    assert len(later.reference) == 23
    assert shop.kinds()[-2:] == UPDATED


async def test_it_takes_a_reference_on_demand(shop):
    refund = await shop.refund(shop.charge())
    shop.world.set_reference(refund.id, "74599998185000001234567")
    card = (await shop.client.v1.refunds.retrieve_async(refund.id)).destination_details.card
    assert card.reference == "74599998185000001234567"


async def test_it_reverses_a_charge_of_the_same_day_without_a_reference(shop):
    refund = await shop.refund(shop.charge(days_ago=0))
    shop.world.advance(14 * DAY)
    card = (await shop.client.v1.refunds.retrieve_async(refund.id)).destination_details.card
    assert card.to_dict() == {"type": "reversal"}


async def test_it_shows_refunds_made_by_hand_without_our_metadata(shop):
    charge = shop.charge()
    shop.world.refund_in_dashboard(charge, 500)
    found = (await shop.client.v1.refunds.list_async({"charge": charge})).data[0]
    assert (found.amount, found.metadata.to_dict()) == (500, {})
    assert shop.world.events[-1]["request"] == {"id": None, "idempotency_key": None}


async def test_it_marks_the_charge_when_the_reason_is_fraud(shop):
    charge = shop.charge()
    await shop.refund(charge, reason="fraudulent")
    details = (await shop.client.v1.charges.retrieve_async(charge)).fraud_details
    assert details.user_report == "fraudulent"


async def test_it_writes_zero_decimal_amounts_as_such(shop):
    charge = shop.world.add_charge(shop.customer, shop.card, 5000, "jpy")["id"]
    error = await refuse(shop, charge, amount=5001)
    assert "(¥5,001) is greater than unrefunded amount on charge (¥5,000)" in error.error.message
