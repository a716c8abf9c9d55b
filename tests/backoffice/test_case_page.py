"""The case page: the claim against Stripe, what happened, the plan, and every small act."""

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest

from amends import clock
from amends.flow import attachment, triage
from amends.gateways import stripe
from amends.models import Account, Attachment, Case, IdentityCheck, Message, Order
from amends.rules.workflow import Kind, Reason, Status
from tests.backoffice import desk, reading, scene

pytestmark = pytest.mark.usefixtures("db")


@pytest.mark.req("A6", "B5")
async def test_it_shows_the_claim_against_stripe_and_the_plan() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)

    page = await (await desk.browser(sam)).get(f"/cases/{case.ref}")
    text = reading.words(page)

    for words in (
        "Harbor Fitness LLC, refund and re-bill", "Identity matched", "asked by Priya Raman",
        "Ends 0005", "American Express 0005, Visa debit 5556", "$1,200.00 + $800.00",
        "None on either charge", "Refund to American Express 0005 −$1,200.00",
        "Refund to Visa debit 5556 −$800.00", "Then charge Mastercard 5454 +$2,000.00",
        "Only after both refunds are confirmed", "Left over for the customer $0.00",
        "Needs a manager: it is a re-bill, and it is over $500.00",
        "Ask a manager to approve $2,000.00", "Our scanner has been sitting in customs",
        "someone else has to approve it", "Read from Stripe",
    ):  # fmt: skip
        assert words in text, words


async def test_it_asks_stripe_when_the_copy_is_old_and_says_when_stripe_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    client = await desk.browser(sam)
    seen = mock.AsyncMock(side_effect=stripe.Unavailable("away"))
    monkeypatch.setattr(stripe, "charge", seen)

    page = await client.get(f"/cases/{case.ref}")
    assert seen.await_count == 0 and "Stripe does not answer now" not in page.text
    clock.use(wall=lambda: _later(6))
    try:
        page = await client.get(f"/cases/{case.ref}")
    finally:
        clock.use()
    assert seen.await_count > 0 and "Stripe does not answer now" in page.text
    assert "American Express 0005" in page.text
    answer = await client.post(f"/cases/{case.ref}/reading")
    assert answer.status_code == 409 and "does not answer at the moment" in answer.text


def _later(minutes: int) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


async def test_reading_again_leads_back_to_the_page() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    shop.world.open_dispute(shop.deposits[0].charge_id)
    client = await desk.browser(sam)

    answer = await client.post(f"/cases/{case.ref}/reading?view=all")
    assert answer.headers["location"] == f"/cases/{case.ref}?view=all#claim"
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "The bank disputes" in text and "Hand the case to bank disputes" in text
    assert "Not possible yet" in text and "Ask a manager to approve" not in text


async def test_a_dispute_hands_the_case_over_and_locks_it() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    shop.world.open_dispute(shop.deposits[0].charge_id)
    client = await desk.browser(sam)

    answer = await client.post(f"/cases/{case.ref}/bank-desk", data={"version": case.version})
    assert answer.status_code == 303
    page = await client.get(f"/cases/{case.ref}")
    assert "Locked: the bank decides" in page.text
    assert 'name="outcome"' not in page.text and "Ask a" not in reading.words(page)


async def test_a_flag_locks_the_case_until_security_lifts_it() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    noor = await scene.staff("Noor Haddad")
    case = await triage.set_reason(await scene.in_triage(shop, sam), sam, Reason.NOT_RECOGNISED)
    agent, security = await desk.browser(sam), await desk.browser(noor)

    assert "Lift the flag" not in (await agent.get(f"/cases/{case.ref}")).text
    lifted = {"version": case.version, "reason": "The customer found the receipt"}
    assert (await agent.post(f"/cases/{case.ref}/lift", data=lifted)).status_code == 403
    assert "Lift the flag" in (await security.get(f"/cases/{case.ref}")).text
    answer = await security.post(f"/cases/{case.ref}/lift", data=lifted | {"reason": ""})
    assert answer.status_code == 422
    assert (await security.post(f"/cases/{case.ref}/lift", data=lifted)).status_code == 303
    assert (await Account.get(id=shop.account.id)).flagged_at is None


@pytest.mark.req("B13")
async def test_it_warns_what_a_refund_does_to_an_order_not_shipped_or_not_paid() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    await Order.filter(id=shop.order.id).update(handed_over_on=None, total_minor=2500_00)
    case = await scene.in_triage(shop, sam)

    text = reading.words(await (await desk.browser(sam)).get(f"/cases/{case.ref}"))

    assert "Not shipped yet: after a refund the unit waits until it is fully paid again" in text
    assert "Not fully paid: $2,000.00 of $2,500.00" in text


