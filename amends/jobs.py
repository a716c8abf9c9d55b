"""The job queue: wake-ups, put down in the caller's transaction. The tables are the truth."""

import json
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


async def defer(*wakes: Wake) -> None:
    """Put jobs down on the current transaction: committed or rolled back with it."""
    connection = connections.get("default")
    for wake in wakes:
        await connection.execute_query(
            _INSERT, [wake.queue, wake.task, wake.lock, as_json(wake.args)]
        )
