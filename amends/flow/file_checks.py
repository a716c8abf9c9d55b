"""Files that came while the virus scanner was away: checked as soon as it answers again."""

import asyncio

import structlog

from amends import clock, facts, moves, timeline
from amends.flow import attachment
from amends.gateways import uploads
from amends.models import Attachment, Case
from amends.rules.people import WORKER

log = structlog.get_logger()
_BATCH = 20


async def look() -> int:
    """Check what waits, the oldest first; stops when the scanner is still away."""
    waiting = await Attachment.filter(state=uploads.CHECKING, removed_at=None).order_by("at")
    done = 0
    for file in waiting[:_BATCH]:
        try:
            data = await attachment.store().get(file.store_key)
            infected = await asyncio.to_thread(attachment.scanner(), data)
        except facts.Unavailable:
            log.warning("files wait for the virus scanner", count=len(waiting) - done)
            break
        await (_refuse(file) if infected else _release(file))
        done += 1
    return done


async def _release(file: Attachment) -> None:
    await Attachment.filter(id=file.id).update(state=uploads.CLEAN)


async def _refuse(file: Attachment) -> None:
    """Nobody ever gets it; its name stays on the case, its content goes."""
    await Attachment.filter(id=file.id).update(state=uploads.INFECTED)
    await attachment.store().delete(file.store_key)
    case = await Case.get(id=file.case_id)
    data: dict[str, object] = {"file": str(file.id)}
    await moves.note(case, timeline.Entry("file_refused", WORKER, clock.now(), data=data))
