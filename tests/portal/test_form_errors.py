"""Every form with an error: on top, linked, at the field, in the title; and no card number kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from tortoise import connections

from amends.flow import attachment
from amends.models import Attachment, Case, Message
from tests.backoffice.scene import Customers
from tests.portal import filing as filings
from tests.portal.filing import Filing
from tests.portal.visitor import Browser, Page

VISA = "4111 1111 1111 1111"
HIDDEN = ["4111111111111111", VISA, "4111-1111-1111-1111"]


@dataclass(frozen=True)
class Wrong:
    """A form, what is posted to it, and the fields that must say something."""

    path: str
    data: Mapping[str, str]
    fields: tuple[str, ...]


WRONG = [
    Wrong("/sign-in", {"email": "priya"}, ("email",)),
    Wrong("/requests/new", {"kind": "cash"}, ("kind",)),
    Wrong("/requests/new", {}, ("kind",)),
    Wrong("{draft}/order", {}, ("order",)),
    Wrong("{draft}/order", {"order": "other"}, ("number",)),
    Wrong("{draft}/order", {"order": "other", "number": "9" * 41}, ("number",)),
    Wrong("{draft}/reason", {}, ("reason",)),
    Wrong("{draft}/reason", {"reason": "duplicate"}, ("reason",)),
    Wrong("{draft}/amount", {}, ("last4", "whole", "bank")),
    Wrong("{draft}/amount", {"last4": "10", "whole": "part", "bank": "no"}, ("last4", "amount")),
    Wrong(
        "{draft}/amount",
        {"last4": "1005", "whole": "part", "amount": "2,400", "bank": "no"},
        ("amount",),
    ),
    Wrong(
        "{draft}/amount",
        {"last4": "1005", "whole": "part", "amount": "-5", "bank": "no"},
        ("amount",),
    ),
    Wrong(
        "{typed}/amount",
        {"last4": "1005", "amount": "20", "bank": "no", "charged_on": "tomorrow"},
        ("charged_on",),
    ),
    Wrong("{draft}/new-card", {}, ("card",)),
    Wrong("{draft}/story", {"story": f"My card is {VISA}"}, ("story",)),
    Wrong("{draft}/story", {"story": "x" * 8001}, ("story",)),
    Wrong("{sent}/messages", {"body": ""}, ("body",)),
    Wrong("{sent}/messages", {"body": f"Use {VISA}"}, ("body",)),
    Wrong("{sent}/withdraw", {"reason": VISA}, ("reason",)),
    Wrong("{sent}/card", {"card": "pm_of_somebody_else"}, ("card",)),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong.path} {wrong.fields}")
async def test_errors_are_linked_repeated_and_in_the_title(
    priya: Browser, harbor: Customers, wrong: Wrong
) -> None:
    page = await _post(priya, harbor, wrong)
    assert page.status == 422 and page.title.startswith("Error: ")
    summary = page.summary()
    assert tuple(summary) == wrong.fields
    for name, sentence in summary.items():
        assert f'id="{name}"' in page.text  # the link leads somewhere
        assert page.error(name) == sentence or name == "kind"
        assert not sentence.endswith(".") or '"' in sentence
    assert 'role="alert" tabindex="-1" autofocus' in page.text


async def _post(browser: Browser, shop: Customers, wrong: Wrong) -> Page:
    places = {}
    if "{draft}" in wrong.path:
        filing = Filing(browser)
        await filing.start("rebill")
        await filing.answer("order", filings.order(shop))
        places["draft"] = filing.base
    if "{typed}" in wrong.path:
        filing = Filing(browser)
        await filing.start("rebill")
        await filing.answer("order", {"order": "other", "number": "SO-77777"})
        places["typed"] = filing.base
    if "{sent}" in wrong.path:
        places["sent"] = f"/requests/{(await filings.sent(browser, shop)).ref}"
    return await browser.post(wrong.path.format(**places), wrong.data)


@pytest.mark.req("T53")
@pytest.mark.parametrize("number", [VISA, "4111111111111111", "4111-1111-1111-1111"])
async def test_card_numbers_are_refused_everywhere_and_never_echoed_or_kept(
    priya: Browser, harbor: Customers, number: str
) -> None:
    case = await filings.sent(priya, harbor)
    draft = Filing(priya)
    await draft.start("dispute")
    tries = [
        (f"{draft.base}/order", {"order": "other", "number": number}),
        (f"{draft.base}/story", {"story": f"Charge {number} please"}),
        (f"{draft.base}/story", {"story": f"Charge {number}", "upload": "1"}),
        (f"{draft.base}/amount", {"last4": number, "whole": "all", "bank": "no"}),
        (f"{draft.base}/amount", {"last4": "1005", "amount": number, "bank": "no"}),
        (f"/requests/{case.ref}/messages", {"body": f"My card: {number}"}),
        (f"/requests/{case.ref}/withdraw", {"reason": number}),
    ]
    for path, data in tries:
        page = await priya.post(path, data)
        assert page.status == 422, path
        assert not any(form in page.text for form in HIDDEN), path
    assert not await _kept_anywhere()


@pytest.mark.req("T53")
async def test_a_file_named_with_a_card_number_is_refused_and_one_in_it_is_masked(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    place = f"{filing.base}/story"
    page = await priya.upload(place, {"upload": "1"}, f"{VISA}.txt", b"hello", "text/plain")
    assert page.status == 422 and "name holds a card number" in page.error("file")
    assert not any(form in page.text for form in HIDDEN)
    assert not await Attachment.exists()
    inside = f"Number {VISA}".encode()
    await priya.upload(place, {"upload": "1"}, "note.txt", inside, "text/plain")
    kept = await Attachment.get()
    assert b"1111 1111" not in await attachment.store().get(kept.store_key)


async def _kept_anywhere() -> bool:
    tables = [model._meta.db_table for model in (Case, Message, Attachment)] + ["timeline", "mail"]
    for table in tables:
        rows = await connections.get("default").execute_query_dict(
            f"SELECT count(*) AS n FROM {table} t WHERE t::text ~ '4111[ -]?1111'"
        )
        if rows[0]["n"]:
            return True
    return False


@pytest.mark.req("T14", "V15.3.3")
@pytest.mark.parametrize(
    "extra", ["status", "amount_approved", "account_id", "owner_id", "version", "kind", "ref"]
)
async def test_a_field_no_page_has_is_refused(
    priya: Browser, harbor: Customers, extra: str
) -> None:
    filing = await filings.rebill(priya, harbor)
    before = await _columns(filing)
    for step, data in [
        ("order", filings.order(harbor)),
        ("reason", {"reason": "split_cards"}),
        ("amount", filings.amount(harbor)),
        ("story", {"story": "x"}),
        ("check", {}),
    ]:
        page = await priya.post(f"{filing.base}/{step}", {**data, extra: "approved"})
        assert page.status == 422, step
    assert await _columns(filing) == before


async def _columns(filing: Filing) -> dict[str, Any]:
    rows = await Case.filter(ref=filing.ref).values()
    return dict(rows[0])


@pytest.mark.req("T37")
async def test_a_post_from_another_site_changes_nothing(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    answer = await priya.http.post(f"{filing.base}/check", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert (await filing.case()).status == "draft"
