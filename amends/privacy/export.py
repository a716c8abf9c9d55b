"""Everything that is held on a person: one JSON file, their files, and a page that explains it."""

import io
import json
import zipfile
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise.models import Model

from amends import clock, facts, settings
from amends.flow import attachment
from amends.models import (
    AddressChange,
    Attachment,
    Attempt,
    Audit,
    BankDispute,
    CaseMark,
    Deposit,
    Document,
    EffectiveDate,
    IdentityCheck,
    LedgerEntry,
    Leg,
    MailItem,
    Message,
    Order,
    Plan,
    ReadEntry,
    SecondReview,
    Session,
    SignInCode,
    StripeReading,
    TimelineEntry,
)
from amends.privacy.subject import Subject

# Never handed out: what would let somebody else in, or only means something to the machine.
_SECRET = frozenset(
    {"token_hash", "id_token", "idp_sid", "code_hash", "salt", "browser_hash", "store_key",
     "idempotency_key"}
)  # fmt: skip


async def archive(subject: Subject) -> bytes:
    """The zip. Read it before you hand it out: notes of staff are in it."""
    held = await everything(subject)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("README.txt", _readme(subject, held))
        zipped.writestr("data.json", json.dumps(held, indent=2, ensure_ascii=False))
        for name, content in await _files(subject):
            zipped.writestr(name, content)
    return made.getvalue()


async def everything(subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Every row about the person, by what it is."""
    cases, accounts = subject.case_ids, subject.account_ids
    of_case = {"case_id__in": cases}
    return {
        "accounts": _rows(subject.accounts),
        "orders": _rows(await Order.filter(account_id__in=accounts).order_by("id")),
        "payments": _rows(await Deposit.filter(order__account_id__in=accounts).order_by("id")),
        "cases": _rows(subject.cases),
        "labels": _rows(await CaseMark.filter(**of_case)),
        "messages": _rows(await Message.filter(**of_case).order_by("id")),
        "files": _rows(await Attachment.filter(**of_case).order_by("at")),
        "documents": _rows(await Document.filter(**of_case).order_by("created_at")),
        "history": _rows(await TimelineEntry.filter(**of_case).order_by("case_id", "seq")),
        "identity_checks": _rows(await IdentityCheck.filter(**of_case).order_by("id")),
        "cancellation_dates": _rows(await EffectiveDate.filter(**of_case).order_by("id")),
        "audits": _rows(await Audit.filter(**of_case)),
        "plans": _rows(await Plan.filter(**of_case).order_by("id")),
        "second_reviews": _rows(await SecondReview.filter(**of_case).order_by("id")),
        "movements": _rows(await Leg.filter(**of_case).order_by("plan_id", "position")),
        "calls_to_stripe": _rows(await Attempt.filter(leg__case_id__in=cases)),
        "ledger": _rows(await LedgerEntry.filter(**of_case).order_by("id")),
        "bank_disputes": _rows(await BankDispute.filter(**of_case)),
        "seen_at_stripe": _rows(await StripeReading.filter(**of_case)),
        "mails": _rows(await _mails(subject)),
        "address_changes": _rows(await AddressChange.filter(account_id__in=accounts)),
        "sign_ins": _rows(await Session.filter(account_id__in=accounts).order_by("id")),
        "sign_in_codes": _rows(await SignInCode.filter(email=subject.address).order_by("id")),
        "reads_by_staff": _rows(await _reads(subject)),
    }


async def _mails(subject: Subject) -> list[MailItem]:
    to_them = await MailItem.filter(recipient__iexact=subject.address).order_by("created_at")
    known = {mail.id for mail in to_them}
    on_cases = await MailItem.filter(case_id__in=subject.case_ids).order_by("created_at")
    return [*to_them, *(mail for mail in on_cases if mail.id not in known)]


async def _reads(subject: Subject) -> list[ReadEntry]:
    subjects = [case.ref for case in subject.cases] + [a.tenant_id for a in subject.accounts]
    return await ReadEntry.filter(subject__in=subjects).order_by("id")


def _rows(rows: "tuple[Model, ...] | list[Any]") -> list[dict[str, Any]]:
    return [_row(row) for row in rows]


def _row(row: Model) -> dict[str, Any]:
    names = [name for name in row._meta.fields_db_projection if name not in _SECRET]
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: object) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat()
        case UUID():
            return str(value)
        case _:
            return value


async def _files(subject: Subject) -> list[tuple[str, bytes]]:
    """Attachments and PDFs under names that say where they belong."""
    refs = {case.id: case.ref for case in subject.cases}
    found: list[tuple[str, bytes]] = []
    for file in await Attachment.filter(case_id__in=subject.case_ids, removed_at=None):
        name = f"files/{refs[file.case_id]}/{str(file.id)[:8]}-{file.name}"
        found += await _content(name, file.store_key)
    for paper in await Document.filter(case_id__in=subject.case_ids, state="made"):
        name = f"documents/{refs[paper.case_id]}/{str(paper.id)[:8]}-{paper.kind}.pdf"
        found += await _content(name, paper.store_key)
    return found


async def _content(name: str, key: str) -> list[tuple[str, bytes]]:
    """A file that is no longer stored is named in data.json and not here."""
    safe = "/".join(part for part in name.split("/") if part not in ("", ".", ".."))
    try:
        return [(safe, await attachment.store().get(key))]
    except facts.Fact:
        return []


def _readme(subject: Subject, held: dict[str, list[dict[str, Any]]]) -> str:
    known = settings.load()
    lines = [f"  {name.replace('_', ' ')}: {len(rows)}" for name, rows in held.items() if rows]
    return "\n".join(
        [
            f"What {known.company_name} holds under {subject.address}",
            f"as of {clock.now():%Y-%m-%d %H:%M} UTC",
            "",
            "data.json   every entry, in plain text; times are UTC, amounts are in the smallest",
            "            unit of the currency (cents)",
            "files/      what you sent, by request",
            "documents/  what we made for you, by request",
            "",
            "Entries:",
            *lines,
            "",
            "Card numbers are not held; of cards there are brand, last four digits and expiry.",
            "Payments themselves are kept by Stripe. Questions: " + known.support_address,
            "",
        ]
    )
