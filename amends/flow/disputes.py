"""What Stripe says of a dispute: a case is locked, joined or opened, reminded of, and ended."""

from datetime import datetime, timedelta

from tortoise import connections
from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, jobs, moments, moves, timeline
from amends.flow import charge_cases, chargeback, dispute_end, letters, outbox
from amends.gateways import stripe, stripe_disputes
from amends.gateways.stripe_facts import DisputeFacts
from amends.models import Account, BankDispute, Case, Deposit, Leg
from amends.rules.people import STRIPE
from amends.rules.workflow import Action, Kind, Status

# Days before the bank's deadline on which somebody is reminded.
REMINDERS = (5, 2, 1)


async def heard(dispute_id: str) -> str:
    """Something happened to this dispute. It is read again; any number of times."""
    return await take(await stripe_disputes.dispute(dispute_id))


async def take(seen: DisputeFacts) -> str:
    """Write down what Stripe shows; every open case with the charge is locked at once."""
    row = await BankDispute.get_or_none(id=seen.id)
    if row is None:
        case = await _case_for(seen)
        if case is None:
            return "over" if seen.is_over else await _unknown(seen)
        row = await _join(case, seen)
    elif not seen.is_over:
        await _lock_all(seen)
    await observe(row, seen)
    await jobs.defer(jobs.advance(row.case_id))
    return "over" if seen.is_over else "locked"


async def _case_for(seen: DisputeFacts) -> Case | None:
    """The locked case of the charge; opened where nobody has written yet."""
    if not seen.is_over:
        await _lock_all(seen)
    locked = [
        case
        for case in await charge_cases.cases_on(seen.charge_id)
        if case.status is Status.LOCKED_CHARGEBACK
    ]
    if locked or seen.is_over:
        return locked[0] if locked else None
    return await _open(seen)


async def _lock_all(seen: DisputeFacts) -> None:
    for case in await charge_cases.cases_on(seen.charge_id):
        await chargeback.lock_for(case, STRIPE, seen)


async def _unknown(seen: DisputeFacts) -> str:
    await exceptions_desk.tell(
        "dispute", seen.id, f"Dispute on {seen.charge_id}.", stripe_id=seen.id
    )
    return "locked"


async def _open(seen: DisputeFacts) -> Case | None:
    """A case for the chargeback desk: a closed one with the papers, or a new one."""
    deposit = await Deposit.get_or_none(charge_id=seen.charge_id).prefetch_related("order")
    account = await _account(seen, deposit)
    if account is None:
        return None
    async with in_transaction():
        # Two events of one dispute may come at once: the second finds the first one's case.
        await Account.filter(id=account.id).select_for_update().first()
        there = await charge_cases.cases_on(seen.charge_id)
        case = there[0] if there else await _reopened(seen)
        case = case or await _new(account, deposit, seen)
        return await _locked(case, seen)


async def _locked(case: Case, seen: DisputeFacts) -> Case:
    was_closed = case.status is Status.REOPENED
    locked = await chargeback.lock_for(case, STRIPE, seen)
    if was_closed:
        # The end of the bank's process is then the end of the case again.
        await Case.filter(id=locked.id).update(status_before_lock=Status.RESOLVED)
    return locked


async def _account(seen: DisputeFacts, deposit: Deposit | None) -> Account | None:
    if deposit is not None:
        return await Account.get(id=deposit.order.account_id)
    leg = await Leg.filter(result_charge_id=seen.charge_id).prefetch_related("case").first()
    if leg is not None:
        return await Account.get(id=leg.case.account_id)
    charge = await stripe.charge(seen.charge_id)
    return await Account.filter(stripe_customer_id=charge.customer_id or "-").first()


async def _reopened(seen: DisputeFacts) -> Case | None:
    closed = await charge_cases.newest_closed(seen.charge_id)
    if closed is None:
        return None
    return await moves.move(
        closed, Action.REOPEN, STRIPE, reason=f"The bank opened {seen.id} on {seen.charge_id}."
    )


async def _new(account: Account, deposit: Deposit | None, seen: DisputeFacts) -> Case:
    now = clock.now()
    rows = await connections.get("default").execute_query_dict(
        "SELECT nextval('case_ref_seq') AS number"
    )
    draft = await Case.create(
        ref=f"D-{seen.id}"[:20],
        account_id=account.id,
        kind=Kind.CHARGEBACK,
        status=Status.DRAFT,
        channel="stripe",
        contact_name=account.contact_name,
        contact_email=account.billing_email,
        order_id=deposit.order_id if deposit else None,
        claimed_order=deposit.order.number if deposit else "",
        deposit_ids=[deposit.id] if deposit else [],
        claimed_last4=deposit.card_last4 if deposit else "",
        claimed_amount_minor=seen.amount_minor,
        claimed_charge_date=deposit.charged_on if deposit else None,
        currency=seen.currency,
        bank_dispute_claimed=True,
        created_at=now,
    )
    return await moves.move(
        draft,
        Action.SUBMIT,
        STRIPE,
        data={"dispute": seen.id, "charge": seen.charge_id},
        changes={"ref": f"RB-{rows[0]['number']}", "submitted_at": now},
    )


