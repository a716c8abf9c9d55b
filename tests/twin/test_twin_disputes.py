"""Disputes, inquiries, evidence and early fraud warnings."""

import io

import pytest
import stripe

from sandbox.stripe_twin.clock import DAY, HOUR, MINUTE


def proof():
    file = io.BytesIO(b"%PDF-1.7 proof")
    file.name = "proof.pdf"
    return file


async def test_it_takes_the_money_of_a_chargeback_at_once(shop):
    charge = shop.charge()
    shop.world.open_dispute(charge, reason="duplicate")
    found = (await shop.client.v1.disputes.list_async({"charge": charge})).data[0]
    assert (found.status, found.reason, found.is_charge_refundable) == (
        "needs_response", "duplicate", False,
    )  # fmt: skip
    moved = found.balance_transactions[0]
    assert (moved.amount, moved.fee, moved.reporting_category) == (-6000, 1500, "dispute")
    assert (await shop.client.v1.charges.retrieve_async(charge)).disputed
    assert shop.kinds()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


async def test_it_lists_several_disputes_of_one_payment(shop):
    charge = await shop.client.v1.charges.retrieve_async(shop.charge())
    shop.world.open_dispute(charge.id, amount=1000)
    shop.world.open_dispute(charge.id, amount=2000)
    found = await shop.client.v1.disputes.list_async({"payment_intent": charge.payment_intent})
    assert [row.amount for row in found.data] == [2000, 1000]


async def test_it_only_asks_in_an_inquiry(shop):
    charge = shop.charge()
    opened = shop.world.open_inquiry(charge)
    found = await shop.client.v1.disputes.retrieve_async(opened["id"])
    assert (found.status, found.is_charge_refundable) == ("warning_needs_response", True)
    assert found.balance_transactions == []
    shop.world.escalate_inquiry(found.id)
    chargeback = await shop.client.v1.disputes.retrieve_async(found.id)
    assert (chargeback.status, chargeback.is_charge_refundable) == ("needs_response", False)


@pytest.mark.parametrize(
    ("verdict", "last", "rows"),
    [
        ("won", "charge.dispute.funds_reinstated", [6000, -6000, 6000]),
        ("lost", "charge.dispute.closed", [6000, -6000]),
    ],
)
async def test_it_ends(shop, verdict, last, rows):
    charge = shop.charge()
    opened = shop.world.open_dispute(charge)
    shop.world.close_dispute(opened["id"], verdict)
    assert (await shop.client.v1.disputes.retrieve_async(opened["id"])).status == verdict
    assert shop.kinds()[-1] == last
    assert [row.amount_minor for row in shop.world.ledger()] == rows
    assert (await shop.client.v1.charges.retrieve_async(charge)).disputed


async def test_it_stages_evidence_and_submits_by_default(shop):
    opened = shop.world.open_dispute(shop.charge())["id"]
    file = await shop.client.v1.files.create_async({"purpose": "dispute_evidence", "file": proof()})
    assert (file.size, file.type, file.filename) == (14, "pdf", "proof.pdf")
    assert shop.world.file_content(file.id) == b"%PDF-1.7 proof"
    staged = await shop.client.v1.disputes.update_async(
        opened, {"evidence": {"refund_policy": file.id}, "submit": False}
    )
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    sent = await shop.client.v1.disputes.update_async(
        opened, {"evidence": {"uncategorized_text": "winning_evidence"}}
    )
    assert (sent.status, sent.evidence.refund_policy) == ("under_review", file.id)
    shop.world.advance(HOUR)
    assert (await shop.client.v1.disputes.retrieve_async(opened)).status == "won"


async def test_it_refuses_too_much_text_and_unknown_files(shop):
    opened = shop.world.open_dispute(shop.charge())["id"]
    for evidence in ({"uncategorized_text": "x" * 150_001}, {"receipt": "file_none"}):
        with pytest.raises(stripe.InvalidRequestError):
            await shop.client.v1.disputes.update_async(opened, {"evidence": evidence})
    text = io.BytesIO(b"hello")
    text.name = "proof.exe"
    with pytest.raises(stripe.InvalidRequestError, match="must be one of the following types"):
        await shop.client.v1.files.create_async({"purpose": "dispute_evidence", "file": text})


async def test_it_accepts_a_dispute_for_good(shop):
    opened = shop.world.open_dispute(shop.charge())["id"]
    assert (await shop.client.v1.disputes.close_async(opened)).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        await shop.client.v1.disputes.update_async(opened, {"evidence": {"receipt": ""}})


async def test_it_warns_of_fraud_until_the_charge_is_refunded_in_full(shop):
    charge = shop.charge()
    warned = shop.world.warn_fraud(charge)["id"]
    await shop.refund(charge, amount=1000)
    warnings = shop.client.v1.radar.early_fraud_warnings
    assert (await warnings.list_async({"charge": charge})).data[0].actionable
    await shop.refund(charge)
    assert not (await warnings.retrieve_async(warned)).actionable
    assert shop.kinds()[-1] == "radar.early_fraud_warning.updated"


@pytest.mark.parametrize(
    ("card", "event"),
    [
        ("pm_card_createDispute", "charge.dispute.created"),
        ("pm_card_createDisputeInquiry", "charge.dispute.created"),
        ("pm_card_createIssuerFraudRecord", "radar.early_fraud_warning.created"),
    ],
)
async def test_it_makes_trouble_by_itself_for_some_test_cards(shop, card, event):
    charge = shop.charge(card=shop.new_card(card), days_ago=0)
    assert event not in shop.kinds()
    shop.world.advance(MINUTE)
    assert event in shop.kinds()
    assert (await shop.client.v1.charges.retrieve_async(charge)).id == charge


async def test_it_makes_a_charge_available_two_days_later(shop):
    shop.charge(days_ago=0)
    moves = shop.client.v1.balance_transactions
    assert (await moves.list_async({"type": "charge"})).data[0].status == "pending"
    shop.world.advance(2 * DAY)
    assert (await moves.list_async({"type": "charge"})).data[0].status == "available"
