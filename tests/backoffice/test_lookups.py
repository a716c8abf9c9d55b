"""Looking things up: refunds, exceptions, search, customers, people, rules, mails, reports."""

from datetime import timedelta

import pytest

from amends import clock, exceptions_desk
from amends.flow import triage
from amends.models import Account, Case, ExceptionItem, Leg, Person, PolicyVersion, TimelineEntry
from amends.rules.plan import LegKind, LegState
from amends.rules.workflow import Action
from tests.backoffice import desk, reading, scene

pytestmark = pytest.mark.usefixtures("db")


async def test_refunds_on_their_way_the_failed_ones_first() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole")
    case = await scene.approved(shop, sam, dana)
    first, second = await Leg.filter(case_id=case.id, kind=LegKind.REFUND).order_by("position")
    at = clock.now() - timedelta(days=14)
    await Leg.filter(id=first.id).update(
        state=LegState.PENDING, pending_reason="insufficient_funds", sent_at=at, stripe_id="re_1"
    )
    await Leg.filter(id=second.id).update(
        state=LegState.FAILED, failure="lost_or_stolen_card", sent_at=at, stripe_id="re_2"
    )
    client = await desk.browser(sam)

    text = reading.words(await client.get("/refunds"))

    assert text.index("Failed") < text.index("Pending at Stripe")
    assert "our balance at Stripe is too low" in text and "lost_or_stolen_card" in text
    assert "business days" in text and "re_1" in text


async def test_an_exception_is_looked_at_with_words() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await exceptions_desk.tell("foreign_refund", "re_9", "A refund of $20.00", case_id=case.id)
    item = await ExceptionItem.get(key="re_9")
    client = await desk.browser(sam)

    assert "Refund made outside of Amends" in (await client.get("/exceptions")).text
    empty = await client.post(f"/exceptions/{item.id}/looked")
    assert empty.status_code == 422 and "Say what you found" in empty.text
    note = {"note": "Support did it by hand"}
    assert (await client.post(f"/exceptions/{item.id}/looked", data=note)).status_code == 303
    done = await ExceptionItem.get(id=item.id)
    assert (done.resolved_by, done.resolution) == ("Sam Ito", "Support did it by hand")
    assert await TimelineEntry.filter(case_id=case.id, action="looked_at_exception").exists()
    assert (await client.post(f"/exceptions/{item.id}/looked", data=note)).status_code == 409
    assert "Nothing here" in (await client.get("/exceptions")).text


async def test_waking_a_case_puts_down_one_job() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await exceptions_desk.tell("gave_up", "x", "Look", case_id=case.id)
    await exceptions_desk.tell("stripe_key", "worker", "No case")
    with_case, without = await ExceptionItem.all().order_by("id")
    client = await desk.browser(sam)

    assert (await client.post(f"/exceptions/{with_case.id}/retry")).status_code == 303
    assert (await client.post(f"/exceptions/{without.id}/retry")).status_code == 403
    assert (await client.post("/exceptions/99999/retry")).status_code == 404
    otto = await desk.browser(await scene.staff("Otto Brandt"))
    assert (await otto.post(f"/exceptions/{with_case.id}/retry")).status_code == 403


async def test_search_finds_exact_things_first_then_words() -> None:
    world = scene.twin()
    shop, sam = await scene.harbor(world), await scene.staff("Sam Ito")
    other = await scene.shop(
        world, "nw-1", "Northgate Physio", "pay@nw.example", "SO-7", (("4242424242424242", 9000),)
    )
    harbor, north = await scene.in_triage(shop, sam), await scene.in_triage(other, sam)
    await triage.note(north, sam, "The scanner arrived with a broken hinge")
    client = await desk.browser(sam)

    exact = await client.get(f"/search?q={harbor.ref.lower()}")
    assert exact.headers["location"] == f"/cases/{harbor.ref}?view=all"
    for asked, hit, miss in (
        ("so-7", north, harbor), ("PAY@nw.example", north, harbor), ("hf-0213", harbor, north),
        ("0005", harbor, None), (shop.deposits[0].charge_id, harbor, north),
        (shop.deposits[1].payment_intent_id, harbor, north), (shop.customer_id, harbor, north),
        ("broken hinges", north, harbor), ("northgate", north, harbor),
        ("customs", harbor, None),
    ):  # fmt: skip
        text = reading.words(await client.get("/search", params={"q": asked}))
        assert hit.ref in text, asked
        assert miss is None or miss.ref not in text, asked


@pytest.mark.req("T42", "V1.2.4", "V1.2.9")
@pytest.mark.parametrize(
    "asked", ["", "zzzz", "%", "_", "'; DROP TABLE case_; --", '"', "a & | !", "re_nope", "1" * 500]
)
async def test_search_survives_anything(asked: str) -> None:
    await scene.submitted(await scene.harbor())
    client = await desk.browser(await scene.staff("Sam Ito"))
    answer = await client.get("/search", params={"q": asked})
    assert answer.status_code == 200
    assert ("Nothing found" in answer.text) is bool(asked.strip())


