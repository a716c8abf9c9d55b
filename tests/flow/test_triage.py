"""Taking a case, verifying who asks, writing, asking, declining."""

from datetime import timedelta
from unittest import mock

import pytest

from amends import facts
from amends.flow import charges, comparison, identity, sighting, triage
from amends.flow.identity import Fact, Verdict
from amends.gateways import stripe
from amends.models import Account, Case, IdentityCheck, MailItem, Message, TimelineEntry
from amends.rules.evidence import Match
from amends.rules.workflow import Reason, Status
from tests.backoffice import scene

pytestmark = pytest.mark.usefixtures("db")


async def test_it_gives_sam_the_most_urgent_case_and_then_none() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    first, second = await scene.submitted(shop), await scene.submitted(shop)

    taken = await triage.claim_next(sam)
    also = await triage.claim_next(sam)

    assert taken is not None and also is not None
    assert (taken.ref, also.ref) == (first.ref, second.ref)
    assert taken.status is Status.TRIAGE and taken.owner_id == sam.person_id
    assert await triage.claim_next(sam) is None


async def test_it_keeps_cards_not_recognised_for_security() -> None:
    shop, sam, noor = (
        await scene.harbor(),
        await scene.staff("Sam Ito"),
        await scene.staff("Noor Haddad"),
    )
    await scene.submitted(shop, **scene.dispute(Reason.NOT_RECOGNISED))

    assert await triage.claim_next(sam) is None
    assert await triage.claim_next(noor) is not None


async def test_it_frees_a_case_that_was_taken_and_left_for_a_day() -> None:
    shop, sam, nia = (
        await scene.harbor(),
        await scene.staff("Sam Ito"),
        await scene.staff("Nia Brooks"),
    )
    case = await triage.claim(await scene.submitted(shop), sam)
    assert await triage.claim_next(nia) is None

    await Case.filter(id=case.id).update(owned_since=case.owned_since - timedelta(hours=25))

    taken = await triage.claim_next(nia)
    assert taken is not None and taken.owner_id == nia.person_id


async def test_it_lets_only_a_lead_take_over_a_case() -> None:
    shop, sam, nia, lee = (
        await scene.harbor(),
        await scene.staff("Sam Ito"),
        await scene.staff("Nia Brooks"),
        await scene.staff("Lee Moreau"),
    )
    case = await triage.claim(await scene.submitted(shop), sam)

    with pytest.raises(facts.Refused, match="Sam Ito has this case"):
        await triage.claim(case, nia)
    assert (await triage.claim(case, lee)).owner_id == lee.person_id


@pytest.mark.req("V8.1.2")
@pytest.mark.parametrize("name", ["Otto Brandt", "Ivy Lindqvist", "Alex Kim"])
async def test_it_lets_auditors_csms_and_admins_look_but_not_act(name: str) -> None:
    shop, viewer = await scene.harbor(), await scene.staff(name)
    case = await scene.submitted(shop)
    for act in (
        triage.claim(case, viewer),
        triage.note(case, viewer, "A note"),
        triage.reply(case, viewer, "A reply"),
        sighting.read_claim(case, viewer),
        identity.verify_identity(case, viewer, Fact.TENANT_ID, Verdict.MATCH),
    ):
        with pytest.raises(facts.Refused):
            await act


@pytest.mark.req("A6")
async def test_it_compares_what_priya_wrote_with_stripe() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)

    reading = await sighting.read_claim(case, sam)
    rows = {row.fact: row for row in comparison.rows(case, shop.account, reading)}

    assert {name: row.match for name, row in rows.items()} == dict.fromkeys(rows, Match.MATCH)
    assert rows["Card charged"].shows == "American Express 0005, Visa debit 5556"
    assert rows["Amount"].shows == "$1,200.00 + $800.00"
    assert rows["Bank dispute"].shows == "None on either charge"
    assert rows["New card"].shows == "Mastercard 5454, expires 12/2034"


@pytest.mark.req("A6", "T12", "V6.4.2")
async def test_it_shows_wrong_digits_as_a_mismatch_and_nothing_as_unknown() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop, claimed_last4="9876", claimed_amount_minor=None)

    reading = await sighting.read_claim(case, sam)
    rows = {row.fact: row.match for row in comparison.rows(case, shop.account, reading)}

    assert rows["Card charged"] is Match.MISMATCH
    assert rows["Amount"] is Match.UNKNOWN
    assert {row.match for row in comparison.rows(case, shop.account, None)} == {Match.UNKNOWN}


