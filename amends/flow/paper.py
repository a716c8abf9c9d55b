"""The PDFs of a case, for the customer it belongs to."""

from amends import papers
from amends.models import Document
from amends.rules.people import Customer


async def pdf(by: Customer, ref: str, kind: str) -> bytes | None:
    """The newest document of this kind, or None while it is not made. Its hash is checked."""
    row = (
        await Document.filter(
            case__ref=ref,
            case__account_id=by.account_id,
            kind=kind,
            state="made",
            superseded_at=None,
        )
        .order_by("-created_at")
        .first()
    )
    return await papers.read(row) if row else None
