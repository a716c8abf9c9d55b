"""Another billing address: two people, two notices, everybody signed out, a week without cards."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from tortoise import connections

from amends import access, clock, facts
from amends.flow import address_at_stripe, approval, billing_address, recharge
from amends.gateways import stripe
from amends.models import Account, AddressChange, Case, ExceptionItem, Leg, MailItem, TimelineEntry
from amends.rules.people import Customer, Staff
from amends.rules.plan import LegKind, LegState, Outcome
from amends.rules.workflow import Status
from sandbox.stripe_twin.app import create_app
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.backoffice import desk, reading, scene
from tests.backoffice.scene import Customers
from tests.flow.test_recharge import charges
from tests.flow.test_refund import refunds
from tests.shop import AMEX, VISA, Shop

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.req("T10")]
NEW = "accounts@harborfitness.example"
WHY = "Priya wrote from the old address, and the signed letter is on the case"


@pytest.fixture(autouse=True)
def own_clock() -> Iterator[None]:
    clock.use(wall=lambda: shops.START)
    yield
    clock.use()


async def changed(account: Account, sam: Staff, dana: Staff) -> None:
    await billing_address.propose(account.id, sam, NEW, WHY)
    waits = await billing_address.waiting(account.id)
    assert waits is not None
    await billing_address.agree(waits.id, dana)


async def _people() -> tuple[Customers, Staff, Staff]:
    return await scene.harbor(), await scene.staff("Sam Ito"), await scene.staff("Dana Cole")


@pytest.mark.req("T10", "V6.4.4")
async def test_nothing_changes_until_a_second_person_agrees() -> None:
    shop, sam, dana = await _people()
    await billing_address.propose(shop.account.id, dana, NEW, WHY)
    waits = await billing_address.waiting(shop.account.id)
    assert waits is not None
    for person, words in ((dana, "someone else"), (sam, "Only a manager")):
        with pytest.raises(facts.Refused, match=words):
            await billing_address.agree(waits.id, person)
    ruth = await scene.staff("Ruth Adeyemi")
    with pytest.raises(facts.Refused, match="Sign in again"):
        await billing_address.agree(waits.id, scene.signed_in_long_ago(ruth))
    assert (await Account.get(id=shop.account.id)).billing_email == scene.EMAIL
    with pytest.raises(facts.AlreadyDecided, match="waits already"):
        await billing_address.propose(shop.account.id, sam, "b@harborfitness.example", WHY)
    with pytest.raises(facts.InvalidInput, match="Say why not"):
        await billing_address.refuse(waits.id, ruth, " ")
    await billing_address.refuse(waits.id, ruth, "The letter is not signed")
    assert (await AddressChange.get(id=waits.id)).decision == "refused"
    with pytest.raises(facts.AlreadyDecided):
        await billing_address.agree(waits.id, ruth)


@pytest.mark.parametrize(
    ("email", "why", "words"),
    [
        ("no address", WHY, "Enter an email"),
        (scene.EMAIL.upper(), WHY, "already"),
        ("taken@riverbendyoga.example", WHY, "Another account"),
        (NEW, " ", "how you know"),
    ],
)
async def test_an_address_that_cannot_be_is_refused(email: str, why: str, words: str) -> None:
    shop, sam, _ = await _people()
    await scene.shop(
        shop.world, "ry-0356", "Riverbend Yoga", "taken@riverbendyoga.example", "SO-1",
        ((VISA, 100_00),),
    )  # fmt: skip
    with pytest.raises(facts.InvalidInput, match=words):
        await billing_address.propose(shop.account.id, sam, email, why)


@pytest.mark.req("T10", "V6.3.7", "V7.4.3")
async def test_both_addresses_hear_it_and_everybody_is_signed_out() -> None:
    shop, sam, dana = await _people()
    case = await scene.in_triage(shop, sam)
    token = await access.start_session(
        access.NewSession(
            "portal", scene.EMAIL, clock.now(), clock.now() + timedelta(hours=12), shop.account.id
        )
    )

    await changed(shop.account, sam, dana)

    account = await Account.get(id=shop.account.id)
    assert account.billing_email == NEW
    assert account.rebill_hold_until == clock.now() + timedelta(days=7)
    assert await access.find_session(token, "portal", timedelta(minutes=30)) is None
    mails = await MailItem.filter(kind="address_changed").order_by("recipient")
    assert [mail.recipient for mail in mails] == [NEW, scene.EMAIL]
    assert {str(mail.context["new_address"]) for mail in mails} == {"a…@harborfitness.example"}
    assert (await Case.get(id=case.id)).contact_email == NEW
    entry = await TimelineEntry.filter(case_id=case.id).order_by("-seq").first()
    assert entry is not None and entry.action == "change_address" and entry.reason == WHY


@pytest.mark.req("T10")
async def test_a_rebill_is_refused_inside_the_week_and_possible_after_it() -> None:
    shop, sam, dana = await _people()
    case = await scene.in_triage(shop, sam)
    await changed(shop.account, sam, dana)
    _rename(shop)
    case = await Case.get(id=case.id)
    await scene.verified(case, sam)

    with pytest.raises(facts.Refused, match="No re-bill for this account"):
        await scene.propose(case, sam)
    assert await scene.propose(case, sam, Outcome.REFUND)
    clock.use(wall=lambda: shops.START + timedelta(days=7, minutes=1))
    case = await Case.get(id=case.id)
    later = replace(sam, auth_time=clock.now())
    plan = await approval.waiting.plan_of(case)
    case = await approval.take_back(case, later, plan.version, "The week is over")
    assert await scene.propose(case, later)


def _rename(shop: Customers) -> None:
    doc = shop.world.store.get("customer", shop.customer_id)
    assert doc is not None
    doc["email"] = NEW
    shop.world.store.touch(doc)


async def test_a_plan_that_waited_is_sent_back() -> None:
    shop, sam, dana = await _people()
    case, plan = await scene.proposed(shop, sam)
    await changed(shop.account, sam, dana)
    with pytest.raises(facts.Refused, match="address changed since"):
        await approval.approve(await Case.get(id=case.id), dana, plan.version, plan.digest)


async def test_an_approved_rebill_neither_begins_nor_charges_inside_the_week() -> None:
    shop = Shop()
    shop.take()
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    begun = await shops.approved(shop, sold, sam, dana)
    await changed(sold.account, sam, dana)
    case = await shops.work(begun.case)
    assert case.status is Status.APPROVED and refunds(shop) == []
    assert await ExceptionItem.filter(kind="halt_rebill_hold", case_id=case.id).exists()
    for _ in range(8):
        case = await shops.work_on(shop, case, days=1)
    for _ in range(3):
        case = await shops.work_on(shop, case, days=1)
    assert case.status is Status.RESOLVED


async def test_confirmed_refunds_wait_with_the_new_card_until_the_week_is_over() -> None:
    shop = Shop()
    shop.take()
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    sold = await shops.sale(shop, (AMEX, 120_000))
    case = (await shops.approved(shop, sold, sam, dana)).case
    while case.status is not Status.REFUNDED:
        case = await shops.work(case, steps=1)
    await changed(sold.account, sam, dana)
    for _ in range(6):
        case = await shops.work_on(shop, case, days=1)
    new_card = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    assert (len(refunds(shop)), new_card.state) == (1, LegState.PLANNED)
    for _ in range(4):
        case = await shops.work_on(shop, case, days=1)
    assert case.status is Status.RESOLVED


@pytest.mark.req("B15")
async def test_stripes_customer_follows_and_a_silent_stripe_is_asked_again() -> None:
    shop, sam, dana = await _people()
    await changed(shop.account, sam, dana)
    change = await AddressChange.get(account_id=shop.account.id)
    shop.world.faults.add("GET /v1/customers/*", FaultKind.ERROR_500_BEFORE)
    with pytest.raises(stripe.StripeError):
        await address_at_stripe.follow(change.id)
    assert (await AddressChange.get(id=change.id)).followed_at is None
    await _forget_jobs()
    shop.world.faults.clear()

    await address_at_stripe.catch_up()
    assert await _jobs("follow_address") == 1
    await address_at_stripe.follow(change.id)

    doc = shop.world.store.get("customer", shop.customer_id)
    assert doc is not None and doc["email"] == NEW
    assert (await AddressChange.get(id=change.id)).followed_at == clock.now()
    await address_at_stripe.catch_up()
    assert await _jobs("follow_address") == 1


async def _jobs(task: str) -> int:
    rows = await connections.get("default").execute_query_dict(
        "SELECT count(*) AS n FROM procrastinate_jobs WHERE task_name = $1", [task]
    )
    return int(rows[0]["n"])


async def _forget_jobs() -> None:
    await connections.get("default").execute_query("DELETE FROM procrastinate_jobs")


@pytest.mark.req("B15", "B8")
async def test_a_page_of_the_bank_that_was_left_open_charges_nothing_any_more() -> None:
    shop = Shop()
    shop.take()
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    sold = await shops.sale(shop, (AMEX, 120_000))
    begun = await shops.approved(shop, sold, sam, dana, new_card=shops.ALWAYS_SCA)
    case = await shops.work(begun.case)
    assert case.status is Status.NEEDS_AUTHENTICATION
    await recharge.ask_authentication(case, _priya(sold))
    case = await shops.work(case)
    leg = await Leg.get(case_id=case.id, kind=LegKind.RECHARGE)
    page = leg.next_action_url

    await changed(sold.account, sam, dana)
    await address_at_stripe.follow((await AddressChange.get(account_id=sold.account.id)).id)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(create_app(shop.world))) as left:
        await left.post(page, data={"result": "complete"})
    case = await shops.work(await Case.get(id=case.id))
    assert case.status is Status.NEEDS_NEW_CARD
    assert len(charges(shop)) == 1  # the deposit of the past


def _priya(sold: shops.Sale) -> Customer:
    account = sold.account
    return Customer(account.id, account.billing_email, "Priya Raman", account.organisation)


async def test_the_customer_page_proposes_and_a_manager_agrees() -> None:
    shop, sam, dana = await _people()
    his, hers = await desk.browser(sam), await desk.browser(dana)
    path = f"/customers/{shop.account.tenant_id}"
    assert "Propose another address" in (await his.get(path)).text
    bad = await his.post(f"{path}/address", data={"email": "x", "reason": WHY})
    assert bad.status_code == 422 and "Enter an email address" in bad.text and WHY in bad.text
    sent = await his.post(f"{path}/address", data={"email": NEW, "reason": WHY})
    assert sent.status_code == 303
    text = reading.words(await his.get(path))
    assert NEW in text and "someone else has to agree" in text
    waits = await billing_address.waiting(shop.account.id)
    assert waits is not None
    form = {"change": waits.id, "decision": "agree"}
    assert (await his.post(f"{path}/address/decision", data=form)).status_code == 403
    assert (await hers.post(f"{path}/address/decision", data=form)).status_code == 303
    text = reading.words(await hers.get(path))
    assert f"Signs in with {NEW}" in text and "No re-bill until Dec 1" in text
    assert (await hers.post(f"{path}/address/decision", data=form)).status_code == 409
