"""The bank has decided: the case is closed with words, or goes back to be checked."""

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, moves
from amends.flow import charge_cases, desk, letters, outbox, sighting
from amends.gateways import mail_contexts, stripe
from amends.gateways.stripe_facts import DisputeFacts
from amends.models import BankDispute, Case, Message
from amends.rules import policy, workflow
from amends.rules.money import Money, format_money
from amends.rules.people import STRIPE, Staff
from amends.rules.workflow import Action, Kind, Status

RESOLVED = {
    "won": "Resolved: the bank decided for us",
    "lost": "Resolved: the bank gave the money back",
    "warning_closed": "Resolved: the bank closed its question",
    "prevented": "Resolved: the bank closed its question",
}
_TOLD = {
    "won": "Your bank closed its process about the charge of {amount}. The charge stays.",
    "lost": "Your bank closed its process about the charge of {amount} and gave you the money "
    "back. How soon it shows on your statement is up to your bank.",
    "warning_closed": "Your bank closed its question about the charge of {amount}.",
    "prevented": "Your bank closed its question about the charge of {amount}.",
}


async def end(row: BankDispute, seen: DisputeFacts) -> None:
    """Once per dispute: every case that it locked is closed or given back."""
    async with in_transaction():
        ended = await BankDispute.filter(id=row.id, closed_at=None).update(
            closed_at=clock.now(), wish=""
        )
        if not ended:
            return
        for kind, key in [("dispute", row.id), ("unknown_outcome", row.id)] + [
            ("evidence_due", f"{row.id}:{days}") for days in (5, 2, 1)
        ]:
            await exceptions_desk.settle(kind, key, f"The bank decided: {seen.status}")
        for case in await _locked_by(row):
            await _give(case, seen)


async def _locked_by(row: BankDispute) -> list[Case]:
    """Unless another dispute still stands on the same case."""
    cases = {case.id: case for case in await charge_cases.cases_on(row.charge_id)}
    cases[row.case_id] = await Case.get(id=row.case_id)
    locked = [case for case in cases.values() if case.status is Status.LOCKED_CHARGEBACK]
    return [
        case
        for case in locked
        if not await BankDispute.filter(case_id=case.id, closed_at=None).exists()
    ]


async def _give(case: Case, seen: DisputeFacts) -> None:
    words = RESOLVED[seen.status]
    if await _is_done(case, seen):
        case = await moves.move(
            case, Action.RESOLVE, STRIPE, reason=words, changes={"outcome_reason": words}
        )
    else:
        case = await moves.move(case, Action.UNLOCK, STRIPE, reason=words)
    amount = format_money(Money(seen.amount_minor, seen.currency))
    await _tell(case, seen.id, _TOLD[seen.status].format(amount=amount))


async def _is_done(case: Case, seen: DisputeFacts) -> bool:
    """What was only the bank's matter ends with it; another wish of the customer goes on."""
    if seen.status not in ("won", "lost"):
        return case.status_before_lock in workflow.FINAL
    if case.kind is Kind.CHARGEBACK or case.status_before_lock in workflow.FINAL:
        return True
    charges = {deposit.charge_id for deposit in await sighting.deposits_of(case)}
    return seen.status == "lost" and charges <= {seen.charge_id}


async def _tell(case: Case, dispute_id: str, text: str) -> None:
    """On the request page and by mail, in plain words."""
    company = letters.company()
    await Message.create(
        case_id=case.id,
        author_kind=STRIPE.kind,
        author_id=STRIPE.actor_id,
        author_name=company.name,
        audience="customer",
        body=text,
        at=clock.now(),
    )
    letter = mail_contexts.MessageFromUs(
        company, letters.today(), await letters.head(case), company.name, text
    )
    await outbox.mail(case, letter, f"dispute:{dispute_id}")


async def give_back(case: Case, by: Staff, reason: str) -> Case:
    """The customer spoke of the bank, but Stripe shows no dispute: the case is checked again."""
    if not by.roles & policy.LEADS:
        raise facts.Refused("Only a lead or a manager gives such a case back.")
    reason = desk.words(reason, "reason", "Say why it is given back")
    if await BankDispute.filter(case_id=case.id, closed_at=None).exists():
        raise facts.Refused("The bank's process is still open.")
    for deposit in await sighting.deposits_of(case):
        if any(each.blocks for each in await stripe.disputes_of(deposit.charge_id)):
            raise facts.Refused(f"The bank disputes {deposit.charge_id}.")
    return await moves.move(case, Action.UNLOCK, by, reason=reason)
