"""The worker's calls for a dispute: stage evidence, hand it in once, or accept. Reads first."""

from datetime import datetime, timedelta
from uuid import uuid4

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, moves, papers, quarantine, timeline
from amends.flow import disputes, sighting
from amends.flow.evidence import Wish
from amends.gateways import stripe, stripe_disputes
from amends.gateways.stripe_facts import DisputeFacts
from amends.models import BankDispute, Case, Document
from amends.rules import sending
from amends.rules.people import WORKER
from amends.rules.sending import Next, Sent

_SOON = timedelta(seconds=5)
_MINUTE = sending.LOOKUPS[0]


async def look(case: Case) -> datetime:
    """The next step for every dispute of a locked case. Returns when to look again."""
    rows = await BankDispute.filter(case_id=case.id, closed_at=None).order_by("id")
    if not rows:
        return await _find(case)
    return min([await _one(case, row) for row in rows])


async def _find(case: Case) -> datetime:
    """The customer spoke of the bank; Stripe may show it by now, or no event came through."""
    for deposit in await sighting.deposits_of(case):
        for seen in await stripe.disputes_of(deposit.charge_id):
            if not seen.is_over or not await BankDispute.filter(id=seen.id).exists():
                await disputes.take(seen)
    return clock.now() + timedelta(days=1)


async def _one(case: Case, row: BankDispute) -> datetime:
    seen = await stripe_disputes.dispute(row.id)
    await disputes.observe(row, seen)
    row = await BankDispute.get(id=row.id)
    if row.closed_at is not None:
        return clock.now()
    match row.wish:
        case Wish.STAGE:
            return await _stage(case, row)
        case Wish.SUBMIT | Wish.ACCEPT:
            return await _carry_out(row)
        case _:
            return disputes.next_reminder(row, clock.now())


async def _stage(case: Case, row: BankDispute) -> datetime:
    """The pack to Stripe, not handed in yet. A repeat replaces it, so any key will do."""
    document = await Document.get(id=row.document_id)
    if document.state != "made":
        return clock.now() + _SOON
    try:
        file_id = row.file_id or await _upload(case, row, await papers.read(document))
        fields = _fields(row, file_id)
        await stripe_disputes.stage(row.id, fields, f"amends:{row.id}:stage:{uuid4()}")
    except (stripe.Unknown, stripe.NotExecuted):
        return clock.now() + _MINUTE
    except (stripe.Refused, stripe.KeyMismatch) as error:
        await _refused(row, str(error))
        return clock.now()
    async with in_transaction():
        await BankDispute.filter(id=row.id, wish=Wish.STAGE).update(
            wish=Wish.NONE, staged_at=clock.now()
        )
        data: dict[str, object] = {"dispute": row.id, "file": file_id, "pdf": document.sha256}
        await moves.note(case, timeline.Entry("evidence_staged", WORKER, clock.now(), data=data))
    return clock.now()


async def _upload(case: Case, row: BankDispute, data: bytes) -> str:
    name = f"{case.ref}-evidence.pdf"
    file_id = await stripe_disputes.upload(name, data, f"amends:{row.id}:file:{uuid4()}")
    await BankDispute.filter(id=row.id).update(file_id=file_id)
    return file_id


def _fields(row: BankDispute, file_id: str) -> dict[str, str]:
    texts = {name: str(text) for name, text in row.evidence.items() if text}
    return {**texts, "uncategorized_file": file_id}


async def _carry_out(row: BankDispute) -> datetime:
    """Submit or accept, once. Stripe was read a moment ago and shows neither done."""
    await quarantine.must_be_clear()
    now = clock.now()
    if row.key_number == 0:
        return await _send(row, 1)
    assert row.first_sent_at is not None and row.last_sent_at is not None
    sent = Sent(row.key_number, row.first_sent_at, row.last_sent_at, row.error_code)
    match sending.after_absence(sent, now):
        case Next.RESEND if now - row.last_sent_at >= _MINUTE:
            return await _send(row, row.key_number)
        case Next.NEW_KEY:
            return await _send(row, row.key_number + 1)
        case Next.FAIL | Next.ASK_A_PERSON:
            await _refused(row, row.error_text)
            return now
    return now + _MINUTE


async def _send(row: BankDispute, number: int) -> datetime:
    """The intent is written down before the call; whoever was slower finds it taken."""
    now = clock.now()
    first = row.first_sent_at if number == row.key_number else now
    taken = await BankDispute.filter(
        id=row.id, wish=row.wish, key_number=row.key_number, last_sent_at=row.last_sent_at
    ).update(key_number=number, first_sent_at=first, last_sent_at=now, error_code="")
    if not taken:
        return now + _MINUTE
    repeated = number == row.key_number
    try:
        seen = await _call(row, number)
    except stripe.Unknown as error:
        code = sending.STORED_500 if error.stored else sending.NO_ANSWER
        return await _unknown(row, code, str(error))
    except (stripe.NotExecuted, stripe.Misconfigured) as error:
        return await _unknown(row, sending.NO_ANSWER, str(error))
    except (stripe.Refused, stripe.KeyMismatch) as error:
        if repeated:
            return await _unknown(row, sending.REFUSED + getattr(error, "code", ""), str(error))
        await _refused(row, str(error))
        return clock.now()
    await disputes.observe(row, seen)
    return clock.now()


async def _call(row: BankDispute, number: int) -> DisputeFacts:
    assert row.wished_at is not None
    # From what a person confirmed, and when: the same for every send of this key.
    key = f"amends:{row.id}:{row.wish}:{int(row.wished_at.timestamp())}:{number}"
    if row.wish == Wish.ACCEPT:
        return await stripe_disputes.accept(row.id, key)
    return await stripe_disputes.submit(row.id, _fields(row, row.file_id), key)


async def _unknown(row: BankDispute, code: str, text: str) -> datetime:
    """Nobody knows whether the bank has it. Stripe is asked before anything else is done."""
    await BankDispute.filter(id=row.id).update(error_code=code[:80], error_text=text[:500])
    await exceptions_desk.tell(
        "unknown_outcome", row.id, text[:300], case_id=row.case_id, stripe_id=row.id
    )
    return clock.now() + _MINUTE


async def _refused(row: BankDispute, text: str) -> None:
    """Stripe said no: people look at it and decide anew."""
    async with in_transaction():
        await BankDispute.filter(id=row.id).update(
            wish=Wish.NONE, key_number=0, last_sent_at=None, error_code="", error_text=text[:500]
        )
        await exceptions_desk.settle("unknown_outcome", row.id, "Stripe refused it")
        await exceptions_desk.tell(
            "evidence_refused", row.id, text[:300], case_id=row.case_id, stripe_id=row.id
        )