async def _join(case: Case, seen: DisputeFacts) -> BankDispute:
    await exceptions_desk.tell(
        "dispute",
        seen.id,
        f"{'Inquiry' if seen.is_inquiry else 'Chargeback'} on {seen.charge_id}.",
        case_id=case.id,
        stripe_id=seen.id,
    )
    now = clock.now()
    fields = {
        "case_id": case.id,
        "charge_id": seen.charge_id,
        "status": seen.status,
        "reason": seen.reason[:60],
        "amount_minor": seen.amount_minor,
        "currency": seen.currency,
        "opened_at": seen.created or now,
        "read_at": now,
    }
    async with in_transaction():
        row, is_new = await BankDispute.get_or_create(id=seen.id, defaults=fields)
        if is_new and not seen.is_over and not _told_us(case):
            deposit = await Deposit.get_or_none(charge_id=seen.charge_id)
            letter = await letters.bank_dispute(case, seen, deposit)
            await outbox.mail(case, letter, f"opened:{seen.id}")
    return row


def _told_us(case: Case) -> bool:
    """Who wrote of the bank to us has been told already what follows."""
    return case.kind is Kind.CHARGEBACK and case.channel != "stripe"


async def observe(row: BankDispute, seen: DisputeFacts) -> None:
    """Bring our row up to what Stripe shows, remind of the deadline, and end what is over."""
    async with in_transaction():
        case = await Case.filter(id=row.case_id).select_for_update().get()
        row = await BankDispute.get(id=row.id)
        await BankDispute.filter(id=row.id).update(
            status=seen.status,
            reason=seen.reason[:60],
            amount_minor=seen.amount_minor,
            due_by=seen.due_by,
            submissions=seen.submissions,
            read_at=clock.now(),
        )
        if seen.submissions and row.submitted_at is None:
            await _handed_in(case, row)
        await _remind(case, row, seen)
    if seen.is_over and row.closed_at is None:
        await dispute_end.end(row, seen)


async def _handed_in(case: Case, row: BankDispute) -> None:
    """Stripe counts a submission: ours, or one made in the Dashboard."""
    now = clock.now()
    await BankDispute.filter(id=row.id).update(submitted_at=now, wish="", error_code="")
    await exceptions_desk.settle("unknown_outcome", row.id, "Stripe counts the submission")
    await _settle_reminders(row.id, "handed in")
    await Case.filter(id=case.id).update(due_at=None)
    data: dict[str, object] = {"dispute": row.id}
    await timeline.append(case.id, timeline.Entry("evidence_submitted", STRIPE, now, data=data))


async def _settle_reminders(dispute_id: str, why: str) -> None:
    for days in REMINDERS:
        await exceptions_desk.settle("evidence_due", f"{dispute_id}:{days}", why)


async def _remind(case: Case, row: BankDispute, seen: DisputeFacts) -> None:
    if not seen.wants_evidence or seen.due_by is None:
        return
    if case.status is Status.LOCKED_CHARGEBACK and case.due_at != seen.due_by:
        await Case.filter(id=case.id).update(due_at=seen.due_by)
    left = seen.due_by - clock.now()
    passed = [days for days in REMINDERS if left <= timedelta(days=days)]
    if not passed or (row.reminded_days is not None and row.reminded_days <= min(passed)):
        return
    days = min(passed)
    await _settle_reminders(row.id, "a later reminder took its place")
    await BankDispute.filter(id=row.id).update(reminded_days=days)
    await exceptions_desk.tell(
        "evidence_due",
        f"{row.id}:{days}",
        f"Evidence for {row.id} is due on {moments.words(seen.due_by)}; "
        f"{days} {'day' if days == 1 else 'days'} or less are left.",
        case_id=case.id,
        stripe_id=row.id,
    )


def next_reminder(row: BankDispute, now: datetime) -> datetime:
    """When to look again: at the next reminder, but every day at the latest."""
    tomorrow = now + timedelta(days=1)
    if row.due_by is None or row.submissions:
        return tomorrow
    ahead = [row.due_by - timedelta(days=days) for days in REMINDERS]
    return min([tomorrow, *(at for at in ahead if at > now)])
