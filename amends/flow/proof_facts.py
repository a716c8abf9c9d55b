"""What the proof of refund and the receipt say, from the case, its legs and its history."""

from datetime import date

from amends import clock, rows, settings, timeline
from amends.flow import letters
from amends.gateways import document_data as documents
from amends.gateways.document_data import RefundState
from amends.models import Account, Audit, Case, Deposit, Leg, Order
from amends.rules import promises
from amends.rules.plan import LegState


async def head(case: Case) -> documents.DocumentHead:
    """What every document of a case says of itself."""
    account = await rows.one(Account, "WHERE id = $1", case.account_id)
    order = await rows.first(Order, "WHERE id = $1", case.order_id) if case.order_id else None
    record = documents.Record(*await timeline.head(case.id))
    return documents.DocumentHead(
        letters.company(),
        case.ref,
        case.contact_name or account.contact_name,
        account.organisation,
        clock.now(),
        record,
        order.number if order else case.claimed_order,
        documents.Paper.of(settings.load().country),
    )


async def proof(case: Case, refunds: list[Leg], recharge: Leg | None) -> documents.ProofOfRefund:
    return documents.ProofOfRefund(
        await head(case),
        tuple([await _refund_line(leg) for leg in refunds]),
        charge_line(recharge) if recharge else None,
    )


async def receipt(case: Case, refunds: list[Leg], recharge: Leg) -> documents.Receipt:
    return documents.Receipt(
        await head(case),
        charge_line(recharge),
        await _bought(case),
        tuple([await _refund_line(leg) for leg in refunds]),
    )


async def cancellation(
    case: Case, refunds: list[Leg], ending: Leg | None
) -> documents.CancellationConfirmation:
    audit = await Audit.get(case_id=case.id).select_related("csm")
    assert audit.finished_at is not None
    return documents.CancellationConfirmation(
        await head(case),
        await _bought(case),
        audit.started_on,
        promises.local_day(audit.finished_at, letters.zone()),
        letters.ended_on(ending),
        audit.csm.name if audit.csm else "",
        tuple([await _refund_line(leg) for leg in refunds]),
    )


async def _bought(case: Case) -> str:
    order = await rows.first(Order, "WHERE id = $1", case.order_id) if case.order_id else None
    return f"Order {order.number}, {order.description}" if order else f"Order {case.claimed_order}"


async def _refund_line(leg: Leg) -> documents.RefundLine:
    confirmed = leg.confirmed_at is not None
    return documents.RefundLine(
        letters.card(leg),
        letters.amount(leg),
        _state(leg),
        leg.stripe_id or "",
        await _charged_on(leg),
        letters.window(leg).sent_on if confirmed else None,
        letters.window(leg) if confirmed else None,
        leg.bank_reference,
    )


def _state(leg: Leg) -> RefundState:
    match leg.state:
        case LegState.SUCCEEDED if leg.pending_reason == "reversal":
            return RefundState.REVERSED
        case LegState.SUCCEEDED:
            return RefundState.CONFIRMED
        case LegState.PENDING:
            return RefundState.SENT
        case LegState.FAILED | LegState.CANCELED:
            return RefundState.RETURNED
        case _:
            return RefundState.WAITING


async def _charged_on(leg: Leg) -> date | None:
    deposit = await rows.first(Deposit, "WHERE charge_id = $1", leg.charge_id)
    return deposit.charged_on if deposit else None


def charge_line(leg: Leg) -> documents.ChargeLine:
    assert leg.confirmed_at is not None and leg.stripe_id is not None
    return documents.ChargeLine(
        letters.card(leg),
        letters.amount(leg),
        leg.stripe_id,
        promises.local_day(leg.confirmed_at, letters.zone()),
    )
