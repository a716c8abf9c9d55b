"""The side road of a cancelled order: audit, refund, end of the subscription, a named contact."""

import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, facts, moves, policies, timeline
from amends.flow import letters, outbox, planning
from amends.flow.execution import Execution
from amends.gateways import mail_contexts, stripe, stripe_money
from amends.models import Audit, Case, Order, Person, Plan
from amends.rules import plan as plans
from amends.rules import promises
from amends.rules.people import WORKER, Role, Staff
from amends.rules.workflow import Action, Status

# What the audit looks at; all of it must be ticked before a manager confirms the amount.
CHECKLIST = {
    "deposits": "Every deposit is matched to its charge at Stripe",
    "disputes": "No bank dispute or fraud warning on any charge",
    "goods": "Shipment or return of the unit is settled",
    "invoices": "Open invoices and unbilled usage are settled",
    "subscription": "Renewals are stopped at Stripe",
}
AUDITORS = frozenset({Role.AUDITOR, Role.MANAGER})
_DAILY = timedelta(days=1)
_PROGRESS_MAILS = 2


async def is_audited(case: Case) -> bool:
    return await Audit.filter(case_id=case.id, finished_at__isnull=False).exists()


async def begin(run: Execution) -> datetime:
    """The cancellation is approved: sixty business days of audit begin today."""
    calendar = letters.calendar()
    window = promises.audit_window(letters.today(), calendar)
    csm = await _least_busy_csm()
    async with in_transaction():
        await moves.move(
            run.case, Action.START_AUDIT, WORKER, data={"ends_on": window.ends_on.isoformat()}
        )
        await Audit.create(
            case_id=run.case.id,
            started_on=window.started_on,
            ends_on=window.ends_on,
            calendar=calendar.version,
            csm_id=csm.id if csm else None,
        )
        if csm is None:
            await exceptions_desk.tell(
                "no_csm",
                f"case:{run.case.id}",
                "Nobody is a customer success manager; name a contact.",
                case_id=run.case.id,
            )
    return clock.now()


async def _least_busy_csm() -> Person | None:
    """Whoever has the fewest open audits; ties go to the first."""
    people = [
        each for each in await Person.filter(active=True).order_by("id") if Role.CSM in each.roles
    ]
    loads = {
        each.id: await Audit.filter(csm_id=each.id, finished_at=None).count() for each in people
    }
    return min(people, key=lambda each: loads[each.id], default=None)


async def look(case: Case) -> datetime:
    """One look during the audit: stop renewals, tell the customer, end it on its day."""
    audit = await Audit.get(case_id=case.id)
    if audit.renewals_stopped_at is None:
        return await _stop_renewals(case, audit)
    await _tell_progress(case, audit)
    if letters.today() >= audit.ends_on:
        return await _end(case, audit)
    return clock.now() + _DAILY


async def _stop_renewals(case: Case, audit: Audit) -> datetime:
    """Nothing bills during the audit. Setting it twice is the same as once."""
    order = await Order.get_or_none(id=case.order_id) if case.order_id else None
    if order is not None and order.subscription_id:
        seen = await stripe.subscription(order.subscription_id)
        if seen.status not in ("canceled", "incomplete_expired") and not seen.ends_at_period_end:
            await _stop(order.subscription_id, case)
            return clock.now()
    async with in_transaction():
        await Audit.filter(case_id=case.id).update(
            renewals_stopped_at=clock.now(),
            checklist={**audit.checklist, "subscription": _tick(WORKER.name)},
        )
        await moves.note(case, timeline.Entry("renewals_stopped", WORKER, clock.now()))
    return clock.now()


async def _stop(subscription_id: str, case: Case) -> None:
    try:
        await stripe_money.stop_renewal(subscription_id, f"amends:stop:{case.id}:{uuid.uuid4()}")
    except (stripe.Unknown, stripe.NotExecuted) as error:
        # Read again before the next try: it is a setting, not a payment.
        raise stripe.Unavailable(str(error)) from error


def _tick(name: str) -> dict[str, str]:
    return {"by": name, "at": clock.now().isoformat()}


def window_of(audit: Audit) -> promises.Audit:
    """The audit and the refund window after it, as promised."""
    return promises.audit_window(audit.started_on, letters.calendar(), audit.extended_by)


def day_of(audit: Audit) -> int:
    """Which business day of the audit it is."""
    return letters.calendar().count(audit.started_on, letters.today())


