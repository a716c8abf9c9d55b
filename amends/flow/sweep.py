"""The sweeper: no bug and no lost job strands anything; whatever is due gets a wake-up."""

from tortoise import connections

from amends import clock, jobs

_BATCH = 500
# Ready work that has no live job, oldest first; one statement a kind, however much is due.
_WAKE = """
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
SELECT $3, $4, 0, ready.lock, ready.lock, jsonb_build_object($5::text, ready.id)
FROM (SELECT source.id, $6::text || source.id AS lock FROM {source} AS source
      WHERE {is_due} AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs AS job
        WHERE job.status = 'todo' AND job.queueing_lock = $6::text || source.id)
      AND NOT EXISTS (
        SELECT 1 FROM procrastinate_jobs AS job
        WHERE job.status = 'doing' AND job.lock = $6::text || source.id)
      ORDER BY {oldest} LIMIT $2) AS ready
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING RETURNING id
"""
_DUE = (
    (jobs.advance(0), "case_", "next_check_at <= $1", "next_check_at"),
    (jobs.send_mail(""), "mail", "state = 'queued' AND next_try_at <= $1", "next_try_at"),
    (jobs.make_document(""), "document", "state = 'queued' AND created_at <= $1", "created_at"),
    (
        jobs.look_at_event(""),
        "webhook_event",
        "done_at IS NULL AND next_try_at <= $1",
        "received_at",
    ),
)


async def sweep() -> int:
    """Wake everything that is due: cases, mails, documents, events. Returns how many."""
    now, woken = clock.now(), 0
    for wake, source, is_due, oldest in _DUE:
        sql = _WAKE.format(source=source, is_due=is_due, oldest=oldest)
        kind, (argument,) = wake.lock.split(":")[0], wake.args
        made = await connections.get("default").execute_query_dict(
            sql, [now, _BATCH, wake.queue, wake.task, argument, f"{kind}:"]
        )
        woken += len(made)
    return woken
