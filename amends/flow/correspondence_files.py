"""Files of a mail: the same rules as for uploads, but what is refused does not stop the mail."""

import asyncio
from collections.abc import Sequence

from amends import clock
from amends.flow import attachment
from amends.gateways import uploads
from amends.gateways.inbox_mail import File
from amends.models import Attachment, Case

Checked = tuple[list[uploads.Accepted], list[str]]


async def check(files: Sequence[File], case: Case | None = None) -> Checked:
    """What to keep, and a sentence for each file that is not kept.

    While the virus scanner does not answer, files are kept and handed to nobody.
    """
    held = [] if case is None else await _sizes(case)
    accepted: list[uploads.Accepted] = []
    refused: list[str] = []
    for file in files:
        try:
            kept = await asyncio.to_thread(_checked, file, [*held, *(a.size for a in accepted)])
        except uploads.Rejected as rejected:
            refused.append(rejected.message)
        else:
            accepted.append(kept)
    return accepted, list(dict.fromkeys(refused))


async def _sizes(case: Case) -> list[int]:
    sizes = await Attachment.filter(case_id=case.id, removed_at=None).values_list("size", flat=True)
    return [int(str(size)) for size in sizes]


def _checked(file: File, held: Sequence[int]) -> uploads.Accepted:
    # Before the costly look inside: the twenty-first file is not even opened.
    uploads.check_room(file.name, 0, len(held), sum(held))
    accepted = attachment.accepted(file.name, file.content_type, file.data)
    uploads.check_room(accepted.name, accepted.size, len(held), sum(held))
    return accepted


async def keep(
    case: Case,
    kept: Sequence[attachment.Stored],
    uploaded_by: str,
    audience: str,
    message_id: int | None = None,
) -> None:
    """Make the stored files part of the case. Joins the caller's transaction."""
    for each in kept:
        await Attachment.create(
            case_id=case.id,
            message_id=message_id,
            name=each.file.name,
            content_type=each.file.content_type,
            size=each.file.size,
            sha256=each.file.sha256,
            store_key=each.key,
            audience=audience,
            state=each.file.state,
            uploaded_by=uploaded_by,
            at=clock.now(),
        )
