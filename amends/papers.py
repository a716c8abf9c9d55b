"""Makes queued documents: facts to PDF, stored once, never in the way of money."""

import hashlib

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, jobs
from amends.flow import attachment
from amends.gateways import document_data, documents, files
from amends.models import Document, MailItem


async def make(document_id: str) -> None:
    """Make one document if it is still to be made. The same facts make the same bytes."""
    row = await Document.get_or_none(id=document_id, state="queued")
    if row is None:
        return
    try:
        data = await _made(document_data.unpack(row.kind, row.facts))
    except documents.NotRendered as error:
        await exceptions_desk.tell("document_failed", document_id, str(error), case_id=row.case_id)
        return
    key = files.new_key(f"documents/{row.kind}")
    await attachment.store().put(key, data, "application/pdf")
    made = {
        "state": "made",
        "store_key": key,
        "sha256": hashlib.sha256(data).hexdigest(),
        "made_at": clock.now(),
    }
    async with in_transaction():
        await Document.filter(id=row.id, state="queued").update(**made)
        await _wake_mails(row)


async def _made(document: document_data.Document) -> bytes:
    """The typeset pages, and behind those of an evidence pack the papers it names."""
    data = await documents.render(document)
    if not isinstance(document, document_data.EvidencePack) or not document.exhibits:
        return data
    from amends.gateways import evidence_pdf  # loads pypdf and Pillow, 17 MB, for a rare paper

    store = attachment.store()
    read = [(each, await store.get(each.store_key)) for each in document.exhibits]
    return await evidence_pdf.assemble(data, read)


async def _wake_mails(row: Document) -> None:
    """Mails that waited for this document go now."""
    waiting = MailItem.filter(case_id=row.case_id, state="queued")
    for item in await waiting:
        if str(row.id) in item.document_ids:
            await MailItem.filter(id=item.id).update(next_try_at=clock.now())
            await jobs.defer(jobs.send_mail(str(item.id)))


async def read(row: Document) -> bytes:
    """The stored PDF; its hash is checked, so that a changed file is never handed out."""
    data = await attachment.store().get(row.store_key)
    if hashlib.sha256(data).hexdigest() != row.sha256:
        await exceptions_desk.tell(
            "document_changed", str(row.id), "The stored PDF was changed.", case_id=row.case_id
        )
        raise files.StoreUnavailable("This document cannot be shown now. Write to us.")
    return data