async def _tell_progress(case: Case, audit: Audit) -> None:
    """A mail at a third and at two thirds."""
    total = window_of(audit).business_days
    due = min(_PROGRESS_MAILS, 3 * day_of(audit) // total)
    if due <= audit.progress_mails:
        return
    csm = await Person.get_or_none(id=audit.csm_id) if audit.csm_id else None
    letter = mail_contexts.AuditProgress(
        letters.company(),
        letters.today(),
        await letters.head(case),
        window_of(audit),
        day_of(audit),
        csm.name if csm else "",
    )
    async with in_transaction():
        await Audit.filter(case_id=case.id).update(progress_mails=due)
        await outbox.mail(case, letter, f"audit:{due}:{audit.ends_on}")


def open_items(audit: Audit) -> list[str]:
    return [item for item in CHECKLIST if item not in audit.checklist]


async def _end(case: Case, audit: Audit) -> datetime:
    """The audit's day has come: with the checklist done, a manager confirms the amount."""
    if missing := open_items(audit):
        await exceptions_desk.tell(
            "audit_overdue",
            f"case:{case.id}",
            f"The audit ends, but these are open: {', '.join(missing)}.",
            case_id=case.id,
        )
        return clock.now() + _DAILY
    await exceptions_desk.settle("audit_overdue", f"case:{case.id}", "the checklist is done")
    async with in_transaction():
        await _propose_again(case)
        await Audit.filter(case_id=case.id).update(finished_at=clock.now())
        await moves.move(case, Action.FINISH_AUDIT, WORKER)
    return clock.now()


async def _propose_again(case: Case) -> None:
    """The approval of a cancellation months ago is not the approval of the refund today."""
    old = await Plan.get(case_id=case.id, voided_at=None)
    before = plans.read(old.canonical)
    legs = tuple(replace(leg, leg_id=str(uuid.uuid4())) for leg in before.legs)
    draft = replace(
        before,
        version=old.version + 1,
        legs=legs,
        policy_version=(await policies.current()).version,
    )
    await planning.store(case, old.prepared_by_id, draft, "The audit is over. Confirm the amount.")


async def tick(case: Case, by: Staff, item: str) -> None:
    """An auditor has looked at one point."""
    await _under_audit(case, by)
    if item not in CHECKLIST:
        raise facts.NotFound("There is no such point on the checklist.")
    async with in_transaction():
        audit = await Audit.filter(case_id=case.id).select_for_update().get()
        await Audit.filter(case_id=case.id).update(
            checklist={**audit.checklist, item: _tick(by.name)}
        )
        await moves.note(
            case, timeline.Entry("audit_checked", by, clock.now(), data={"item": item})
        )


async def extend(case: Case, by: Staff, days: int, reason: str) -> None:
    """More business days, with a reason; the customer is told the new date."""
    audit = await _under_audit(case, by)
    if not 1 <= days <= 60:
        raise facts.InvalidInput({"days": "Enter 1 to 60 business days"})
    if not reason.strip():
        raise facts.InvalidInput({"reason": "Say why the audit takes longer"})
    longer = promises.audit_window(audit.started_on, letters.calendar(), audit.extended_by + days)
    async with in_transaction():
        await Audit.filter(case_id=case.id).update(
            extended_by=audit.extended_by + days, ends_on=longer.ends_on
        )
        await moves.note(
            case,
            timeline.Entry(
                "audit_extended",
                by,
                clock.now(),
                reason,
                data={"days": days, "ends_on": longer.ends_on.isoformat()},
            ),
        )
        letter = mail_contexts.AuditProgress(
            letters.company(), letters.today(), await letters.head(case), longer, day_of(audit)
        )
        await outbox.mail(case, letter, f"extended:{longer.ends_on}")


async def name_contact(case: Case, by: Staff, person_id: int) -> None:
    """Assign the customer success manager who is named to the customer."""
    await _under_audit(case, by)
    person = await Person.get_or_none(id=person_id, active=True)
    if person is None or Role.CSM not in person.roles:
        raise facts.InvalidInput({"csm": "Choose a customer success manager"})
    async with in_transaction():
        await Audit.filter(case_id=case.id).update(csm_id=person.id)
        await exceptions_desk.settle("no_csm", f"case:{case.id}", f"{person.name} is named")
        await moves.note(
            case, timeline.Entry("contact_named", by, clock.now(), data={"person": person.name})
        )


async def _under_audit(case: Case, by: Staff) -> Audit:
    if not by.roles & AUDITORS:
        raise facts.Refused("Only an auditor or a manager does this.")
    if case.status is not Status.AUDITING:
        raise facts.Refused("This case is not in its audit.")
    return await Audit.get(case_id=case.id)