async def test_it_keeps_the_reading_for_the_page() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    assert await sighting.shown(case) is None

    read = await sighting.read_claim(case, sam)
    assert await sighting.shown(case) == read
    again = await sighting.read_claim(case, sam)
    assert await sighting.shown(case) == again


@pytest.mark.req("A5")
async def test_it_ranks_candidates_and_calls_an_address_alone_unverified() -> None:
    world = scene.twin()
    shop, sam = await scene.harbor(world), await scene.staff("Sam Ito")
    impostor = world.add_customer(scene.EMAIL, "Somebody Else", {"tenant_id": "xx-1"})
    await Account.filter(id=shop.account.id).update(stripe_customer_id=None)
    case = await triage.claim(await scene.submitted(shop), sam)

    reading = await sighting.read_claim(case, sam)

    assert [one.customer.id for one in reading.candidates] == [shop.customer_id, impostor["id"]]
    assert [one.verified for one in reading.candidates] == [True, False]
    with pytest.raises(facts.Refused, match="lead or a manager"):
        await charges.choose_customer(case, sam, impostor["id"], "Looks right")
    await charges.choose_customer(case, sam, shop.customer_id)
    assert (await Account.get(id=shop.account.id)).stripe_customer_id == shop.customer_id


@pytest.mark.req("A5", "V8.4.1")
async def test_it_refuses_a_customer_of_another_account() -> None:
    world = scene.twin()
    shop, sam = await scene.harbor(world), await scene.staff("Sam Ito")
    other = await scene.shop(
        world, "nw-1", "Northgate Physio", scene.EMAIL, "SO-9", (("4242424242424242", 5_00),)
    )
    await Account.filter(id=other.account.id).update(stripe_customer_id=None)
    await Account.filter(id=other.account.id).update(tenant_id="hf-0213-b")
    case = await triage.claim(await scene.submitted(other), sam)
    lee = await scene.staff("Lee Moreau")

    with pytest.raises(facts.Refused, match="already belongs to Harbor Fitness LLC"):
        await charges.choose_customer(case, lee, shop.customer_id, "Same address")


@pytest.mark.req("A6")
async def test_it_picks_charges_only_from_the_verified_customer() -> None:
    world = scene.twin()
    shop, sam = await scene.harbor(world), await scene.staff("Sam Ito")
    stranger = world.add_customer("else@example.com", "Else")
    card = world.add_card(stranger["id"])
    theirs = world.add_charge(stranger["id"], card["id"], 10_00)
    case = await triage.claim(await scene.submitted(shop), sam)

    with pytest.raises(facts.Refused, match="not one of the customer's"):
        await charges.pick_charges(case, sam, [theirs["id"]])
    picked = await charges.pick_charges(case, sam, [shop.deposits[1].charge_id])

    assert picked.deposit_ids == [shop.deposits[1].id]
    reading = await sighting.read_claim(picked, sam)
    assert [seen.charge.id for seen in reading.charges] == [shop.deposits[1].charge_id]


@pytest.mark.req("A1")
async def test_it_records_each_fact_with_who_and_when() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await scene.verified(case, sam)

    standing = await identity.standing(case, await sighting.shown(case))

    assert standing.verified
    assert {fact.by for fact in standing.facts} == {"Sam Ito"}
    assert await IdentityCheck.filter(case_id=case.id).count() == 3
    assert await TimelineEntry.filter(case_id=case.id, action="check_identity").count() == 3


@pytest.mark.req("A1")
async def test_it_takes_no_match_where_stripe_shows_another_name() -> None:
    world = scene.twin()
    shop, sam, lee = (
        await scene.harbor(world),
        await scene.staff("Sam Ito"),
        await scene.staff("Lee Moreau"),
    )
    await Account.filter(id=shop.account.id).update(organisation="Harbor Holdings")
    case = await scene.submitted(shop)
    await sighting.read_claim(case, sam)

    with pytest.raises(facts.Refused, match="Stripe shows another organization"):
        await identity.verify_identity(case, sam, Fact.ORGANISATION, Verdict.MATCH)
    with pytest.raises(facts.Refused, match="Only a lead or a manager"):
        await identity.override_identity(case, sam, Fact.ORGANISATION, "They were renamed")
    with pytest.raises(facts.InvalidInput):
        await identity.override_identity(case, lee, Fact.ORGANISATION, " ")
    await identity.override_identity(case, lee, Fact.ORGANISATION, "They were renamed in May")

    found = {one.fact: one for one in (await identity.standing(case, None)).facts}
    assert found[Fact.ORGANISATION].stands and found[Fact.ORGANISATION].by == "Lee Moreau"


