"""What the desk writes to the customer: questions, messages, an approval, a refusal."""

from collections.abc import Iterable

from amends import clock
from amends.flow import letters
from amends.gateways import mail_contexts as mails
from amends.gateways.customer_facts import Card
from amends.models import Audit, Case
from amends.rules import due, promises
from amends.rules.money import Money
from amends.rules.people import Staff
from amends.rules.plan import Draft, Outcome, PlannedLeg
from amends.rules.workflow import Status


async def question(case: Case, text: str, files_wanted: Iterable[str]) -> mails.AnswerNeeded:
    answer_by = letters.calendar().add(letters.today(), due.STAFF_DAYS[Status.NEEDS_CUSTOMER])
    return mails.AnswerNeeded(
        letters.company(),
        letters.today(),
        await letters.head(case),
        text,
        answer_by,
        tuple(files_wanted),
    )


async def message(case: Case, by: Staff, body: str) -> mails.MessageFromUs:
    return mails.MessageFromUs(
        letters.company(), letters.today(), await letters.head(case), by.name, body
    )


async def declined(case: Case, because: str) -> mails.Declined:
    return mails.Declined(letters.company(), letters.today(), await letters.head(case), because)


async def approved(case: Case, draft: Draft) -> mails.Approved | None:
    """The approved plan in words; None for a plan without refunds, which has a mail of its own."""
    if not draft.refunds():
        return None
    recharge, audit = draft.recharge(), None
    if draft.outcome is Outcome.CANCELLATION and not await _is_audited(case):
        audit = promises.audit_window(letters.today(), letters.calendar())
    return mails.Approved(
        letters.company(),
        letters.today(),
        await letters.head(case),
        promises.local_day(clock.now(), letters.zone()),
        tuple(_planned(leg) for leg in draft.refunds()),
        _planned(recharge) if recharge else None,
        audit=audit,
    )


async def _is_audited(case: Case) -> bool:
    """The second approval comes after the audit: none begins any more."""
    return await Audit.filter(case_id=case.id, finished_at__isnull=False).exists()


def _planned(leg: PlannedLeg) -> mails.PlannedMove:
    card = Card(leg.card_brand, leg.card_last4, leg.card_funding)
    return mails.PlannedMove(card, Money(leg.amount_minor, leg.currency))
