"""Who of the staff looked at what of a customer is written down before they see it."""

import pytest

from amends.models import ReadEntry
from backoffice.routes import ROUTES
from tests.backoffice import desk, scene
from tests.backoffice.scene import Customers
from web.guards import Read

pytestmark = pytest.mark.req("T34", "V16.2.1", "V16.3.2")
# What shows nothing of one customer, or is asked by the page itself every few seconds.
WITHOUT = {
    "queues.start", "queues.show", "sign_in.begin", "sign_in.again", "oidc.callback",
    "sign_in.done", "sign_in.signed_out", "case.changes", "audits.index", "approvals.index",
    "disputes.index", "security.index", "desk_pages.refunds", "exceptions.index",
    "desk_pages.everyone", "rules.show", "rules.change", "desk_pages.mails", "desk_pages.mail",
    "reports.show", "profile.show", "oversight.show",
}  # fmt: skip


@pytest.fixture
async def harbor(db: None) -> Customers:
    return await scene.harbor()


def test_every_page_says_whether_it_tells_of_a_customer() -> None:
    unmarked = {
        route.name for route in ROUTES if "GET" in (route.methods or ()) and route.reads is None
    }
    assert unmarked <= WITHOUT, "new pages of the desk need reads=Read.PAGE, EXPORT or SEARCH"


async def test_a_case_its_log_a_search_and_an_export_are_noted(harbor: Customers) -> None:
    sam = await scene.staff("Sam Ito")
    case = await scene.submitted(harbor)
    browser = await desk.browser(sam)
    tenant = harbor.account.tenant_id
    pages = {
        f"/cases/{case.ref}": (Read.PAGE, case.ref),
        f"/cases/{case.ref}/log": (Read.PAGE, case.ref),
        f"/cases/{case.ref}/log.csv": (Read.EXPORT, case.ref),
        f"/customers/{tenant}": (Read.PAGE, tenant),
        "/reports.csv": (Read.EXPORT, ""),
        "/search?q=Priya+Raman": (Read.SEARCH, ""),
        "/search?q=SO-10482": (Read.SEARCH, ""),
        "/search?q=": (Read.SEARCH, ""),
    }
    for path in pages:
        assert (await browser.get(path)).status_code == 200
    rows = await ReadEntry.all().order_by("id")
    assert [(row.what, row.subject) for row in rows] == list(pages.values())
    assert {row.person_id for row in rows} == {sam.person_id}
    assert all(len(row.reference) == 10 and row.address for row in rows)
    assert "Priya" not in str([vars(row) for row in rows]), "words that were typed are not kept"


async def test_what_was_not_shown_is_not_noted(harbor: Customers) -> None:
    browser = await desk.browser(await scene.staff("Sam Ito"))
    assert (await browser.get("/cases/RB-1")).status_code == 404
    case = await scene.submitted(harbor)
    assert (await browser.get(f"/cases/{case.ref}/changes?since=0")).status_code < 400
    assert await ReadEntry.all().count() == 0