@pytest.mark.req("A1")
async def test_it_forgets_a_verdict_when_the_account_says_another_thing() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await scene.verified(case, sam)

    await Account.filter(id=shop.account.id).update(tenant_id="hf-9999")

    standing = await identity.standing(case, await sighting.shown(case))
    assert [one.fact for one in standing.missing] == [Fact.TENANT_ID]


async def test_it_keeps_notes_from_the_customer_and_mails_replies() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)

    await triage.note(case, sam, "Card 4242 4242 4242 4242 is in the letter")
    await triage.reply(case, sam, "We look into it today.")

    notes = await Message.filter(case_id=case.id).order_by("id")
    assert [message.audience for message in notes] == ["staff", "customer"]
    assert "4242 4242 4242 4242" not in notes[0].body
    mails = await MailItem.filter(case_id=case.id)
    assert [(mail.kind, mail.recipient) for mail in mails] == [("message_from_us", scene.EMAIL)]


@pytest.mark.req("B13")
async def test_it_asks_priya_and_opens_the_papers() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await triage.claim(await scene.submitted(shop), sam)

    asked = await triage.ask_customer(case, sam, "Please send your license", [triage.PAPERS])

    assert asked.status is Status.NEEDS_CUSTOMER
    standing = await identity.standing(asked, None)
    assert standing.papers_open
    await identity.verify_identity(asked, sam, Fact.VERIFICATION, Verdict.MATCH, "license.pdf")
    assert not (await identity.standing(asked, None)).papers_open


async def test_it_declines_with_a_reason_for_us_and_words_for_priya() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await triage.claim(await scene.submitted(shop), sam)
    with pytest.raises(facts.InvalidInput):
        await triage.decline(case, sam, "No case", " ")

    declined = await triage.decline(
        case, sam, "Charge is right", "The charge is for your yearly plan."
    )

    assert declined.status is Status.DECLINED
    assert declined.outcome_reason == "The charge is for your yearly plan."
    mail = await MailItem.get(case_id=case.id, kind="declined")
    assert mail.context["because"] == "The charge is for your yearly plan."
    last = await TimelineEntry.filter(case_id=case.id).order_by("-seq").first()
    assert last is not None and last.reason == "Charge is right"


@pytest.mark.req("A7d")
async def test_it_freezes_the_account_when_the_card_is_not_recognised() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await triage.claim(await scene.submitted(shop), sam)

    locked = await triage.set_reason(case, sam, Reason.NOT_RECOGNISED)

    assert locked.status is Status.LOCKED_FRAUD
    assert (await Account.get(id=shop.account.id)).flagged_at is not None


@pytest.mark.req("A4")
async def test_it_hands_a_disputed_case_to_the_bank_desk() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await triage.claim(await scene.submitted(shop), sam)
    with pytest.raises(facts.Refused, match="no open dispute"):
        await triage.hand_to_bank_desk(case, sam)

    shop.world.open_dispute(shop.deposits[0].charge_id)

    assert (await triage.hand_to_bank_desk(case, sam)).status is Status.LOCKED_CHARGEBACK


async def test_it_says_who_changed_the_case_when_a_form_was_older() -> None:
    shop, sam, lee = (
        await scene.harbor(),
        await scene.staff("Sam Ito"),
        await scene.staff("Lee Moreau"),
    )
    case = await triage.claim(await scene.submitted(shop), sam)
    await triage.assign(case, lee, lee.person_id)

    with pytest.raises(facts.Stale, match="Lee Moreau changed this case"):
        await triage.expect(case.ref, case.version)
    with pytest.raises(facts.Stale):
        await triage.release(case, sam)


async def test_it_says_that_stripe_is_away_and_keeps_the_last_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    kept = await sighting.read_claim(case, sam)
    monkeypatch.setattr(stripe, "charge", mock.AsyncMock(side_effect=stripe.Unavailable("away")))

    with pytest.raises(facts.Unavailable):
        await sighting.read_claim(case, sam)
    assert await sighting.shown(case) == kept