async def test_taking_handing_over_and_giving_back() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    nia, lee = await scene.staff("Nia Brooks"), await scene.staff("Lee Moreau")
    case = await scene.submitted(shop)
    agent, lead = await desk.browser(sam), await desk.browser(lee)

    await agent.post(f"/cases/{case.ref}/take", data={"version": case.version})
    taken = await Case.get(id=case.id)
    assert (taken.status, taken.owner_id) == (Status.TRIAGE, sam.person_id)
    hand = {"version": taken.version, "to": nia.person_id}
    assert (await lead.post(f"/cases/{case.ref}/assign", data=hand)).status_code == 303
    now = await Case.get(id=case.id)
    assert now.owner_id == nia.person_id
    released = await agent.post(f"/cases/{case.ref}/release", data={"version": now.version})
    assert released.status_code == 403 and "Only who has the case" in released.text
    await lead.post(f"/cases/{case.ref}/release", data={"version": now.version})
    assert (await Case.get(id=case.id)).owner_id is None


async def test_a_form_older_than_the_case_says_who_changed_what() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    lee = await scene.staff("Lee Moreau")
    case = await scene.in_triage(shop, sam)
    await triage.claim(case, lee)
    client = await desk.browser(sam)

    for path, form in (
        ("take", {}), ("release", {}), ("assign", {"to": sam.person_id}), ("bank-desk", {}),
        ("reason", {"reason": "duplicate"}), ("charges", {"charge": "ch_1"}),
        ("customer", {"customer": "cus_1", "reason": "Sure"}),
    ):  # fmt: skip
        answer = await client.post(
            f"/cases/{case.ref}/{path}", data=form | {"version": case.version}
        )
        assert answer.status_code == 409, path
        assert "Lee Moreau changed this case" in answer.text, path
        assert f'href="/cases/{case.ref}"' in answer.text


async def test_the_bar_says_that_the_case_changed_meanwhile() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    lee = await scene.staff("Lee Moreau")
    case = await scene.in_triage(shop, sam)
    client = await desk.browser(sam)
    bar = f"/cases/{case.ref}/changes?seen={case.version}"

    assert 'role="status"' not in (await client.get(bar)).text
    await triage.claim(case, lee)
    assert "Lee Moreau: case taken" in reading.words(await client.get(bar))


async def test_notes_stay_inside_and_replies_go_out() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    client = await desk.browser(sam)

    for send, body in (("note", "Only for us"), ("reply", "We look into it")):
        answer = await client.post(f"/cases/{case.ref}/messages", data={"send": send, "body": body})
        assert answer.headers["location"] == f"/cases/{case.ref}#log"
    found = {m.body: m.audience for m in await Message.filter(case_id=case.id)}
    assert found == {"Only for us": "staff", "We look into it": "customer"}
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "Customer does not see this" in text and "Written to Priya Raman by you" in text
    empty = await client.post(f"/cases/{case.ref}/messages", data={"send": "reply", "body": ""})
    assert empty.status_code == 422 and "Write your reply" in empty.text


@pytest.mark.req("A5")
async def test_it_picks_the_customer_and_the_charges() -> None:
    world = scene.twin()
    shop, sam = await scene.harbor(world), await scene.staff("Sam Ito")
    world.add_customer(scene.EMAIL, "Somebody Else")
    await Account.filter(id=shop.account.id).update(stripe_customer_id=None)
    case = await triage.claim(await scene.submitted(shop), sam)
    client = await desk.browser(sam)

    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "Which Stripe customer is this?" in text
    assert text.index("Verified") < text.index("Unverified")
    form = {"version": case.version, "customer": shop.customer_id}
    assert (await client.post(f"/cases/{case.ref}/customer", data=form)).status_code == 303
    case = await Case.get(id=case.id)
    form = {"version": case.version, "charge": shop.deposits[0].charge_id}
    assert (await client.post(f"/cases/{case.ref}/charges", data=form)).status_code == 303
    text = reading.words(await client.get(f"/cases/{case.ref}"))
    assert "Refund to American Express 0005 −$1,200.00" in text
    assert "Refund to Visa debit" not in text


