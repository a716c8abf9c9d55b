"""Mails of the money's way, built from the case and its legs."""

from datetime import date
from zoneinfo import ZoneInfo

from tortoise import connections

from amends import clock, settings
from amends.gateways import mail_contexts as mails
from amends.gateways.customer_facts import Card, CaseHead, Company
from amends.gateways.stripe_facts import DisputeFacts
from amends.models import Case, Deposit, Leg
from amends.rules import business_days, promises
from amends.rules.money import Money

_HEAD = """
SELECT (SELECT number FROM order_ WHERE order_.id = $2) AS number, newest.seq, newest.hash
FROM (SELECT 1) AS always LEFT JOIN LATERAL (
  SELECT seq, hash FROM timeline WHERE case_id = $1 ORDER BY seq DESC LIMIT 1) AS newest ON true
"""


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
    found = await connections.get("default").execute_query_dict(_HEAD, [case.id, case.order_id])
    return head_of(case, found[0]["number"], found[0]["seq"], found[0]["hash"])


def head_of(case: Case, number: str | None, seq: int | None, head: str) -> CaseHead:
    """The same from its order's number and the newest entry of its history."""
    # Each mail carries the head of the history out of our reach: a cheap witness. In two pieces,
    # because sixteen digits of a hash in a row can read like a card number.
    record = f"#{seq} head={head[:8]} ending={head[-8:]}" if seq else ""
    return CaseHead(case.ref, case.contact_name, page(case), number or case.claimed_order, record)


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


async def bank_dispute(
    case: Case, seen: DisputeFacts, deposit: Deposit | None
) -> mails.BankDispute:
    step = mails.BankStep.QUESTION if seen.is_inquiry else mails.BankStep.DISPUTE
    paid = Card(deposit.card_brand, deposit.card_last4, deposit.card_funding) if deposit else None
    return mails.BankDispute(
        company(),
        today(),
        await head(case),
        step,
        Money(seen.amount_minor, seen.currency),
        promises.local_day(seen.created or clock.now(), zone()),
        paid,
        deposit.charged_on if deposit else None,
        promises.local_day(seen.due_by, zone()) if seen.wants_evidence and seen.due_by else None,
    )


def done(
    head: CaseHead, refunds: list[Leg], recharge: Leg | None, ending: Leg | None = None
) -> mails.Done:
    charged_on = None
    if recharge is not None and recharge.confirmed_at is not None:
        charged_on = promises.local_day(recharge.confirmed_at, zone())
    return mails.Done(
        company(),
        today(),
        head,
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
