"""Seventy mails that speak for Priya: nine that may, and all the others change nothing."""

import pytest

from amends import clock, reply_address
from amends.flow import correspondence
from amends.models import Account, Case, MailItem, Message, TimelineEntry
from amends.rules.workflow import Status
from tests.inbox import letters, trust_corpus
from tests.inbox.conftest import account, case_of

WISH = "Cancel everything, and refund to card 5454 from now on."


async def sent(head: str) -> Case:
    """The case after the mail; before it, we waited for Priya's answer to our mail."""
    harbor = await Account.get(billing_email=letters.PRIYA)
    case = await case_of(harbor, Status.NEEDS_CUSTOMER)
    await case_of(await account("billing@other.example", "ot-1"), ref="RB-2418")
    await MailItem.create(
        case_id=case.id,
        kind="answer_needed",
        outcome="1",
        recipient=letters.PRIYA,
        message_id="<first@northwind.example>",
        state="sent",
        created_at=clock.now(),
    )
    reply = reply_address.signed("RB-2417")
    last = "a" if reply.partition("@")[0][-1] != "a" else "b"
    filled = head.format(
        reply=reply,
        changed=reply.replace("@", "!@").replace(reply.partition("@")[0][-1] + "!", last),
        other=reply_address.signed("RB-2418").replace("2418", "2417"),
        elsewhere=reply.replace("northwind", "evil"),
    )
    raw = letters.raw(f"Received: from x by mx\nMessage-ID: <7@x.example>\n{filled}", WISH)
    await correspondence.take(letters.read(raw))
    return await Case.get(id=case.id)


def test_there_are_at_least_sixty() -> None:
    assert len(trust_corpus.TRUE) + len(trust_corpus.FORGED) >= 60


@pytest.mark.req("B14")
@pytest.mark.parametrize("head", trust_corpus.TRUE.values(), ids=trust_corpus.TRUE)
async def test_the_customers_own_word_is_an_answer(harbor: Account, head: str) -> None:
    case = await sent(head)
    assert case.status is Status.TRIAGE
    message = await Message.get()
    assert (message.verified, message.author_id) == (True, f"account:{harbor.id}")


@pytest.mark.req("B14", "T50")
@pytest.mark.parametrize("head", trust_corpus.FORGED.values(), ids=trust_corpus.FORGED)
async def test_nobody_elses_word_changes_anything(harbor: Account, head: str) -> None:
    case = await sent(head)
    assert (case.status, case.version) == (Status.NEEDS_CUSTOMER, 1)
    assert not await Message.filter(verified=True).exists()
    assert not await Message.filter(audience="customer").exists()
    assert not await Message.exclude(case_id=case.id).exists()
    assert not await TimelineEntry.exclude(actor_kind="system").exists()
    assert (
        not await Case.exclude(status__in=[Status.NEEDS_CUSTOMER, Status.DRAFT])
        .exclude(ref="RB-2418")
        .exists()
    )
    # To Priya at her registered address, or to a stranger who proved theirs; to nobody else.
    mails = await MailItem.exclude(kind="answer_needed").values_list("kind", "recipient")
    assert set(mails) <= {
        ("confirm_email", letters.PRIYA),
        ("email_to_confirm", letters.PRIYA),
        ("email_not_matched", letters.EVE),
        ("email_not_matched", "sam@harborfitness.example"),
        ("email_not_matched", "billing+x@harborfitness.example"),
    }
