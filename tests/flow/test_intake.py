"""Filing a case in the domain: owner, order, amount, card, sent once; nothing is trusted twice."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from amends import facts
from amends.flow import attachment, intake, intake_steps, new_card, writing
from amends.flow.attachment import Upload
from amends.flow.intake_answers import (
    AmountClaimed,
    CardLater,
    ChargeChosen,
    OrderTyped,
    ReasonGiven,
    StoryTold,
    TermsRead,
)
from amends.flow.intake_steps import Step
from amends.gateways import stripe
from amends.models import Attachment, Case, MailItem, Message, TimelineEntry
from amends.rules.money import Money
from amends.rules.people import Customer
from amends.rules.workflow import Kind, Reason, Status
from tests.backoffice import scene
from tests.backoffice.scene import Customers


@pytest.fixture
async def harbor(db: None) -> Customers:
    return await scene.harbor()


async def answered(shop: Customers, kind: Kind = Kind.REBILL, last4: str = "0005") -> Case:
    """A draft with every question answered."""
    by = shop.priya
    case = await intake.start_draft(by, kind)
    case = await intake.save_answer(case, by, await intake.own_order(by, shop.order.id))
    reasons = intake_steps.REASONS[kind]
    if len(reasons) > 1:
        case = await intake.save_answer(case, by, ReasonGiven(reasons[0]))
    bank = kind is Kind.CHARGEBACK
    case = await intake.save_answer(case, by, AmountClaimed(last4, "", bank))
    if kind is Kind.REBILL:
        case = await new_card.choose_saved_card(case, by, shop.new_card["id"])
    if kind is Kind.CANCELLATION:
        case = await intake.save_answer(case, by, TermsRead())
    return await intake.save_answer(case, by, StoryTold("What happened"))


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_kind_is_filed(harbor: Customers, kind: Kind) -> None:
    sent = await intake.submit(await answered(harbor, kind), harbor.priya)
    locked = kind is Kind.CHARGEBACK
    assert sent.status is (Status.LOCKED_CHARGEBACK if locked else Status.SUBMITTED)
    assert sent.ref.startswith("RB-") and sent.submitted_at is not None
    assert await MailItem.filter(case_id=sent.id, kind="request_received").count() == 1
    first = await TimelineEntry.filter(case_id=sent.id).order_by("seq").first()
    assert first is not None and first.action == "submit" and first.data["kind"] == kind.value


@pytest.mark.parametrize("kind", list(Kind))
async def test_every_question_must_have_an_answer(harbor: Customers, kind: Kind) -> None:
    case = await intake.start_draft(harbor.priya, kind)
    with pytest.raises(intake.Incomplete) as open_question:
        await intake.submit(case, harbor.priya)
    assert open_question.value.step is Step.ORDER


@pytest.mark.req("T53")
async def test_the_name_of_a_draft_never_reads_like_a_card_number(
    harbor: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(("4242424242424242", "f424242424242424", "5c1f0e7a9b3d2468"))
    monkeypatch.setattr("secrets.token_hex", lambda size: next(drawn))
    case = await intake.start_draft(harbor.priya, Kind.REBILL)
    assert case.ref == "D-5c1f0e7a9b3d2468"


@pytest.mark.parametrize("kind", list(Kind))
def test_steps_lead_back_the_way_they_came(kind: Kind) -> None:
    for asked_as in Kind:
        steps = intake_steps.steps(kind, asked_as)
        assert len(set(steps)) == len(steps) and steps[-1] is Step.STORY
        assert intake_steps.before(kind, asked_as, steps[0]) is None
        for earlier, later in pairwise(steps):
            assert intake_steps.before(kind, asked_as, later) is earlier
        assert intake_steps.missing(kind, asked_as, [step.value for step in steps]) is None


@pytest.mark.req("T15")
@pytest.mark.parametrize("claimed", ["0.01", "1,999.99", "2000", "$2,000.00"])
async def test_a_part_up_to_the_whole_is_taken(harbor: Customers, claimed: str) -> None:
    case = await answered(harbor)
    case = await intake.save_answer(case, harbor.priya, AmountClaimed("0005", claimed, False))
    assert case.claimed_amount_minor is not None
    assert Money(0, "usd") < Money(case.claimed_amount_minor, "usd") <= Money(2000_00, "usd")


@pytest.mark.req("T15", "V2.2.3")
@pytest.mark.parametrize("claimed", ["2,000.01", "0", "-5", "abc", "1e9", "9" * 60, "1.234"])
async def test_other_amounts_are_refused_and_nothing_is_kept(
    harbor: Customers, claimed: str
) -> None:
    case = await answered(harbor)
    with pytest.raises(facts.InvalidInput) as refused:
        await intake.save_answer(case, harbor.priya, AmountClaimed("0005", claimed, False))
    assert set(refused.value.errors) == {"amount"}
    assert (await Case.get(id=case.id)).claimed_amount_minor == 2000_00


async def test_a_sent_request_takes_no_answer_any_more(harbor: Customers) -> None:
    draft = await answered(harbor)
    sent = await intake.submit(draft, harbor.priya)
    for answer in (StoryTold("other"), OrderTyped("SO-1"), CardLater()):
        with pytest.raises(facts.Stale):
            await intake.save_answer(draft, harbor.priya, answer)
    with pytest.raises(facts.Refused):
        await attachment.remove(sent, harbor.priya, "x")
    with pytest.raises(facts.Refused):
        await intake.delete_draft(sent, harbor.priya)


@pytest.mark.req("T13", "V8.2.2")
async def test_a_stranger_cannot_touch_a_draft(harbor: Customers) -> None:
    other = await scene.shop(harbor.world, "t-2", "Other", "other@gym.example", "SO-2", ())
    case = await answered(harbor)
    stranger = other.priya
    tries: list[Callable[[], Any]] = [
        lambda: intake.draft(stranger, case.ref),
        lambda: intake.save_answer(case, stranger, StoryTold("mine")),
        lambda: intake.own_order(stranger, harbor.order.id),
        lambda: new_card.choose_saved_card(case, stranger, harbor.new_card["id"]),
        lambda: new_card.finish_card_setup(case, stranger, "cs_1"),
    ]
    for act in tries:
        with pytest.raises((facts.NotFound, facts.Stale, facts.InvalidInput)):
            await act()
    assert (await Case.get(id=case.id)).story == "What happened"
    assert await intake.order_by_number(stranger, harbor.order.number) is None


async def test_a_reason_of_another_kind_is_refused(harbor: Customers) -> None:
    case = await intake.start_draft(harbor.priya, Kind.REBILL)
    with pytest.raises(facts.InvalidInput):
        await intake.save_answer(case, harbor.priya, ReasonGiven(Reason.NOT_RECOGNISED))


async def test_a_charge_without_an_order_can_be_claimed(harbor: Customers) -> None:
    case = await intake.start_draft(harbor.priya, Kind.DISPUTE)
    chosen = ChargeChosen("ch_9", "Renewal", 480_00, "usd", harbor.deposits[0].charged_on)
    case = await intake.save_answer(case, harbor.priya, chosen)
    case = await intake.save_answer(case, harbor.priya, AmountClaimed("0005", "", False))
    assert (case.order_id, case.claimed_amount_minor) == (None, 480_00)


@pytest.mark.req("T11")
async def test_guessing_is_seen_by_a_person_only(harbor: Customers) -> None:
    from amends.models import ExceptionItem

    for number, last4 in enumerate(("1111", "2222", "3333", "4444")):
        sent = await intake.submit(await answered(harbor, last4=last4), harbor.priya)
        await Case.filter(id=sent.id).update(order_id=None)
        assert await ExceptionItem.filter(kind="last4_guessing").exists() is (number == 3)


@pytest.mark.req("V2.3.3")
async def test_words_and_files_of_a_message_come_together_or_not_at_all(
    harbor: Customers,
) -> None:
    case = await scene.submitted(harbor)
    good, bad = Upload("a.txt", "text/plain", b"fine"), Upload("b.exe", "text/plain", b"MZ")
    with pytest.raises(facts.InvalidInput):
        await writing.write_message(case, harbor.priya, "hello", [good, bad])
    assert not await Message.exists() and not await Attachment.exists()
    after = await writing.write_message(case, harbor.priya, "hello", [good])
    message = await Message.get()
    assert (await Attachment.get()).message_id == message.id
    assert after.version == case.version + 1  # an open page of the desk is older now


@pytest.mark.req("V2.4.1")
async def test_twenty_messages_an_hour_are_enough(harbor: Customers) -> None:
    case = await scene.submitted(harbor)
    for _ in range(writing.MOST_MESSAGES_AN_HOUR):
        case = await writing.write_message(case, harbor.priya, "hello")
    with pytest.raises(facts.TooMany):
        await writing.write_message(case, harbor.priya, "hello")


async def test_a_case_holds_twenty_files(harbor: Customers) -> None:
    case = await intake.start_draft(harbor.priya, Kind.DISPUTE)
    for number in range(20):
        await attachment.attach(case, harbor.priya, Upload(f"{number}.txt", "text/plain", b"x"))
    with pytest.raises(facts.InvalidInput, match="20 files"):
        await attachment.attach(case, harbor.priya, Upload("21.txt", "text/plain", b"x"))
    assert await Attachment.filter(case_id=case.id).count() == 20


@pytest.mark.req("V2.3.3")
async def test_a_file_that_finds_no_room_leaves_nothing_in_the_store(
    harbor: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await intake.start_draft(harbor.priya, Kind.DISPUTE)
    put: list[str] = []
    store = attachment.store()

    class Counting:
        async def put(self, key: str, data: bytes, content_type: str) -> None:
            put.append(key)
            await store.put(key, data, content_type)

        async def delete(self, key: str) -> None:
            await store.delete(key)

    monkeypatch.setattr(attachment, "store", Counting)
    for number in range(20):
        await attachment.attach(case, harbor.priya, Upload(f"{number}.txt", "text/plain", b"x"))
    with pytest.raises(facts.InvalidInput):
        await attachment.attach(case, harbor.priya, Upload("21.txt", "text/plain", b"x"))
    assert await store.exists(put[19]) and not await store.exists(put[20])


@pytest.mark.req("V16.5.2")
async def test_stripe_being_silent_is_said_and_loses_nothing(
    harbor: Customers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: Any, **__: Any) -> None:
        raise stripe.Unavailable("no answer")

    case = await answered(harbor)
    monkeypatch.setattr(stripe, "start_card_setup", silent)
    with pytest.raises(facts.Unavailable, match="Your answers are saved"):
        await new_card.begin_card_setup(case, harbor.priya, "https://portal.example/back")
    assert (await Case.get(id=case.id)).card_last4 == "5454"


@pytest.mark.usefixtures("fresh_db")
async def test_of_ten_sends_at_once_one_counts() -> None:
    shop = await scene.harbor()
    case = await answered(shop)
    results = await asyncio.gather(
        *(intake.submit(case, shop.priya) for _ in range(10)), return_exceptions=True
    )
    sent = [result for result in results if isinstance(result, Case)]
    assert len(sent) == 1
    assert all(isinstance(r, Case | facts.AlreadyDecided | facts.Refused) for r in results)
    assert await MailItem.filter(case_id=case.id).count() == 1
    assert await intake.sent_from(shop.priya, case.ref) == sent[0].ref
    other = Customer(shop.account.id + 1, "x@y.example", "X", "Y")
    assert await intake.sent_from(other, case.ref) is None
