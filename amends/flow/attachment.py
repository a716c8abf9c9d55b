"""Files on a case: checked, stored under a random key, read back by whoever may see them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from tortoise.transactions import in_transaction

from amends import clock, embedded, facts, settings
from amends.gateways import files, upload_verdict, uploads, virus_scan
from amends.models import Attachment, Case
from amends.rules import card_numbers
from amends.rules.people import Customer
from amends.rules.workflow import Status


@dataclass(frozen=True)
class Upload:
    """A file as it arrived; name and type are the sender's word."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class StoredFile:
    name: str
    content_type: str
    data: bytes


def store() -> files.Store:
    """The store of this installation."""
    return _store_at(settings.load().files_url or _own_folder().as_uri())


@lru_cache(maxsize=4)
def _store_at(url: str) -> files.Store:
    return files.Store(url)


def _own_folder() -> Path:
    data_dir = settings.load().data_dir
    return (Path(data_dir) if data_dir else embedded.default_folder()) / "files"


async def check(uploaded: Sequence[Upload]) -> list[uploads.Accepted]:
    """The files in the form to keep. Raises InvalidInput for the first that is not taken."""
    return [await asyncio.to_thread(_checked, upload) for upload in uploaded]


def accepted(name: str, content_type: str, data: bytes) -> uploads.Accepted:
    """As uploads.check with the scanner of this installation; without its answer, "checking"."""
    scan = virus_scan.Patient(scanner())
    found = uploads.check(name, content_type, data, scan)
    return replace(found, state=uploads.CHECKING) if scan.missed else found


def scanner() -> uploads.Scan:
    """The virus scanner that the operator names; without one, only the test file is known."""
    url = settings.load().clamd_url
    return virus_scan.Scanner(url) if url else uploads.carries_test_virus


def _checked(upload: Upload) -> uploads.Accepted:
    if card_numbers.contains(upload.name):
        raise facts.InvalidInput({"file": "The file's name holds a card number. Rename it first"})
    try:
        return accepted(upload.name, upload.content_type, upload.data)
    except uploads.Rejected as rejected:
        raise facts.InvalidInput({"file": rejected.message}) from rejected


@dataclass(frozen=True)
class Stored:
    """A checked file and the key it lies under; a row makes it part of a case."""

    file: uploads.Accepted
    key: str


async def attach(case: Case, by: Customer, upload: Upload) -> None:
    """Keep a file on a draft; it stays when the rest of the page has errors."""
    accepted = await check([upload])
    async with stored(accepted) as kept, in_transaction():
        await add(case, by, kept)


@asynccontextmanager
async def stored(accepted: Sequence[uploads.Accepted]) -> AsyncIterator[list[Stored]]:
    """The files in the store; they are taken out again when what follows fails.

    Stored before the caller's transaction, so that no row is locked while a remote store answers.
    """
    kept: list[Stored] = []
    try:
        for file in accepted:
            kept.append(Stored(file, files.new_key("attachments")))
            await store().put(kept[-1].key, file.data, file.content_type)
        yield kept
    except BaseException:
        for each in kept:
            await store().delete(each.key)
        raise


async def add(
    case: Case, by: Customer, kept: Sequence[Stored], message_id: int | None = None
) -> None:
    """Write the rows, in the caller's transaction; none when one finds no room."""
    await Case.filter(id=case.id).select_for_update().first()
    sizes = [file.size for file in await Attachment.filter(case_id=case.id, removed_at=None)]
    await _check_day(case, sum(each.file.size for each in kept))
    for each in kept:
        _check_room(each.file, sizes)
        await _write_row(case, by, each, message_id)
        sizes.append(each.file.size)


async def _check_day(case: Case, more: int) -> None:
    """What one customer sent within a day, over all requests and also what was removed."""
    since = clock.now() - timedelta(days=1)
    sent = Attachment.filter(case__account_id=case.account_id, at__gte=since)
    if sum([each.size for each in await sent.only("size")]) + more > upload_verdict.MAX_DAY_BYTES:
        raise facts.InvalidInput({"file": upload_verdict.too_much_today().message})


def _check_room(file: uploads.Accepted, sizes: Sequence[int]) -> None:
    try:
        uploads.check_room(file.name, file.size, len(sizes), sum(sizes))
    except uploads.Rejected as rejected:
        raise facts.InvalidInput({"file": rejected.message}) from rejected


async def _write_row(case: Case, by: Customer, kept: Stored, message_id: int | None) -> None:
    await Attachment.create(
        case_id=case.id,
        message_id=message_id,
        name=kept.file.name,
        content_type=kept.file.content_type,
        size=kept.file.size,
        sha256=kept.file.sha256,
        store_key=kept.key,
        state=kept.file.state,
        uploaded_by=by.actor_id,
        at=clock.now(),
    )


async def remove(case: Case, by: Customer, attachment_id: str) -> None:
    """Take a file off a draft. What was sent stays: it is part of the record."""
    if case.status is not Status.DRAFT:
        raise facts.Refused("This request was sent, so its files stay with it.")
    found = await Attachment.filter(
        id=_uuid(attachment_id), case_id=case.id, case__account_id=by.account_id, removed_at=None
    ).first()
    if found is None:
        return  # removed in another tab
    await Attachment.filter(id=found.id).update(removed_at=clock.now())
    await store().delete(found.store_key)


async def drop_all(case: Case) -> None:
    """Forget the files of a draft that its owner deleted."""
    held = await Attachment.filter(case_id=case.id, removed_at=None)
    await Attachment.filter(id__in=[file.id for file in held]).update(removed_at=clock.now())
    for file in held:
        await store().delete(file.store_key)


async def read(by: Customer, ref: str, attachment_id: str) -> StoredFile:
    """A file of the customer's own case."""
    found = await Attachment.filter(
        id=_uuid(attachment_id),
        case__ref=ref,
        case__account_id=by.account_id,
        audience="customer",
        state=uploads.CLEAN,
        removed_at=None,
    ).first()
    if found is None:
        raise facts.NotFound("There is no such file.")
    return StoredFile(found.name, found.content_type, await store().get(found.store_key))


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise facts.NotFound("There is no such file.") from error