async def test_search_shows_no_drafts() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await Case.filter(id=case.id).update(status="draft")
    client = await desk.browser(sam)
    for asked in (case.ref, "SO-10482", "harbor"):
        assert "Nothing found" in (await client.get("/search", params={"q": asked})).text


async def test_the_customer_page_shows_orders_cases_and_flags() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await Account.filter(id=shop.account.id).update(
        flagged_at=clock.now(), flag_reason="Odd", rebill_hold_until=clock.now() + timedelta(days=3)
    )
    text = reading.words(await (await desk.browser(sam)).get("/customers/hf-0213"))
    for words in ("Harbor Fitness LLC", "Flagged by Security", "No re-bill until", case.ref,
                  "SO-10482", "$1,200.00 Amex 0005", shop.customer_id):  # fmt: skip
        assert words in text, words


async def test_people_are_for_managers_and_administrators() -> None:
    sam, alex = await scene.staff("Sam Ito"), await scene.staff("Alex Kim")
    assert (await (await desk.browser(sam)).get("/people")).status_code == 403
    text = reading.words(await (await desk.browser(alex)).get("/people"))
    assert "Sam Ito" in text and "administrator" in text
    assert "People" not in reading.words(await (await desk.browser(sam)).get("/queue"))


async def test_the_rules_are_told_in_words() -> None:
    await PolicyVersion.create(
        version=3, rules={"approval_valid_days": 5}, proposed_by="Dana Cole",
        agreed_by="Ruth Adeyemi", reason="Shorter approvals", at=clock.now(),
    )  # fmt: skip
    text = reading.words(await (await desk.browser(await scene.staff("Sam Ito"))).get("/rules"))
    for words in ("version 3", "A manager, whatever the amount", "$500.00", "¥75,000",
                  "good for 5 days", "last 5 minutes", "Shorter approvals",
                  "Ruth Adeyemi"):  # fmt: skip
        assert words in text, words


async def test_every_mail_can_be_read() -> None:
    client = await desk.browser(await scene.staff("Sam Ito"))
    page = await client.get("/templates")
    for kind in ("approved", "declined", "answer_needed"):
        assert f'href="/templates/{kind}"' in page.text
        assert (await client.get(f"/templates/{kind}")).status_code == 200
    assert (await client.get("/templates/../secrets")).status_code == 404


async def test_reports_count_weeks_and_say_when_there_is_too_little() -> None:
    sam = await scene.staff("Sam Ito")
    client = await desk.browser(sam)
    assert "Too little data" in (await client.get("/reports")).text

    shop, dana = await scene.harbor(), await scene.staff("Dana Cole")
    case = await scene.submitted(shop)
    old = await scene.submitted(shop)
    await Case.filter(id=old.id).update(
        submitted_at=clock.now() - timedelta(days=8), closed_at=clock.now(), status="resolved"
    )
    await Case.filter(id=case.id).update(
        status="resolved", submitted_at=clock.now() - timedelta(days=80)
    )
    await scene.approved(shop, sam, dana)

    page = await client.get("/reports")
    text = reading.words(page)
    assert "Received 2" in text and "Closed 1" in text and "Shipping delay 2" in text
    assert "$500.01 to $2,000.00 1 0" in text and "<svg" in page.text
    sheet = (await client.get("/reports.csv")).text.splitlines()
    assert sheet[0] == "Week of,Received,Closed" and len(sheet) >= 12
    assert sum(int(line.split(",")[1]) for line in sheet[1:9]) == 2


async def test_the_audit_log_leads_to_a_cases_chain() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    client = await desk.browser(await scene.staff("Otto Brandt"))
    assert case.ref in (await client.get("/audit-log")).text
    answer = await client.get(f"/audit-log?case={case.ref.lower()}")
    assert answer.headers["location"] == f"/cases/{case.ref}/log" and sam


async def test_shortcuts_are_switched_off_by_their_owner() -> None:
    sam = await scene.staff("Sam Ito")
    client = await desk.browser(sam)
    assert 'data-keys="on"' in (await client.get("/profile")).text
    assert (await client.post("/profile", data={"shortcuts": "off"})).status_code == 303
    assert 'data-keys="off"' in (await client.get("/queue")).text
    assert (await Person.get(id=sam.person_id)).shortcuts is False
    other = await desk.browser(sam)
    assert (await client.post("/profile/sessions")).status_code == 303
    assert (await other.get("/queue")).status_code == 303


async def test_the_plan_page_tells_every_version() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole")
    case = await scene.approved(shop, sam, dana)
    client = await desk.browser(sam)
    text = reading.words(await client.get(f"/cases/{case.ref}/plan"))
    assert "Plan v1, refund, then charge the new card" in text
    assert "Dana Cole (manager) approved it" in text and "good until" in text
    none = await scene.submitted(shop)
    assert (await client.get(f"/cases/{none.ref}/plan")).status_code == 404
    assert await TimelineEntry.filter(action=Action.APPROVE).count() == 1
