"""Papers that staff ask for, sent on the request page; and an order that is not paid any more."""

import pytest

from amends import facts
from amends.flow import approval, triage, verification
from amends.models import Case, IdentityCheck, MailItem, Order
from amends.rules.people import Staff
from amends.rules.workflow import Status
from tests.backoffice import desk, reading, scene
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser


async def _asked(shop: Customers, sam: Staff) -> Case:
    """Through the decision panel, with the kind of paper."""
    case = await scene.in_triage(shop, sam)
    client = await desk.browser(sam)
    form = {
        "version": (await Case.get(id=case.id)).version,
        "outcome": "ask",
        "papers": "true",
        "proof": "business",
        "told": "Please send the registration of Harbor Fitness LLC.",
    }
    page = await client.post(f"/cases/{case.ref}/preview", data=form)
    assert "Papers of your business" in page.text
    assert (await client.post(f"/cases/{case.ref}/decision", data=form)).status_code == 303
    return await Case.get(id=case.id)


@pytest.mark.req("B13")
async def test_the_customer_is_told_which_papers_and_sends_them_on_the_page(
    priya: Browser, harbor: Customers
) -> None:
    sam = await scene.staff("Sam Ito")
    case = await _asked(harbor, sam)
    mail = await MailItem.get(case_id=case.id, kind="answer_needed")
    assert "Papers of your business, such as its registration" in str(mail.context)
    page = await priya.get(f"/requests/{case.ref}")
    assert "We asked you for papers" in page.words and "Add them here" in page.words

    sent = await priya.upload(
        f"/requests/{case.ref}/messages", {"body": "Here it is."}, "registration.txt",
        b"Registration of Harbor Fitness LLC", "text/plain",
    )  # fmt: skip
    assert sent.status == 200, sent.words
    assert (await Case.get(id=case.id)).status is Status.TRIAGE
    assert "We are looking at what you sent" in (await priya.get(f"/requests/{case.ref}")).words


@pytest.mark.req("B13")
async def test_nothing_is_proposed_or_approved_before_they_are_accepted(
    priya: Browser, harbor: Customers
) -> None:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await _asked(harbor, sam)
    await priya.post(f"/requests/{case.ref}/messages", {"body": "It is in the mail."})
    case = await Case.get(id=case.id)
    with pytest.raises(facts.Refused, match="asked for papers"):
        await scene.propose(case, sam)
    client = await desk.browser(sam)
    assert "Papers we asked for" in (await client.get(f"/cases/{case.ref}")).text
    version = (await Case.get(id=case.id)).version
    empty = await client.post(f"/cases/{case.ref}/papers/accept", data={"version": version})
    assert empty.status_code == 422 and "which paper" in empty.text
    form = {"version": version, "seen": "Registration 4471, Delaware"}
    assert (await client.post(f"/cases/{case.ref}/papers/accept", data=form)).status_code == 303
    assert "Your papers are accepted" in (await priya.get(f"/requests/{case.ref}")).words
    plan = await scene.propose(await Case.get(id=case.id), sam)
    await IdentityCheck.create(
        case_id=case.id, fact="verification", verdict="unknown", by_id=sam.person_id,
        at=plan.created_at,
    )  # fmt: skip
    with pytest.raises(facts.Refused, match="asked for papers"):
        await approval.approve(await Case.get(id=case.id), dana, plan.version, plan.digest)


@pytest.mark.req("B13")
async def test_papers_that_are_not_enough_are_refused_with_a_reason_and_asked_for_again(
    priya: Browser, harbor: Customers
) -> None:
    sam = await scene.staff("Sam Ito")
    case = await _asked(harbor, sam)
    with pytest.raises(facts.Refused, match="Wait for the answer"):
        await verification.refuse(case, sam, "Too dark")
    await priya.post(f"/requests/{case.ref}/messages", {"body": "It is attached."})
    client = await desk.browser(sam)
    form = {
        "version": (await Case.get(id=case.id)).version,
        "told": "The page is too dark to read.",
    }
    assert (await client.post(f"/cases/{case.ref}/papers/refuse", data=form)).status_code == 303
    case = await Case.get(id=case.id)
    assert case.status is Status.NEEDS_CUSTOMER
    page = await priya.get(f"/requests/{case.ref}")
    for words in ("What you sent is not enough yet", "too dark to read", "Add them here"):
        assert words in page.words, words
    assert await MailItem.filter(case_id=case.id, kind="answer_needed").count() == 2


async def test_papers_nobody_asked_for_are_not_accepted(harbor: Customers) -> None:
    sam = await scene.staff("Sam Ito")
    case = await scene.in_triage(harbor, sam)
    with pytest.raises(facts.Refused, match="No papers were asked for"):
        await verification.accept(case, sam, "A letter")


@pytest.mark.req("B13", "T21")
async def test_an_unpaid_order_that_has_not_shipped_says_so_to_agent_and_customer(
    priya: Browser, harbor: Customers
) -> None:
    sam = await scene.staff("Sam Ito")
    case = await scene.in_triage(harbor, sam)
    await Order.filter(id=harbor.order.id).update(handed_over_on=None, unpaid_hold=True)
    text = reading.words(await (await desk.browser(sam)).get(f"/cases/{case.ref}"))
    assert "Unpaid hold: the unit does not ship until it is charged again" in text
    assert "Not shipped yet: after a refund the unit waits" in text
    page = await priya.get(f"/requests/{case.ref}")
    assert "Your order does not ship before it is paid in full again" in page.words
    await Order.filter(id=harbor.order.id).update(unpaid_hold=False)
    assert "does not ship before" not in (await priya.get(f"/requests/{case.ref}")).words


@pytest.mark.req("B13")
async def test_an_order_paid_in_part_warns_the_agent(harbor: Customers) -> None:
    sam = await scene.staff("Sam Ito")
    case = await triage.claim(await scene.submitted(harbor), sam)
    await Order.filter(id=harbor.order.id).update(total_minor=2500_00)
    text = reading.words(await (await desk.browser(sam)).get(f"/cases/{case.ref}"))
    assert "Not fully paid: $2,000.00 of $2,500.00" in text
