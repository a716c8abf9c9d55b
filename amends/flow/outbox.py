"""Mails and documents to be made: rows put down with the change that needs them."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from tortoise import connections

from amends import clock, jobs, settings
from amends.gateways import document_data, mail_contexts
from amends.models import Case, Document

_MAIL = jobs.with_job(
    """
INSERT INTO mail (id, case_id, kind, outcome, recipient, context, document_ids, message_id, state,
                  tries, next_try_at, error, created_at)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8, 'queued', 0, $9, '', $9)
ON CONFLICT DO NOTHING RETURNING id
""",
    9,
)
_DOCUMENT = jobs.with_job(
    """
INSERT INTO document (id, case_id, kind, outcome, facts, state, store_key, sha256, created_at)
VALUES ($1, $2, $3, $4, $5::jsonb, 'queued', '', '', $6)
ON CONFLICT DO NOTHING RETURNING id
""",
    6,
    # The new row is not there yet for this part of the statement.
    """
UPDATE document SET superseded_at = $6 WHERE case_id = $2 AND kind = $3
  AND superseded_at IS NULL AND EXISTS (SELECT 1 FROM made)
""",
)


async def mail(
    case: Case, letter: mail_contexts.Mail, outcome: str, documents: Sequence[UUID] = ()
) -> None:
    """Queue a mail to the case's contact, once per kind and outcome."""
    await _queue(case.id, case.contact_email, letter, outcome, documents)


async def mail_to(address: str, letter: mail_contexts.Mail) -> None:
    """Queue a mail that belongs to no case."""
    await _queue(None, address, letter, uuid4().hex, ())


async def _queue(
    case_id: int | None,
    address: str,
    letter: mail_contexts.Mail,
    outcome: str,
    documents: Sequence[UUID],
) -> None:
    mail_id = uuid4()
    await connections.get("default").execute_query_dict(
        _MAIL,
        [
            mail_id,
            case_id,
            letter.kind,
            outcome,
            address,
            jobs.as_json(mail_contexts.pack(letter)),
            jobs.as_json([str(each) for each in documents]),
            f"<{mail_id}@{_domain()}>",
            clock.now(),
            *jobs.columns(jobs.send_mail(str(mail_id))),
        ],
    )


def _domain() -> str:
    return settings.load().mail_from.rsplit("@", 1)[-1].strip("> ") or "localhost"


async def document(case: Case, facts: document_data.Document, outcome: str) -> UUID:
    """Queue a document, once per kind and outcome; an earlier outcome is superseded."""
    document_id, kind, now = uuid4(), facts.kind, clock.now()
    made = await connections.get("default").execute_query_dict(
        _DOCUMENT,
        [
            document_id,
            case.id,
            kind,
            outcome,
            jobs.as_json(document_data.pack(facts)),
            now,
            *jobs.columns(jobs.make_document(str(document_id))),
        ],
    )
    if not made:
        return (await Document.get(case_id=case.id, kind=kind, outcome=outcome)).id
    return document_id
