"""Files of a request: kept one by one, never lost to an error, read only by their owner."""

import pytest

from amends.models import Attachment, Case
from tests.backoffice.scene import Customers
from tests.gateways import upload_corpus
from tests.portal import filing as filings
from tests.portal.visitor import Browser, Page

LETTER = b"The parcel is held by customs."


async def add(browser: Browser, base: str, name: str = "notice.txt", data: bytes = LETTER) -> Page:
    return await browser.upload(f"{base}/story", {"upload": "1"}, name, data, "text/plain")


async def test_a_file_is_kept_at_once_and_listed(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    page = await add(priya, filing.base)
    assert page.path.startswith(f"{filing.base}/story") and "notice.txt" in page.words
    await add(priya, filing.base, "second.txt")
    case = await filing.case()
    assert await Attachment.filter(case_id=case.id, removed_at=None).count() == 2
    page = await priya.get(f"{filing.base}/check")
    assert "notice.txt, second.txt" in page.words


async def test_words_survive_adding_a_file_and_files_survive_wrong_words(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor, story="First words")
    page = await priya.upload(
        f"{filing.base}/story", {"story": "Second words", "upload": "1"},
        "notice.txt", LETTER, "text/plain",
    )  # fmt: skip
    assert "Second words" in page.text
    page = await priya.post(f"{filing.base}/story", {"story": "4111 1111 1111 1111"})
    assert page.status == 422 and "notice.txt" in page.words


async def test_continue_takes_a_chosen_file_with_it(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    page = await priya.upload(
        f"{filing.base}/story", {"story": "Words"}, "notice.txt", LETTER, "text/plain"
    )
    assert page.path == f"{filing.base}/check" and "notice.txt" in page.words


async def test_a_file_is_removed_before_sending_and_never_after(
    priya: Browser, harbor: Customers
) -> None:
    filing = await filings.rebill(priya, harbor)
    await add(priya, filing.base)
    found = await Attachment.get()
    page = await priya.post(f"{filing.base}/story", {"story": "x", "remove": str(found.id)})
    assert "notice.txt" not in page.words
    await add(priya, filing.base, "kept.txt")
    sent = await filing.send()
    ref = sent.path.split("/")[2]
    kept = await Attachment.get(name="kept.txt")
    again = await priya.post(f"{filing.base}/story", {"story": "x", "remove": str(kept.id)})
    assert again.path == f"/requests/{ref}/sent"
    assert (await Attachment.get(id=kept.id)).removed_at is None


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.pdf", b"", "is empty"),
        ("tool.exe", b"MZ\x90", "not a kind of file we can take"),
        ("photo.png", LETTER, "holds something else than its name says"),
        ("big.txt", b"x" * (10 * 1024 * 1024 + 1), "Choose a file of 10 MB or less"),
        ("note.txt", upload_corpus.EICAR, "looks like it carries a virus"),
    ],
)
async def test_each_cause_has_its_own_sentence(
    priya: Browser, harbor: Customers, name: str, data: bytes, words: str
) -> None:
    filing = await filings.rebill(priya, harbor)
    page = await add(priya, filing.base, name, data)
    assert page.status == 422 and words in page.error("file")
    assert not await Attachment.exists()


@pytest.mark.req("T45", "V5.2.1")
async def test_a_body_far_too_large_is_cut_off(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    page = await add(priya, filing.base, "huge.txt", b"x" * (27 * 1024 * 1024))
    assert page.status == 413


@pytest.mark.req("T44", "V5.4.2")
async def test_a_name_is_only_ever_a_name(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    await add(priya, filing.base, "../../etc/pass\u202ewd\r\nX-Evil: 1.txt")
    page = await filing.send()
    ref = page.path.split("/")[2]
    found = await Attachment.get()
    assert "/" not in found.name and "\r" not in found.name and "\u202e" not in found.name
    answer = await priya.http.get(f"/requests/{ref}/files/{found.id}")
    assert answer.content == LETTER and "x-evil" not in answer.headers
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_a_file_comes_with_a_message(priya: Browser, harbor: Customers) -> None:
    case = await filings.sent(priya, harbor)
    page = await priya.upload(
        f"/requests/{case.ref}/messages", {"body": "Here it is"}, "bank.txt", LETTER, "text/plain"
    )
    assert "Here it is" in page.words and "bank.txt" in page.words
    page = await priya.upload(
        f"/requests/{case.ref}/messages", {"body": "Again"}, "tool.exe", b"MZ", "text/plain"
    )
    assert page.status == 422 and page.error("file")
    assert (await Case.get(id=case.id)).version == case.version + 1


async def test_with_htmx_only_the_list_comes_back(priya: Browser, harbor: Customers) -> None:
    filing = await filings.rebill(priya, harbor)
    answer = await priya.http.post(
        f"{filing.base}/story",
        data={"story": "x", "upload": "1"},
        files={"file": ("notice.txt", LETTER, "text/plain")},
        headers={"hx-request": "true", "hx-request-type": "partial"},
    )
    assert answer.status_code == 200 and "<html" not in answer.text
    assert answer.text.strip().startswith('<div id="files">')
    assert "notice.txt" in answer.text
