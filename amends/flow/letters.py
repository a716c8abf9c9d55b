"""Mails of the money's way, built from the case and its legs."""

from datetime import date
from zoneinfo import ZoneInfo

from amends import clock, settings
from amends.gateways import mail_contexts as mails
from amends.gateways.customer_facts import Card, CaseHead, Company
from amends.models import Case, Leg, Order, TimelineEntry
from amends.rules import business_days, promises
from amends.rules.money import Money


def company() -> Company:
    known = settings.load()
    return Company(known.company_name, known.support_address, known.portal_url, known.time_zone)


def calendar() -> business_days.Calendar:
    return business_days.Calendar(settings.load().country)


def today() -> date:
    return promises.local_day(clock.now(), zone())


def zone() -> ZoneInfo:
    return ZoneInfo(settings.load().time_zone)


def page(case: Case) -> str:
    return f"{settings.load().portal_url}/requests/{case.ref}"


async def head(case: Case) -> CaseHead:
    order = await Order.get_or_none(id=case.order_id) if case.order_id else None
    name = order.number if order else case.claimed_order
    last = await TimelineEntry.filter(case_id=case.id).order_by("-seq").first()
    # Each mail carries the head of the history out of our reach: a cheap witness.
    record = f"#{last.seq} head={last.hash[:16]}" if last else ""
    return CaseHead(case.ref, case.contact_name, page(case), name, record)


def card(leg: Leg) -> Card:
    return Card(leg.card_brand, leg.card_last4, leg.card_funding)


def amount(leg: Leg) -> Money:
    return Money(leg.amount_minor, leg.currency)


def planned(leg: Leg) -> mails.PlannedMove:
    return mails.PlannedMove(card(leg), amount(leg))


def window(leg: Leg) -> promises.Window:
    """When a confirmed refund shows; counted from the day that Stripe confirmed it."""
    assert leg.confirmed_at is not None
    return promises.refund_window(promises.local_day(leg.confirmed_at, zone()), calendar())


def sent(leg: Leg) -> mails.SentRefund:
    arrival = mails.Arrival.REVERSAL if leg.pending_reason == "reversal" else mails.Arrival.CREDIT
    return mails.SentRefund(
        card(leg), amount(leg), leg.stripe_id or "", window(leg), arrival, leg.bank_reference
    )


async def refund_sent(
    case: Case, leg: Leg, others: list[Leg], recharge: Leg | None
) -> mails.RefundSent:
    return mails.RefundSent(
        company(),
        today(),
        await head(case),
        (sent(leg),),
        tuple(planned(other) for other in others),
        planned(recharge) if recharge else None,
    )


async def refunds_confirmed(
    case: Case, refunds: list[Leg], recharge: Leg
) -> mails.RefundConfirmedAll:
    return mails.RefundConfirmedAll(
        company(), today(), await head(case), tuple(sent(leg) for leg in refunds), planned(recharge)
    )


async def refund_failed(case: Case, leg: Leg) -> mails.RefundFailed:
    answer_by = promises.reply_by(clock.now(), calendar(), zone())
    return mails.RefundFailed(
        company(),
        today(),
        await head(case),
        card(leg),
        amount(leg),
        leg.stripe_id or "",
        today(),
        answer_by,
    )


async def bank_reference(case: Case, leg: Leg) -> mails.BankReference:
    return mails.BankReference(company(), today(), await head(case), sent(leg))


async def card_declined(case: Case, leg: Leg) -> mails.NewCardDeclined:
    return mails.NewCardDeclined(
        company(), today(), await head(case), planned(leg), f"{page(case)}/card"
    )


async def bank_confirmation(case: Case, leg: Leg) -> mails.BankConfirmationNeeded:
    confirm_by = calendar().add(today(), 2)
    return mails.BankConfirmationNeeded(
        company(), today(), await head(case), planned(leg), f"{page(case)}/card", confirm_by
    )


async def done(
    case: Case, refunds: list[Leg], recharge: Leg | None, ending: Leg | None = None
) -> mails.Done:
    charged_on = None
    if recharge is not None and recharge.confirmed_at is not None:
        charged_on = promises.local_day(recharge.confirmed_at, zone())
    return mails.Done(
        company(),
        today(),
        await head(case),
        tuple(sent(leg) for leg in refunds),
        planned(recharge) if recharge else None,
        charged_on,
        subscription_ended=ended_on(ending),
    )


def ended_on(ending: Leg | None) -> date | None:
    """The day on which Stripe showed the subscription as ended."""
    if ending is None or ending.confirmed_at is None:
        return None
    return promises.local_day(ending.confirmed_at, zone())
