"""What the chargeback desk sees: disputes with their deadlines, and what can go to the bank."""

from dataclasses import dataclass

from amends import facts, papers
from amends.flow import evidence_pack
from amends.models import Attachment, BankDispute, Case, Document
from amends.rules.people import Staff

_MOST = 100


@dataclass(frozen=True)
class Page:
    """One dispute with its case, the pack so far, and all that may go into the next one."""

    row: BankDispute
    case: Case
    pack: Document | None
    papers: tuple[tuple[Document, str], ...]
    files: tuple[Attachment, ...]


async def listed(by: Staff) -> tuple[list[BankDispute], list[BankDispute]]:
    """The open ones, the nearest deadline first; then those that ended last."""
    rows = BankDispute.all().prefetch_related("case__account")
    waiting = await rows.filter(closed_at=None).order_by("due_by", "id").limit(_MOST)
    over = await rows.filter(closed_at__isnull=False).order_by("-closed_at").limit(20)
    return sorted(waiting, key=lambda row: row.submissions), list(over)


async def of_case(case: Case) -> list[BankDispute]:
    return await BankDispute.filter(case_id=case.id).order_by("id")


async def untold(by: Staff) -> list[Case]:
    """Locked by what a customer wrote; Stripe shows no dispute yet."""
    locked = Case.filter(status="locked_chargeback", bank_disputes__id__isnull=True)
    return await locked.order_by("id").limit(_MOST).prefetch_related("account")


async def page(by: Staff, dispute_id: str) -> Page:
    row = await BankDispute.get_or_none(id=dispute_id).prefetch_related(
        "case__account", "wished_by"
    )
    if row is None:
        raise facts.NotFound("There is no such dispute.")
    pack = await Document.get_or_none(id=row.document_id) if row.document_id else None
    made = await evidence_pack.papers_of(row.case)
    named = tuple((each, evidence_pack.NAMES[each.kind]) for each in made)
    return Page(row, row.case, pack, named, tuple(await evidence_pack.files_of(row.case)))


async def pdf(by: Staff, dispute_id: str) -> tuple[str, bytes]:
    """The newest pack, once it is made."""
    found = await page(by, dispute_id)
    if found.pack is None or found.pack.state != "made":
        raise facts.NotFound("There is no pack yet.")
    return f"{found.case.ref}-evidence.pdf", await papers.read(found.pack)
