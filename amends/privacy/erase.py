"""Takes a person out: words, names, addresses and files go; amounts, days and hashes stay.

The history's chain covers salted commitments. With the words goes their salt, so nothing can be
guessed from what is left, and the chain still verifies. It comes as the owner of the tables: no
process of Amends has the rights for it.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime

from tortoise import connections
from tortoise.expressions import Q
from tortoise.transactions import in_transaction

from amends import clock, facts, keyring, moves, settings, timeline
from amends.flow import attachment
from amends.models import (
    Account,
    AddressChange,
    Approval,
    Attachment,
    Attempt,
    Audit,
    BankDispute,
    Case,
    CaseMark,
    Document,
    EffectiveDate,
    Erasure,
    IdentityCheck,
    Leg,
    MailItem,
    Message,
    Plan,
    SecondReview,
    Session,
    SignInCode,
    StripeReading,
    TimelineEntry,
)
from amends.privacy.subject import Subject
from amends.rules import workflow
from amends.rules.people import System
from amends.rules.workflow import Status

ERASED = "erased"
ACTION = "erase_person"
BY = System("privacy")
# Of the answers, what pages need to show a case at all; none of it was typed.
_KEPT_ANSWERS = ("asked_as", "done", "draft")
_OWNER = "SELECT has_table_privilege('timeline', 'UPDATE') AS mine"
# Free words of staff in which the person may be named.
_WORDS = (
    ("exception_item", "detail", 100_000),
    ("exception_item", "resolution", 100_000),
    ("exception_item", "key", 120),
    ("leg", "failure", 120),
    ("leg", "label", 120),
    ("attempt", "error_text", 100_000),
    ("plan", "why", 100_000),
    ("plan", "void_reason", 100_000),
)
_REPLACE = """
UPDATE {table} SET {column} = left(regexp_replace({column}, $1, $2, 'gi'), {most})
WHERE {column} ~* $1
"""
# The same within some cases: $3. A call has its case by its leg.
_OF_CASES = "AND case_id = ANY($3)"
_OF_LEGS = "AND leg_id IN (SELECT id FROM leg WHERE case_id = ANY($3))"


@dataclass(frozen=True)
class Wish:
    """Who carries it out and why, for the record. Neither may name the person."""

    by: str
    reason: str


@dataclass(frozen=True)
class Done:
    """What was erased."""

    accounts: int
    cases: int
    files: int
    entries: int


async def obstacles(subject: Subject) -> list[str]:
    """Why it cannot be done now, a sentence each; empty when it can."""
    now = clock.now()
    found = [
        f"{case.ref} is open ({moves.words(case.status)}). Close it first."
        for case in subject.cases
        if case.status in workflow.OPEN
    ]
    disputes = BankDispute.filter(case_id__in=subject.case_ids, closed_at=None)
    found += [f"The bank's process {each.id} goes on. Wait for its end." for each in await disputes]
    watched = Leg.filter(case_id__in=subject.case_ids, watch_until__gt=now).order_by("-watch_until")
    if (last := await watched.first()) is not None and last.watch_until is not None:
        found.append(
            f"A refund can still fail until {last.watch_until:%Y-%m-%d}; the case would open again."
        )
    waiting = AddressChange.filter(account_id__in=subject.account_ids, decision="")
    if await waiting.exists():
        found.append("A change of the billing address waits for a decision.")
    return found


async def erase(subject: Subject, wish: Wish) -> Done:
    """All of it or nothing. Raises Refused while a case, an audit or the bank needs the data."""
    if found := await obstacles(subject):
        raise facts.Refused(" ".join(found))
    if not wish.reason.strip() or not keyring.keys(settings.load()):
        raise facts.Refused("Give a reason, and set AMENDS_SECRET_KEY: the record needs both.")
    for name in subject.names:
        if name.lower() in f"{wish.by} {wish.reason}".lower():
            raise facts.Refused("The reason would keep the person on record. Leave the name out.")
    await _must_own()
    files = await _delete_files(subject)
    async with in_transaction():
        await _hold(subject)
        await _sign_ins(subject)
        await _letters(subject)
        await _facts_of_cases(subject)
        await _money(subject)
        await _free_words(subject)
        entries = await _history(subject)
        await _cases(subject)
        await _accounts(subject)
        done = Done(len(subject.accounts), len(subject.cases), files, entries)
        await _record(subject, wish, done)
    return done


async def _must_own() -> None:
    rows = await connections.get("default").execute_query_dict(_OWNER)
    if not rows[0]["mine"]:
        raise facts.Refused(
            "This database user may not erase. Use the one that runs `amends migrate`."
        )


async def _delete_files(subject: Subject) -> int:
    """Before the rows: a second try finds nothing more to delete and goes on."""
    keys = [file.store_key for file in await Attachment.filter(case_id__in=subject.case_ids)]
    papers = await Document.filter(case_id__in=subject.case_ids).exclude(store_key="")
    keys += [paper.store_key for paper in papers]
    for key in keys:
        await attachment.store().delete(key)
    return len(keys)


async def _hold(subject: Subject) -> None:
    """Nobody reopens a case meanwhile."""
    for case in await Case.filter(id__in=subject.case_ids).order_by("id").select_for_update():
        if case.status in workflow.OPEN:
            raise facts.Refused(f"{case.ref} was opened again just now.")


async def _sign_ins(subject: Subject) -> None:
    await Session.filter(Q(account_id__in=subject.account_ids)).delete()
    await SignInCode.filter(email=subject.address).delete()
    await connections.get("default").execute_query(
        "DELETE FROM procrastinate_jobs WHERE args->>'email' = $1 AND status <> 'doing'",
        [subject.address],
    )


async def _letters(subject: Subject) -> None:
    """That a mail went out stays; to whom and what it said does not."""
    theirs = MailItem.filter(Q(case_id__in=subject.case_ids) | Q(recipient__iexact=subject.address))
    ids = [mail.id for mail in await theirs]
    await MailItem.filter(id__in=ids).update(context={}, recipient=ERASED, error="")
    await MailItem.filter(id__in=ids, state="queued").update(state=ERASED, next_try_at=None)
    await Message.filter(case_id__in=subject.case_ids).update(body="", mail_message_id=None)
    of_customer = Message.filter(case_id__in=subject.case_ids, author_kind="customer")
    await of_customer.update(author_name=ERASED)


async def _facts_of_cases(subject: Subject) -> None:
    of_case = {"case_id__in": subject.case_ids}
    now = clock.now()
    await Attachment.filter(**of_case, removed_at=None).update(removed_at=now)
    await Attachment.filter(**of_case).update(name=ERASED)
    await Document.filter(**of_case).update(facts={}, state=ERASED, store_key="")
    await IdentityCheck.filter(**of_case).update(on_file="", seen="")
    await IdentityCheck.filter(**of_case).exclude(reason="").update(reason=ERASED)
    await EffectiveDate.filter(**of_case).update(reason=ERASED)
    await StripeReading.filter(**of_case).delete()
    await CaseMark.filter(**of_case).update(labels=[])
    await Audit.filter(**of_case).update(checklist={})
    await BankDispute.filter(**of_case).update(evidence={}, error_text="")
    await AddressChange.filter(account_id__in=subject.account_ids).update(
        old_email=ERASED, new_email=ERASED, reason=ERASED, note=""
    )


async def _money(subject: Subject) -> None:
    """Amounts, days, cards' last digits and Stripe's ids stay: the law asks for them."""
    for plan in await Plan.filter(case_id__in=subject.case_ids):
        await Plan.filter(id=plan.id).update(canonical=_without_person(plan.canonical))
    await Approval.filter(case_id__in=subject.case_ids).exclude(reason="").update(reason=ERASED)
    reviews = SecondReview.filter(case_id__in=subject.case_ids).exclude(reason="")
    await reviews.update(reason=ERASED)
    for attempt in await Attempt.filter(leg__case_id__in=subject.case_ids):
        params = json.loads(attempt.params)
        if params.pop("receipt_email", None) is not None:
            await Attempt.filter(id=attempt.id).update(params=json.dumps(params))


def _without_person(canonical: str) -> str:
    """The plan without the address and a remedy's words. Its digest stays as it was approved."""
    body = json.loads(canonical)
    body["recipient"] = ERASED
    if isinstance(body.get("remedy"), dict):
        body["remedy"] |= {"how": ERASED, "evidence": ERASED, "told": ERASED}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


