"""Another billing address: one person proposes, a manager agrees; then a week without new cards.

The address is what a customer signs in with, so whoever takes it over owns the account's requests.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from tortoise.exceptions import IntegrityError
from tortoise.expressions import F
from tortoise.transactions import in_transaction

from amends import access, accounts, clock, facts, jobs, policies, sign_in, timeline
from amends.flow import desk, four_eyes, letters, outbox
from amends.gateways import mail_contexts
from amends.models import Account, AddressChange, Case
from amends.rules import policy, promises, workflow
from amends.rules.people import Staff

CHANGE = "change_address"
# The same as at the sign-in: who may sign in with it must be able to type it there.
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


@dataclass(frozen=True)
class Waiting:
    """A change that a manager has not looked at yet."""

    id: int
    new_email: str
    reason: str
    proposed_by_id: int
    proposed_by: str
    at: datetime


async def waiting(account_id: int) -> Waiting | None:
    row = (
        await AddressChange.filter(account_id=account_id, decision="")
        .select_related("proposed_by")
        .first()
    )
    if row is None:
        return None
    who = row.proposed_by.name
    return Waiting(row.id, row.new_email, row.reason, row.proposed_by_id, who, row.at)


async def propose(account_id: int, by: Staff, new_email: str, reason: str) -> None:
    """Put the change down, with how the customer was recognised. Nothing changes yet."""
    desk.must_work(by)
    account = await Account.get(id=account_id)
    new_email = _address(new_email)
    reason = desk.words(reason, "reason", "Say how you know that the customer wants this")
    if new_email == account.billing_email:
        raise facts.InvalidInput({"email": "This is the address already"})
    if await Account.filter(billing_email=new_email).exists():
        raise facts.InvalidInput({"email": "Another account signs in with this address"})
    try:
        async with in_transaction():
            await AddressChange.create(
                account_id=account_id,
                old_email=account.billing_email,
                new_email=new_email,
                reason=reason,
                proposed_by_id=by.person_id,
                at=clock.now(),
            )
    except IntegrityError as error:
        raise facts.AlreadyDecided("Another change of this address waits already.") from error


def _address(text: str) -> str:
    address = sign_in.normal(text)
    if not _ADDRESS.fullmatch(address):
        raise facts.InvalidInput({"email": "Enter an email address, like name@example.com"})
    return address


async def agree(change_id: int, by: Staff, note: str = "") -> None:
    """The second person: the address changes, everybody is signed out, both addresses hear it."""
    _must_manage(by)
    four_eyes.must_be_fresh(by, await policies.current())
    async with in_transaction():
        row = await _open(change_id)
        four_eyes.must_be_another(by, row.proposed_by_id)
        await _decide(row, by, four_eyes.AGREED, note)
        account = await Account.filter(id=row.account_id).select_for_update().get()
        if account.billing_email != row.old_email:
            raise facts.Stale("The address changed meanwhile. Refuse this change and look again.")
        await _change(account, row, by)


async def _change(account: Account, row: AddressChange, by: Staff) -> None:
    until = clock.now() + accounts.REBILL_HOLD
    if await Account.filter(billing_email=row.new_email).exists():
        raise facts.Refused("Another account signs in with this address now.")
    await Account.filter(id=account.id).update(billing_email=row.new_email, rebill_hold_until=until)
    await access.end_account(account.id)
    await _tell_cases(row, by)
    letter = mail_contexts.AddressChanged(
        letters.company(),
        letters.today(),
        account.organisation,
        masked(row.old_email),
        masked(row.new_email),
        clock.now(),
        promises.local_day(until, letters.zone()),
    )
    for address in (row.old_email, row.new_email):
        await outbox.mail_to(address, letter)
    await jobs.defer(jobs.follow_address(row.id))


async def _tell_cases(row: AddressChange, by: Staff) -> None:
    """Open cases write to the new address; a plan that waits names the old one and is void so."""
    cases = Case.filter(account_id=row.account_id, status__in=list(workflow.OPEN))
    for case in await cases.order_by("id").select_for_update():
        await Case.filter(id=case.id).update(contact_email=row.new_email, version=F("version") + 1)
        data: dict[str, object] = {"from": masked(row.old_email), "to": masked(row.new_email)}
        await timeline.append(case.id, desk.entry(CHANGE, by, row.reason, data))


def masked(address: str) -> str:
    """b…@harborfitness.example: enough to recognise one's own address, not enough to learn one."""
    name, _, domain = address.rpartition("@")
    return f"{name[:1]}…@{domain}"


async def refuse(change_id: int, by: Staff, note: str) -> None:
    """A manager says no; who proposed it may take it back."""
    async with in_transaction():
        row = await _open(change_id)
        if row.proposed_by_id != by.person_id:
            _must_manage(by)
        note = desk.words(note, "note", "Say why not")
        await _decide(row, by, four_eyes.REFUSED, note)


async def _open(change_id: int) -> AddressChange:
    row = await AddressChange.filter(id=change_id).select_for_update().first()
    if row is None:
        raise facts.NotFound("There is no such change.")
    if row.decision:
        raise facts.AlreadyDecided(f"This change was {row.decision} already.")
    return row


async def _decide(row: AddressChange, by: Staff, decision: str, note: str) -> None:
    await AddressChange.filter(id=row.id).update(
        decision=decision, decided_by_id=by.person_id, decided_at=clock.now(), note=note.strip()
    )


def _must_manage(by: Staff) -> None:
    if not by.roles & policy.MANAGERS:
        raise facts.Refused("Only a manager agrees to another billing address.")
