"""Every page a customer can open, in every state of a case: nothing of how we work inside."""

import re

import pytest

from amends.models import Account, Case
from amends.rules.workflow import Kind, Reason, Status
from tests.backoffice import scene
from tests.backoffice.scene import Customers
from tests.portal import filing as filings
from tests.portal.visitor import Browser

pytestmark = pytest.mark.req("A3", "A7d", "A7e")
# UX.md names these: limits, tiers, flags, ways of escalating, ids of Stripe other than a refund's.
INTERNAL = re.compile(
    r"\$500|\blimits?\b|threshold|fraud|escalat|goodwill|\btier|security desk|flagged|frozen"
    r"|\b(?:ch|pi|pm|cus|seti|sub|in|du|dp)_[A-Za-z0-9]{6}|recharge|re-bill|\btriage|\bsuccessful"
    r"|exceptions? desk|auditor",
    re.IGNORECASE,
)
PUBLIC = (
    "/", "/sign-in", "/help/refunds", "/help/delays", "/help/cancelling", "/help/bank-disputes",
    "/accessibility", "/privacy",
)  # fmt: skip
OWN = ("/requests", "/requests/new", "/billing", "/account")
OF_A_CASE = ("", "/sent", "/withdraw", "/reopen", "/card", "/proof", "/receipt", "/request")


def internal(words: str) -> list[str]:
    return INTERNAL.findall(words)


@pytest.mark.parametrize("path", [*PUBLIC, *OWN])
async def test_plain_pages_say_nothing_internal(priya: Browser, path: str) -> None:
    page = await priya.get(path)
    assert page.status == 200 and not internal(page.words), path


@pytest.mark.parametrize("kind", list(Kind))
async def test_no_state_of_a_request_says_anything_internal(
    priya: Browser, harbor: Customers, kind: Kind
) -> None:
    case = await scene.submitted(harbor, kind=kind, reason=Reason.NOT_RECOGNISED)
    await Account.filter(id=harbor.account.id).update(flag_reason="Fraud suspected")
    for status in set(Status) - {Status.DRAFT}:
        await Case.filter(id=case.id).update(status=status)
        page = await priya.get(f"/requests/{case.ref}")
        assert page.status == 200 and not internal(page.words), (status, internal(page.words))


@pytest.mark.parametrize("path", OF_A_CASE)
async def test_no_page_of_a_request_says_anything_internal(
    priya: Browser, harbor: Customers, path: str
) -> None:
    case = await filings.sent(priya, harbor)
    page = await priya.get(f"/requests/{case.ref}{path}")
    assert page.status in (200, 404) and not internal(page.words), internal(page.words)


@pytest.mark.parametrize("kind", ["rebill", "dispute", "cancellation", "chargeback"])
async def test_no_question_says_anything_internal(
    priya: Browser, harbor: Customers, kind: str
) -> None:
    filing = filings.Filing(priya)
    await filing.start(kind)
    for step in ("order", "reason", "amount", "bank", "new-card", "cancel-terms", "story"):
        page = await priya.get(f"{filing.base}/{step}")
        assert not internal(page.words), (step, internal(page.words))
