"""The chargeback desk: the deadline, the pack, one submission, accepting. No refund anywhere."""

from pathlib import Path

import pytest

from amends import papers, settings
from amends.flow import disputes
from amends.models import BankDispute, Case, Document
from tests import shop as shops
from tests.backoffice import desk, reading, scene

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.req("A4")]


@pytest.fixture(autouse=True)
def own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AMENDS_FILES_URL", (tmp_path / "files").as_uri())
    monkeypatch.setattr(settings, "load", settings.Settings)


async def opened(shop: scene.Customers) -> BankDispute:
    made = shop.world.open_dispute(shop.deposits[0].charge_id, reason="product_not_received")
    await disputes.heard(made["id"])
    return await BankDispute.get(id=made["id"])


async def staged(row: BankDispute) -> None:
    for document in await Document.filter(state="queued"):
        await papers.make(str(document.id))
    case = await Case.get(id=row.case_id)
    await Case.filter(id=case.id).update(next_check_at=case.created_at)
    await shops.work(case)


async def test_lee_makes_the_pack_confirms_and_hands_it_in_once() -> None:
    shop, lee = await scene.harbor(), await scene.staff("Lee Moreau")
    row = await opened(shop)
    browser = await desk.browser(lee)
    text = reading.words(await browser.get("/disputes"))
    assert "Harbor Fitness LLC" in text and "$1,200.00" in text and " left" in text

    page = await browser.get(f"/disputes/{row.id}")
    assert "Chargeback: the money was taken" in reading.words(page)
    empty = await desk.post(
        browser, f"/disputes/{row.id}/pack", reading.form(page, "pack", statement="")
    )
    assert empty.status_code == 422
    form = reading.form(page, "pack", statement="Delivered on August 30.")
    assert (await desk.post(browser, f"/disputes/{row.id}/pack", form)).status_code == 303
    await staged(row)

    page = await browser.get(f"/disputes/{row.id}")
    assert "Nothing is handed in yet" in reading.words(page)
    pdf = await browser.get(f"/disputes/{row.id}/pack.pdf")
    assert pdf.content.startswith(b"%PDF")
    sure = await browser.get(f"/disputes/{row.id}/submit")
    assert "You can submit once" in reading.words(sure)
    form = reading.form(sure, "submit")
    assert (await desk.post(browser, f"/disputes/{row.id}/submit", form)).status_code == 303
    assert (await desk.post(browser, f"/disputes/{row.id}/submit", form)).status_code == 409
    await shops.work(await Case.get(id=row.case_id))
    found = shop.world.store.get("dispute", row.id)
    assert found is not None and found["evidence_details"]["submission_count"] == 1
    assert "Handed in" in reading.words(await browser.get(f"/disputes/{row.id}"))


async def test_dana_accepts_with_a_reason() -> None:
    shop, dana = await scene.harbor(), await scene.staff("Dana Cole")
    row = await opened(shop)
    browser = await desk.browser(dana)
    sure = await browser.get(f"/disputes/{row.id}/accept")
    form = reading.form(sure, "accept")
    assert (await desk.post(browser, f"/disputes/{row.id}/accept", form)).status_code == 422
    form |= {"reason": "The unit was never handed over."}
    assert (await desk.post(browser, f"/disputes/{row.id}/accept", form)).status_code == 303
    await shops.work(await Case.get(id=row.case_id))
    assert (await BankDispute.get(id=row.id)).status == "lost"


async def test_no_page_of_a_disputed_case_offers_a_refund() -> None:
    shop, dana = await scene.harbor(), await scene.staff("Dana Cole")
    row = await opened(shop)
    case = await Case.get(id=row.case_id)
    browser = await desk.browser(dana)
    for path in (f"/cases/{case.ref}", f"/disputes/{row.id}", "/disputes"):
        page = await browser.get(path)
        assert page.status_code == 200
        assert "/decision" not in page.text and "Refund only" not in page.text


async def test_an_agent_reads_but_does_not_act_and_old_sign_ins_are_renewed() -> None:
    shop, sam, lee = (
        await scene.harbor(),
        await scene.staff("Sam Ito"),
        await scene.staff("Lee Moreau"),
    )
    row = await opened(shop)
    browser = await desk.browser(sam)
    assert (await browser.get(f"/disputes/{row.id}")).status_code == 200
    for act in ("pack", "submit", "accept"):
        assert (await desk.post(browser, f"/disputes/{row.id}/{act}")).status_code == 403
    old = await desk.browser(lee, auth_time=desk.long_ago())
    answer = await desk.post(old, f"/disputes/{row.id}/submit", {"document": "x"})
    assert "/sign-in/again" in answer.headers["location"]


async def test_an_inquiry_is_told_apart() -> None:
    shop, lee = await scene.harbor(), await scene.staff("Lee Moreau")
    made = shop.world.open_inquiry(shop.deposits[0].charge_id)
    await disputes.heard(made["id"])
    text = reading.words(await (await desk.browser(lee)).get(f"/disputes/{made['id']}"))
    assert "Inquiry: the bank only asks" in text
