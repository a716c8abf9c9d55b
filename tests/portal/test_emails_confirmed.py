"""An email that nobody vouched for: asked about, shown to its customer, confirmed or not."""

import re

import pytest
from tortoise import connections

from amends import moves, reply_address
from amends.flow import correspondence, correspondence_settled, triage
from amends.flow.correspondence import Became
from amends.models import Case, ExceptionItem, MailItem, Message, TimelineEntry
from amends.rights import Process
from amends.rules.workflow import Action, Status
from tests.backoffice import scene
from tests.backoffice.scene import Customers
from tests.inbox import letters
from tests.inbox.letters import Letter
from tests.portal.visitor import Browser, Page

pytestmark = pytest.mark.req("B14")
SAID = "Both cards are ours; Maya left the club."


@pytest.fixture(autouse=True)
def takes_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_SUPPORT_EMAIL", letters.SUPPORT)
    monkeypatch.setenv("AMENDS_MAIL_FROM", letters.SENDER)
    monkeypatch.setenv("AMENDS_MAIL_AUTHSERV_ID", letters.GATEWAY)


async def waiting(harbor: Customers) -> Case:
    """We asked Priya something; an answer came by mail whose sender nobody can tell."""
    sam = await scene.staff("Sam Ito")
    case = await scene.in_triage(harbor, sam)
    case = await triage.ask_customer(case, sam, "Whose card is it?")
    letter = Letter(to=reply_address.signed(case.ref), subject="Re: it", text=SAID, dmarc="none")
    assert await correspondence.take(letter.read()) is Became.UNVERIFIED
    return await Case.get(id=case.id)


async def press(browser: Browser, case: Case, page: Page, whose: str) -> Page:
    found = re.search(rf'action="(/requests/{case.ref}/emails/\d+)"', page.text)
    assert found is not None
    return await browser.post(found[1], {"whose": whose})


async def test_priya_signs_in_and_says_that_it_is_hers(priya: Browser, harbor: Customers) -> None:
    case = await waiting(harbor)
    page = await priya.get(f"/requests/{case.ref}")
    assert "Did you write this email?" in page.words and SAID in page.words
    assert "we still wait for your answer" in page.words

    page = await press(priya, case, page, "mine")

    assert "Did you write this email?" not in page.words and SAID in page.words
    message = await Message.get(body__contains=SAID, verified=True)
    assert message.author_id == f"account:{harbor.account.id}"
    assert (await Case.get(id=case.id)).status is Status.TRIAGE
    entry = await TimelineEntry.get(case_id=case.id, action="confirm_email")
    assert entry.actor_id == f"account:{harbor.account.id}"


async def test_she_says_that_it_is_not_and_staff_are_warned(
    priya: Browser, harbor: Customers
) -> None:
    case = await waiting(harbor)
    page = await priya.get(f"/requests/{case.ref}")
    page = await press(priya, case, page, "not_mine")

    assert SAID not in page.words
    message = await Message.get(body__contains=SAID)
    assert (message.verified, message.audience) == (False, "staff")
    assert (await Case.get(id=case.id)).status is Status.NEEDS_CUSTOMER
    assert await TimelineEntry.filter(case_id=case.id, action="deny_email").count() == 1
    assert await ExceptionItem.filter(kind="denied_email", case_id=case.id).exists()


async def test_her_registered_address_is_asked_without_a_word_of_the_email(
    harbor: Customers, priya: Browser
) -> None:
    case = await waiting(harbor)
    mail = await MailItem.get(case_id=case.id, kind="email_to_confirm")
    assert mail.recipient == harbor.account.billing_email
    assert "Maya" not in str(mail.context)
    letter = Letter(to=reply_address.signed(case.ref), subject="Re: it", text="Once more", dmarc="")
    await correspondence.take(letter.read())
    assert await MailItem.filter(kind="email_to_confirm").count() == 1  # one an hour


async def test_a_second_press_and_somebody_else_change_nothing(
    priya: Browser, maya: Browser, harbor: Customers
) -> None:
    case = await waiting(harbor)
    page = await priya.get(f"/requests/{case.ref}")
    assert (await press(maya, case, page, "mine")).status == 404
    await press(priya, case, page, "not_mine")
    again = await press(priya, case, page, "mine")
    assert again.status == 200 and SAID not in again.words
    assert not await Message.filter(body__contains=SAID, verified=True).exists()


async def _settled() -> int:
    """As the worker, which alone may change the row."""
    connection = connections.get("default")
    await connection.execute_script(f"SET LOCAL ROLE {Process.WORKER.role}")
    count = await correspondence_settled.settle()
    await connection.execute_script("RESET ROLE")
    return count


async def _open(case: Case) -> int:
    found = ExceptionItem.filter(kind="unverified_mail", case_id=case.id, resolved_at=None)
    return await found.count()


@pytest.mark.parametrize("whose", ["mine", "not_mine"])
async def test_its_exception_goes_once_she_has_said_whose_it_is(
    priya: Browser, harbor: Customers, whose: str
) -> None:
    case = await waiting(harbor)
    assert await _settled() == 0 and await _open(case) == 1
    page = await priya.get(f"/requests/{case.ref}")
    await press(priya, case, page, whose)

    assert await _settled() == 1 and await _open(case) == 0
    item = await ExceptionItem.get(kind="unverified_mail", case_id=case.id)
    assert item.resolution == "The customer said whose it is."
    denied = await ExceptionItem.filter(kind="denied_email", resolved_at=None).count()
    assert denied == (whose == "not_mine"), "the warning stays until somebody looked"


async def test_its_exception_goes_when_the_case_ends_and_not_for_a_mail_after_that(
    harbor: Customers,
) -> None:
    case = await waiting(harbor)
    case = await moves.move(case, Action.WITHDRAW, harbor.priya)
    assert await _settled() == 1 and await _open(case) == 0
    letter = Letter(to=reply_address.signed(case.ref), subject="Re: it", text="More", dmarc="none")
    await correspondence.take(letter.read())
    assert await _open(case) == 1
    assert await _settled() == 0, "nobody has looked at what came after the end"