@pytest.mark.req("A1")
async def test_the_identity_page_ticks_each_fact() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    client = await desk.browser(sam)
    page = f"/cases/{case.ref}/identity"

    assert "All three match" in (await client.get(page)).text
    email = {"fact": "billing_email", "verdict": "match", "on_file": scene.EMAIL}
    assert (await client.post(page, data=email)).headers["location"] == f"{page}#billing_email"
    wrong = {"fact": "organisation", "verdict": "mismatch", "on_file": "Harbor Fitness LLC"}
    answer = await client.post(page, data=wrong)
    assert answer.status_code == 422 and "Say what does not match" in answer.text
    assert reading.words(answer).count("There is a problem") == 1
    override = wrong | {"verdict": "overridden", "reason": "I know them"}
    assert "Only a lead or a manager" in (await client.post(page, data=override)).text
    stale = email | {"on_file": "old@harborfitness.example"}
    assert (await client.post(page, data=stale)).status_code == 409
    assert (await client.post(f"{page}/all")).status_code == 303
    assert await IdentityCheck.filter(case_id=case.id, verdict="match").count() == 4
    assert "Checked by Sam Ito" in reading.words(await client.get(page))


@pytest.mark.req("A1")
async def test_a_lead_overrides_with_a_reason() -> None:
    shop, lee = await scene.harbor(), await scene.staff("Lee Moreau")
    case = await scene.submitted(shop)
    page = f"/cases/{case.ref}/identity"
    client = await desk.browser(lee)
    form = {
        "fact": "tenant_id", "verdict": "overridden", "on_file": "hf-0213",
        "reason": "Merged tenants",
    }  # fmt: skip
    assert (await client.post(page, data=form)).status_code == 303
    assert "Taken as proven" in (await client.get(page)).text


async def test_the_log_shows_its_chain_and_a_broken_one() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.in_triage(shop, sam)
    client = await desk.browser(sam)

    text = reading.words(await client.get(f"/cases/{case.ref}/log"))
    assert "Chain whole, 5 entries" in text and "Request sent" in text
    assert "Case taken" not in reading.words(
        await client.get(f"/cases/{case.ref}/log?only=customer")
    )
    sheet = await client.get(f"/cases/{case.ref}/log.csv")
    assert sheet.headers["content-disposition"].startswith("attachment")
    assert sheet.text.count("\n") == 6


@pytest.mark.req("T43", "V5.4.3")
async def test_a_file_is_handed_out_only_when_it_is_clean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case, other = await scene.submitted(shop), await scene.submitted(shop)
    row = await _file(case)
    store = mock.Mock()
    store.get = mock.AsyncMock(return_value=b"%PDF-1.7")
    monkeypatch.setattr(attachment, "store", lambda: store)
    client = await desk.browser(sam)

    found = await client.get(f"/cases/{case.ref}/files/{row.id}")
    assert found.content == b"%PDF-1.7"
    assert 'filename="carrier-notice.pdf"' in found.headers["content-disposition"]
    assert "sandbox" in found.headers["content-security-policy"]
    for path in (f"{other.ref}/files/{row.id}", f"{case.ref}/files/nope"):
        assert (await client.get(f"/cases/{path}")).status_code == 404
    await Attachment.filter(id=row.id).update(state="infected")
    assert (await client.get(f"/cases/{case.ref}/files/{row.id}")).status_code == 404
    assert "not opened: it carries a virus" in reading.words(await client.get(f"/cases/{case.ref}"))


async def _file(case: Case) -> Attachment:
    return await Attachment.create(
        case_id=case.id, name="carrier-notice.pdf", content_type="application/pdf", size=219_000,
        sha256="0" * 64, store_key="attachments/x", uploaded_by="account:1", at=clock.now(),
    )  # fmt: skip


@pytest.mark.req("V8.2.2")
async def test_drafts_and_unknown_cases_are_not_there() -> None:
    shop, sam = await scene.harbor(), await scene.staff("Sam Ito")
    case = await scene.submitted(shop)
    await Case.create(
        ref="D-1", account_id=shop.account.id, kind=Kind.REBILL, status=Status.DRAFT,
        contact_email=scene.EMAIL, created_at=clock.now(),
    )  # fmt: skip
    client = await desk.browser(sam)
    for ref in ("D-1", "RB-1", case.ref.lower()):
        assert (await client.get(f"/cases/{ref}")).status_code == 404


@pytest.mark.req("V8.2.1")
async def test_every_state_has_a_page_for_every_role() -> None:
    shop = await scene.harbor()
    case = await scene.submitted(shop)
    for name in scene.PEOPLE:
        client = await desk.browser(await scene.staff(name))
        for status in Status:
            if status is Status.DRAFT:
                continue
            await Case.filter(id=case.id).update(status=status)
            page = await client.get(f"/cases/{case.ref}")
            assert page.status_code == 200, (name, status)
