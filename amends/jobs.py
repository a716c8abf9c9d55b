"""The job queue: wake-ups, put down in the caller's transaction. The tables are the truth."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tortoise import connections

QUEUE_MONEY = "money"
QUEUE_EVENTS = "events"
QUEUE_MAIL = "mail"
QUEUE_DOCUMENTS = "documents"

# One todo job per queueing lock is enough: a second wake-up adds nothing.
_INSERT = """
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
VALUES ($1, $2, 0, $3, $3, $4::jsonb)
ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING
"""
# The lock of the job that runs here and looks again by itself before it ends.
_held: ContextVar[str] = ContextVar("held", default="")


@dataclass(frozen=True)
class Wake:
    """A wake-up: `lock` keeps two workers off the same thing and collapses repeats."""

    queue: str
    task: str
    lock: str
    args: dict[str, object] = field(default_factory=dict)


def advance(case_id: int) -> Wake:
    return Wake(QUEUE_MONEY, "advance_case", f"case:{case_id}", {"case_id": case_id})


def look_at_event(event_id: str) -> Wake:
    return Wake(QUEUE_EVENTS, "look_at_event", f"event:{event_id}", {"event_id": event_id})


def send_mail(mail_id: str) -> Wake:
    return Wake(QUEUE_MAIL, "send_mail", f"mail:{mail_id}", {"mail_id": mail_id})


def make_document(document_id: str) -> Wake:
    return Wake(
        QUEUE_DOCUMENTS, "make_document", f"document:{document_id}", {"document_id": document_id}
    )


def follow_address(change_id: int) -> Wake:
    return Wake(QUEUE_EVENTS, "follow_address", f"address:{change_id}", {"change_id": change_id})


def sign_in_code(email: str, browser_hash: str, address: str) -> Wake:
    """The look-up of an address happens in the worker, so that the answer tells nothing."""
    return Wake(
        QUEUE_MAIL,
        "mail_sign_in_code",
        f"code:{browser_hash}",
        {"email": email, "browser_hash": browser_hash, "address": address},
    )


def reconcile() -> Wake:
    return Wake(QUEUE_EVENTS, "reconcile", "reconcile", {"timestamp": 0})


def as_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def with_job(insert: str, values: int, also: str = "") -> str:
    """One statement of an INSERT ... RETURNING with so many values, and of a job if it made a row.

    The job's values, `columns(wake)`, come behind the INSERT's own. `also` is one more change,
    which may look at `made`.
    """
    also = f", also AS ({also})" if also else ""
    queue, task, lock, args = (f"${values + each}" for each in range(1, 5))
    return f"""
    WITH made AS ({insert}), woken AS (
      INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)
      SELECT {queue}, {task}, 0, {lock}, {lock}, {args}::jsonb FROM made
      ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING){also}
    SELECT id FROM made
    """  # noqa: S608 - numbers of our own


def columns(wake: Wake) -> list[object]:
    return [wake.queue, wake.task, wake.lock, as_json(wake.args)]


@contextmanager
def holding(wake: Wake) -> Iterator[None]:
    """Inside, no wake-up is put down for what the running job looks at until nothing is due.

    It would wait for that job's end and then find nothing to do. Should the job die, the sweeper
    wakes what is due.
    """
    token = _held.set(wake.lock)
    try:
        yield
    finally:
        _held.reset(token)


async def defer(*wakes: Wake) -> None:
    """Put jobs down on the current transaction: committed or rolled back with it."""
    connection, held = connections.get("default"), _held.get()
    for wake in wakes:
        if wake.lock == held:
            continue
        await connection.execute_query(_INSERT, columns(wake))
