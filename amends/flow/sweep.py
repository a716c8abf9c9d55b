"""The sweeper: no bug and no lost job strands anything; whatever is due gets a wake-up."""

from tortoise import connections

from amends import clock, jobs
from amends.models import Document, MailItem, WebhookEvent

_BATCH = 500
# Ready work that has no live job, oldest first.
_DUE_CASES = """
SELECT id FROM case_ WHERE next_check_at <= $1 AND NOT EXISTS (
  SELECT 1 FROM procrastinate_jobs AS job
  WHERE job.status = 'todo' AND job.queueing_lock = 'case:' || case_.id)
ORDER BY next_check_at LIMIT $2
"""


async def sweep() -> int:
    """Wake everything that is due: cases, mails, documents, events. Returns how many."""
    now = clock.now()
    rows = await connections.get("default").execute_query_dict(_DUE_CASES, [now, _BATCH])
    wakes = [jobs.advance(row["id"]) for row in rows]
    mails = MailItem.filter(state="queued", next_try_at__lte=now).limit(_BATCH)
    wakes += [jobs.send_mail(str(each)) for each in await mails.values_list("id", flat=True)]
    documents = Document.filter(state="queued").limit(_BATCH)
    wakes += [
        jobs.make_document(str(each)) for each in await documents.values_list("id", flat=True)
    ]
    events = WebhookEvent.filter(done_at=None, next_try_at__lte=now).limit(_BATCH)
    wakes += [jobs.look_at_event(str(each)) for each in await events.values_list("id", flat=True)]
    await jobs.defer(*wakes)
    return len(wakes)