async def _free_words(subject: Subject) -> None:
    connection = connections.get("default")
    pattern = "|".join(re.escape(name) for name in subject.names)
    for table, column, most in _WORDS:
        statement = _REPLACE.format(table=table, column=column, most=most)
        values: list[object] = [pattern, ERASED]
        if subject.is_one_case:
            statement += _OF_LEGS if table == "attempt" else _OF_CASES
            values.append(subject.case_ids)
        await connection.execute_query(statement, values)


async def _history(subject: Subject) -> int:
    """The words of every entry go with their salt; what happened when, and the chain, stay."""
    entries = TimelineEntry.filter(case_id__in=subject.case_ids)
    by_customer = entries.filter(actor_kind="customer", salt__not_isnull=True)
    erased = await by_customer.update(actor_name=ERASED, reason="", data={}, salt=None)
    rest = TimelineEntry.filter(case_id__in=subject.case_ids, salt__not_isnull=True)
    return erased + await rest.update(reason="", data={}, salt=None)


async def _cases(subject: Subject) -> None:
    for case in subject.cases:
        kept = {name: case.answers[name] for name in _KEPT_ANSWERS if name in case.answers}
        await Case.filter(id=case.id).update(
            contact_name="",
            contact_email=ERASED,
            story="",
            answers=kept,
            claimed_last4="",
            outcome_reason=ERASED if case.outcome_reason else "",
        )
        await _note(case, clock.now())


async def _note(case: Case, at: datetime) -> None:
    """The case's own history says what happened to it. A draft has none and needs none."""
    if case.status is not Status.DRAFT:
        await timeline.append(case.id, timeline.Entry(ACTION, BY, at))


async def _accounts(subject: Subject) -> None:
    for account in subject.accounts:
        await Account.filter(id=account.id).update(
            organisation=ERASED,
            contact_name="",
            # Nobody can receive a code there, so nobody signs in.
            billing_email=f"{ERASED}-{account.id}@{ERASED}.invalid",
            flag_reason=ERASED if account.flag_reason else "",
        )


async def _record(subject: Subject, wish: Wish, done: Done) -> None:
    """A keyed hash tells whoever has the key and the address that it was erased; nobody else."""
    key = keyring.keys(settings.load())[0]
    await Erasure.create(
        account_id=subject.account_ids[0] if subject.accounts else None,
        address_key=key.id,
        address_mac=keyring.mac(key, "erased address", subject.address),
        cases=done.cases,
        files=done.files,
        entries=done.entries,
        by=wish.by,
        reason=wish.reason,
        at=clock.now(),
    )


async def was_erased(address: str) -> datetime | None:
    """When an address was erased, if it was; found under any key that is still in use."""
    for key in keyring.keys(settings.load()):
        mac = keyring.mac(key, "erased address", address.strip().lower())
        if (row := await Erasure.get_or_none(address_key=key.id, address_mac=mac)) is not None:
            return row.at
    return None
