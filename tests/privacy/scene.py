"""Priya's case from the first word to the last mail, with her name in every corner."""

import re
from dataclasses import dataclass

from tortoise import connections

from amends import access, clock, exceptions_desk, moves, papers, sign_in, timeline
from amends.flow import writing
from amends.flow.attachment import Upload
from amends.models import (
    AddressChange,
    Case,
    CaseMark,
    Document,
    EffectiveDate,
    IdentityCheck,
    Message,
)
from amends.rules.people import Customer, Staff
from tests import shop as shops
from tests.gateways import upload_corpus
from tests.shop import AMEX, VISA, Sale, Shop

STORY = "My card was swallowed by a vending machine in Duluth."
PHONE = "+1 218 555 0142"


@dataclass(frozen=True)
class Filed:
    """A closed case whose refunds are no longer watched."""

    case: Case
    sold: Sale

    @property
    def address(self) -> str:
        return self.sold.account.billing_email

    @property
    def words(self) -> tuple[str, ...]:
        """What must be nowhere afterwards."""
        return (self.address, "Priya", "Raman", "Harbor Fitness", "Duluth", PHONE, "statement-of")


async def closed(shop: Shop, sam: Staff, dana: Staff) -> Filed:
    """Refunded, charged anew, resolved; then the watch is over."""
    filed = await opened(shop, sam, dana)
    await shops.work(filed.case)
    for row in await Document.filter(case_id=filed.case.id):
        await papers.make(str(row.id))
    for days in (10, 20, 20):
        await shops.work_on(shop, filed.case, days=days)
    case = await Case.get(id=filed.case.id)
    assert case.status == "resolved"
    return Filed(case, filed.sold)


async def opened(shop: Shop, sam: Staff, dana: Staff) -> Filed:
    """Approved and not carried out yet."""
    sold = await shops.sale(shop, (AMEX, 120_000), (VISA, 80_000))
    case = (await shops.approved(shop, sold, sam, dana)).case
    await Case.filter(id=case.id).update(story=STORY, outcome_reason="Dear Priya, done.")
    await _write(await Case.get(id=case.id), sold, sam)
    await _sign_in(sold)
    return Filed(await Case.get(id=case.id), sold)


async def _write(case: Case, sold: Sale, sam: Staff) -> None:
    now = clock.now()
    priya = Customer(
        sold.account.id, sold.account.billing_email, "Priya Raman", sold.account.organisation
    )
    file = Upload("statement-of-priya.png", "image/png", upload_corpus.png())
    await writing.write_message(case, priya, f"Call me: {PHONE}", [file])
    await Message.create(
        case_id=case.id, author_kind="staff", author_id=sam.actor_id, author_name=sam.name,
        audience="staff", body="Priya Raman sounded sure.", at=now,
    )  # fmt: skip
    entry = timeline.Entry("note", sam, now, "Priya called", data={"from": PHONE})
    await moves.note(await Case.get(id=case.id), entry)
    await exceptions_desk.tell(
        "stuck_case", f"case:{case.id}", "Priya Raman waits.", case_id=case.id
    )
    await IdentityCheck.create(
        case_id=case.id, fact="email", on_file=sold.account.billing_email,
        seen=sold.account.billing_email, verdict="match", reason="Priya said so",
        by_id=sam.person_id, at=now,
    )  # fmt: skip
    await CaseMark.create(case_id=case.id, labels=["Priya", "vip"])
    await EffectiveDate.create(
        case_id=case.id, effective_on=now.date(), period_start=now.date(),
        period_end=now.date().replace(year=now.year + 1), reason="Priya's word",
        by_id=sam.person_id, at=now,
    )  # fmt: skip
    await AddressChange.create(
        account_id=sold.account.id, old_email="old-priya@harborfitness.example",
        new_email=sold.account.billing_email, reason="Priya moved", proposed_by_id=sam.person_id,
        at=now, decision="refused", decided_at=now,
    )  # fmt: skip


async def _sign_in(sold: Sale) -> None:
    now, address = clock.now(), sold.account.billing_email
    await sign_in.mail_code(address, "b" * 64, "192.0.2.7")
    await access.start_session(
        access.NewSession("portal", address, now, now, sold.account.id, address="192.0.2.7")
    )
    await sign_in.tell_of_sign_in(address, "192.0.2.7", "Firefox/1 Linux")


async def whole_database() -> str:
    """Every row of every table as text."""
    connection = connections.get("default")
    names = await connection.execute_query_dict(
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    texts = []
    for row in names:
        found = await connection.execute_query_dict(f'SELECT t::text AS row FROM "{row["name"]}" t')
        texts += [f"{row['name']}: {each['row']}" for each in found]
    return "\n".join(texts)


def traces(text: str, words: tuple[str, ...]) -> list[str]:
    """Lines in which one of the words stands."""
    pattern = re.compile("|".join(re.escape(word) for word in words), re.IGNORECASE)
    return [line[:300] for line in text.splitlines() if pattern.search(line)]
