"""Chargebacks: locked at once, evidence staged and handed in once, reminded of, and ended."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pypdf
import pytest
from PIL import Image

from amends import clock, facts, papers, settings
from amends.flow import attachment, chargeback, dispute_end, disputes, evidence
from amends.flow.evidence import Choice, Wish
from amends.gateways import files, mail_contexts, mail_pages
from amends.models import (
    Attachment,
    BankDispute,
    Case,
    Document,
    ExceptionItem,
    MailItem,
    TimelineEntry,
)
from amends.rules.people import Staff
from amends.rules.workflow import Kind, Status
from sandbox.stripe_twin.faults import FaultKind
from tests import shop as shops
from tests.backoffice import scene
from tests.flow.test_refund import refunds
from tests.shop import Shop

pytestmark = pytest.mark.req("A4")
SAID = "The unit was delivered on August 30."


@dataclass
class Scene:
    shop: Shop
    harbor: scene.Customers
    sam: Staff
    lee: Staff
    dana: Staff

    @property
    def charge(self) -> str:
        return self.harbor.deposits[0].charge_id

    def open(self, **how: str) -> str:
        return str(self.shop.world.open_dispute(self.charge, **how)["id"])

    async def locked(self) -> tuple[Case, BankDispute]:
        """A chargeback that Stripe told of, nobody having written."""
        dispute_id = self.open()
        await disputes.heard(dispute_id)
        row = await BankDispute.get(id=dispute_id)
        return await shops.work(await Case.get(id=row.case_id)), row

    async def staged(self, **choice: object) -> BankDispute:
        case, row = await self.locked()
        await evidence.choose(row.id, self.lee, Choice(SAID, **choice))  # type: ignore[arg-type]
        return await self.stage(case, row)

    async def stage(self, case: Case, row: BankDispute) -> BankDispute:
        for document in await Document.filter(state="queued"):
            await papers.make(str(document.id))
        await shops.work_on(self.shop, case, seconds=6)
        return await BankDispute.get(id=row.id)

    def at_stripe(self, row: BankDispute) -> dict[str, object]:
        found = self.shop.world.store.get("dispute", row.id)
        assert found is not None
        return dict(found)

    def submissions(self, row: BankDispute) -> int:
        details = self.at_stripe(row)["evidence_details"]
        assert isinstance(details, dict)
        return int(details["submission_count"])

    async def submit(self, row: BankDispute) -> None:
        await evidence.submit(row.id, self.lee, str(row.document_id))


@pytest.fixture
async def at(
    db: None, shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Scene]:
    monkeypatch.setenv("AMENDS_FILES_URL", (tmp_path / "files").as_uri())
    monkeypatch.setattr(settings, "load", settings.Settings)
    shop.world.delays = replace(shop.world.delays, verdict_s=10**9)
    harbor = await scene.harbor(shop.world)
    people = [await scene.staff(name) for name in ("Sam Ito", "Lee Moreau", "Dana Cole")]
    yield Scene(shop, harbor, *people)


# --- Locked, joined, opened --------------------------------------------------------------------


async def test_stripe_opens_a_case_where_nobody_wrote(at: Scene) -> None:
    case, row = await at.locked()
    assert (case.kind, case.status) == (Kind.CHARGEBACK, Status.LOCKED_CHARGEBACK)
    assert case.account_id == at.harbor.account.id and case.ref.startswith("RB-")
    assert (row.amount_minor, row.status) == (1200_00, "needs_response")
    assert await disputes.heard(row.id) == "locked"
    assert await Case.all().count() == 1


async def test_the_customer_hears_once_that_a_bank_began(at: Scene) -> None:
    case, row = await at.locked()
    await disputes.heard(row.id)
    mail = await MailItem.get(case_id=case.id)
    assert (mail.kind, mail.recipient) == ("bank_dispute", at.harbor.account.billing_email)
    told = mail_pages.render(mail_contexts.unpack(mail.kind, dict(mail.context)))
    assert f"{case.ref}: Your bank disputes the charge of $1,200.00" == told.subject
    assert "ending 0005" in told.text and "We send the bank the papers" in told.text


async def test_who_wrote_of_the_bank_first_is_not_told_again(at: Scene) -> None:
    case = await scene.submitted(at.harbor, kind=Kind.CHARGEBACK, reason=None)
    case = await chargeback.lock(case, at.harbor.priya, "The bank was asked.")
    await disputes.heard(at.open())
    assert not await MailItem.filter(case_id=case.id, kind="bank_dispute").exists()


@pytest.mark.req("T18", "I14")
async def test_it_joins_the_case_that_is_there_and_stops_its_money(at: Scene) -> None:
    case = await scene.approved(at.harbor, at.sam, at.dana)
    dispute_id = at.open()
    await disputes.heard(dispute_id)
    case = await shops.work(await Case.get(id=case.id))
    assert case.status is Status.LOCKED_CHARGEBACK
    assert (await BankDispute.get(id=dispute_id)).case_id == case.id
    assert refunds(at.shop) == []


@pytest.mark.req("T17")
async def test_a_finished_case_is_opened_again_with_its_papers(at: Scene) -> None:
    case = await shops.work(await scene.approved(at.harbor, at.sam, at.dana))
    assert case.status is Status.RESOLVED
    moved = len(refunds(at.shop))
    dispute_id = at.open()
    await disputes.heard(dispute_id)
    row = await BankDispute.get(id=dispute_id)
    assert row.case_id == case.id
    case = await shops.work_on(at.shop, case, days=2)
    assert case.status is Status.LOCKED_CHARGEBACK
    assert len(refunds(at.shop)) == moved
    at.shop.world.close_dispute(dispute_id, "won")
    await disputes.heard(dispute_id)
    assert (await Case.get(id=case.id)).status is Status.RESOLVED


async def test_a_dispute_of_a_charge_nobody_knows_is_told(at: Scene) -> None:
    stranger = at.shop.world.add_customer("x@else.example", "Else", {})
    card = at.shop.world.add_card(stranger["id"], shops.VISA)
    charge = at.shop.world.add_charge(stranger["id"], card["id"], 500)
    opened = at.shop.world.open_dispute(charge["id"])
    await disputes.heard(opened["id"])
    assert await Case.all().count() == 0
    assert await ExceptionItem.filter(kind="dispute", key=opened["id"]).exists()


async def test_a_case_told_by_the_customer_finds_its_dispute_without_an_event(at: Scene) -> None:
    case = await scene.submitted(at.harbor, kind=Kind.CHARGEBACK, reason=None)
    case = await chargeback.lock(case, at.harbor.priya, "The bank was asked.")
    await shops.work(case)
    dispute_id = at.open()
    await shops.work_on(at.shop, case, days=1)
    assert (await BankDispute.get(id=dispute_id)).case_id == case.id


# --- Evidence ----------------------------------------------------------------------------------


async def test_it_stages_one_pdf_and_hands_nothing_in(at: Scene) -> None:
    row = await at.staged(policy="Refunds until hand-over.")
    assert row.staged_at is not None and row.wish == Wish.NONE
    assert at.submissions(row) == 0
    found = at.at_stripe(row)["evidence"]
    assert isinstance(found, dict)
    assert found["uncategorized_text"] == SAID
    assert found["refund_policy_disclosure"] == "Refunds until hand-over."
    data = at.shop.world.file_content(found["uncategorized_file"])
    assert SAID in pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()


async def test_it_appends_papers_and_pictures_in_the_order_of_the_list(at: Scene) -> None:
    case, row = await at.locked()
    out = io.BytesIO()
    Image.new("RGB", (3000, 2000), "red").save(out, "PNG")
    key = files.new_key("attachments")
    await attachment.store().put(key, out.getvalue(), "image/png")
    file = await Attachment.create(
        case_id=case.id, name="delivery.png", content_type="image/png", size=len(out.getvalue()),
        sha256="0", store_key=key, uploaded_by="x", at=clock.now(),
    )  # fmt: skip
    await evidence.choose(row.id, at.lee, Choice(SAID, files=[str(file.id)]))
    row = await at.stage(case, row)
    found = at.at_stripe(row)["evidence"]
    assert isinstance(found, dict)
    reader = pypdf.PdfReader(io.BytesIO(at.shop.world.file_content(found["uncategorized_file"])))
    assert len(reader.pages) == 2
    titles = [
        each["/Title"] for each in reader.outline if isinstance(each, pypdf.generic.Destination)
    ]
    assert titles[-1] == "1. delivery.png"


async def test_it_is_handed_in_once_after_somebody_confirmed_it(at: Scene) -> None:
    row = await at.staged()
    await at.submit(row)
    case = await shops.work(await Case.get(id=row.case_id))
    row = await BankDispute.get(id=row.id)
    assert (at.submissions(row), row.submissions, row.wish) == (1, 1, Wish.NONE)
    assert row.submitted_at is not None and case.status is Status.LOCKED_CHARGEBACK
    with pytest.raises(facts.AlreadyDecided):
        await at.submit(row)


async def test_a_double_click_hands_it_in_once(at: Scene) -> None:
    row = await at.staged()
    await at.submit(row)
    with pytest.raises(facts.AlreadyDecided):
        await at.submit(row)
    with pytest.raises(facts.AlreadyDecided):
        await evidence.accept(row.id, at.lee, "No")
    await shops.work(await Case.get(id=row.case_id))
    assert at.submissions(row) == 1
    assert await TimelineEntry.filter(action="evidence_confirmed").count() == 1


@pytest.mark.parametrize("wish", [Wish.SUBMIT, Wish.ACCEPT])
@pytest.mark.parametrize("fault", [each for each in FaultKind if each is not FaultKind.SLOW])
async def test_it_happens_once_whatever_becomes_of_the_call(
    at: Scene, fault: FaultKind, wish: Wish
) -> None:
    row = await at.staged()
    path = f"/v1/disputes/{row.id}" + ("/close" if wish is Wish.ACCEPT else "")
    at.shop.world.faults.add(f"POST {path}", fault)
    if wish is Wish.ACCEPT:
        await evidence.accept(row.id, at.lee, "The unit never left our yard.")
    else:
        await at.submit(row)
    case = await shops.work(await Case.get(id=row.case_id))
    for _ in range(12):
        case = await shops.work_on(at.shop, case, minutes=6)
    row = await BankDispute.get(id=row.id)
    assert row.wish == Wish.NONE
    assert at.submissions(row) == (1 if wish is Wish.SUBMIT else 0)
    assert (at.at_stripe(row)["status"] == "lost") is (wish is Wish.ACCEPT)
    assert not await ExceptionItem.filter(kind="unknown_outcome", resolved_at=None).exists()


async def test_a_lost_answer_a_day_ago_is_read_before_anything_is_sent(at: Scene) -> None:
    row = await at.staged()
    at.shop.world.faults.add(f"POST /v1/disputes/{row.id}", FaultKind.LOST_RESPONSE)
    await at.submit(row)
    await shops.work(await Case.get(id=row.case_id))
    await shops.work_on(at.shop, await Case.get(id=row.case_id), hours=25)
    assert at.submissions(row) == 1
    assert (await BankDispute.get(id=row.id)).submitted_at is not None


async def test_only_the_pack_that_was_seen_is_handed_in(at: Scene) -> None:
    row = await at.staged()
    case = await Case.get(id=row.case_id)
    await evidence.choose(row.id, at.dana, Choice("Another statement."))
    with pytest.raises(facts.Stale):
        await evidence.submit(row.id, at.lee, str(row.document_id))
    newer = await at.stage(case, row)
    await at.submit(newer)


async def test_leads_and_managers_only_and_a_fresh_sign_in(at: Scene) -> None:
    row = await at.staged()
    for act in (
        evidence.choose(row.id, at.sam, Choice(SAID)),
        evidence.submit(row.id, at.sam, str(row.document_id)),
        evidence.accept(row.id, at.sam, "No"),
        evidence.submit(
            row.id,
            replace(at.lee, auth_time=clock.now() - timedelta(seconds=301)),
            str(row.document_id),
        ),
    ):
        with pytest.raises(facts.Refused):
            await act
    assert at.submissions(row) == 0


async def test_a_refusal_of_stripe_goes_back_to_people(at: Scene) -> None:
    row = await at.staged()
    row_file = row.file_id
    await BankDispute.filter(id=row.id).update(file_id="file_gone")
    await at.submit(row)
    await shops.work(await Case.get(id=row.case_id))
    row = await BankDispute.get(id=row.id)
    assert row.wish == Wish.NONE and at.submissions(row) == 0 and row_file
    assert await ExceptionItem.filter(kind="evidence_refused").exists()


# --- The deadline, and the end -----------------------------------------------------------------


async def test_it_reminds_five_two_and_one_day_before(at: Scene) -> None:
    case, row = await at.locked()
    assert case.due_at == (await BankDispute.get(id=row.id)).due_by
    keys = []
    for _ in range(9):
        case = await shops.work_on(at.shop, case, days=1)
        keys += await ExceptionItem.filter(kind="evidence_due", resolved_at=None).values_list(
            "key", flat=True
        )
    assert list(dict.fromkeys(keys)) == [f"{row.id}:5", f"{row.id}:2", f"{row.id}:1"]
    assert await ExceptionItem.filter(kind="evidence_due", resolved_at=None).count() == 1


async def test_nobody_is_reminded_of_what_was_handed_in(at: Scene) -> None:
    row = await at.staged()
    await at.submit(row)
    case = await shops.work(await Case.get(id=row.case_id))
    for _ in range(9):
        case = await shops.work_on(at.shop, case, days=1)
    assert not await ExceptionItem.filter(kind="evidence_due").exists()
    assert case.due_at is None


@pytest.mark.parametrize("verdict", ["won", "lost"])
async def test_a_case_of_the_bank_ends_with_the_bank(at: Scene, verdict: str) -> None:
    case, row = await at.locked()
    at.shop.pass_(days=1)
    at.shop.world.close_dispute(row.id, verdict)
    await disputes.heard(row.id)
    case = await Case.get(id=case.id)
    assert case.status is Status.RESOLVED
    assert case.outcome_reason == dispute_end.RESOLVED[verdict]
    assert await MailItem.filter(case_id=case.id, kind="message_from_us").count() == 1
    await disputes.heard(row.id)
    told = MailItem.filter(case_id=case.id).order_by("created_at")
    assert await told.values_list("kind", flat=True) == ["bank_dispute", "message_from_us"]


async def test_another_wish_goes_on_when_the_bank_decided_for_us(at: Scene) -> None:
    case = await scene.in_triage(at.harbor, at.sam)
    dispute_id = at.open()
    await disputes.heard(dispute_id)
    at.shop.world.close_dispute(dispute_id, "won")
    await disputes.heard(dispute_id)
    assert (await Case.get(id=case.id)).status is Status.TRIAGE


async def test_the_end_is_found_without_an_event(at: Scene) -> None:
    case, row = await at.locked()
    at.shop.world.close_dispute(row.id, "lost")
    assert (await shops.work_on(at.shop, case, days=1)).status is Status.RESOLVED


async def test_an_inquiry_locks_too_and_gives_the_case_back(at: Scene) -> None:
    case = await scene.in_triage(at.harbor, at.sam)
    asked = at.shop.world.open_inquiry(at.charge)["id"]
    await disputes.heard(asked)
    assert (await Case.get(id=case.id)).status is Status.LOCKED_CHARGEBACK
    at.shop.world.close_dispute(asked, "won")
    await disputes.heard(asked)
    assert (await BankDispute.get(id=asked)).status == "warning_closed"
    assert (await Case.get(id=case.id)).status is Status.TRIAGE


async def test_an_inquiry_can_become_a_chargeback(at: Scene) -> None:
    asked = at.shop.world.open_inquiry(at.charge)["id"]
    await disputes.heard(asked)
    at.shop.world.escalate_inquiry(asked)
    await disputes.heard(asked)
    assert (await BankDispute.get(id=asked)).status == "needs_response"


async def test_two_disputes_on_one_case_are_both_waited_for(at: Scene) -> None:
    case, row = await at.locked()
    second = at.shop.world.open_dispute(at.charge, amount=100_00)["id"]
    await disputes.heard(second)
    at.shop.world.close_dispute(row.id, "won")
    await disputes.heard(row.id)
    assert (await Case.get(id=case.id)).status is Status.LOCKED_CHARGEBACK
    at.shop.world.close_dispute(second, "won")
    await disputes.heard(second)
    assert (await Case.get(id=case.id)).status is Status.RESOLVED


async def test_a_case_without_a_dispute_is_given_back_by_a_lead(at: Scene) -> None:
    case = await scene.submitted(at.harbor, kind=Kind.CHARGEBACK, reason=None)
    case = await chargeback.lock(case, at.harbor.priya, "The bank was asked.")
    with pytest.raises(facts.Refused):
        await dispute_end.give_back(case, at.sam, "Nothing there")
    at.shop.world.open_dispute(at.charge)
    with pytest.raises(facts.Refused, match="The bank disputes"):
        await dispute_end.give_back(case, at.lee, "Nothing there")


async def test_a_given_back_case_is_checked_again(at: Scene) -> None:
    case = await scene.submitted(at.harbor, kind=Kind.CHARGEBACK, reason=None)
    case = await chargeback.lock(case, at.harbor.priya, "The bank was asked.")
    assert (await dispute_end.give_back(case, at.lee, "A week passed")).status is Status.TRIAGE
