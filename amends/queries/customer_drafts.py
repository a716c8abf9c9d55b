"""What a customer may see before sending: own drafts, own orders with their payments."""

from collections.abc import Mapping, Sequence
from typing import Any

from amends import facts
from amends.models import Case, Deposit, Order
from amends.queries import customer
from amends.queries.customer_rows import (
    CardRow,
    DepositRow,
    DraftLine,
    DraftPage,
    FileRow,
    OrderRow,
)
from amends.rules.people import Customer
from amends.rules.workflow import Kind, Status

MOST = 20
_DEPOSIT = ("id", "position", "amount_minor", "currency", "charged_on")


async def drafts(by: Customer) -> list[DraftLine]:
    """Unfinished requests, newest first."""
    rows = (
        await Case.filter(account_id=by.account_id, status=Status.DRAFT)
        .order_by("-id")
        .limit(MOST)
        .values("ref", "kind", "claimed_order", "created_at")
    )
    return [
        DraftLine(row["ref"], Kind(row["kind"]), row["claimed_order"], row["created_at"])
        for row in rows
    ]


async def draft_page(by: Customer, ref: str) -> DraftPage:
    """The customer's own draft with its answers."""
    case = (
        await Case.filter(ref=ref, account_id=by.account_id, status=Status.DRAFT)
        .select_related("order")
        .first()
    )
    if case is None:
        raise facts.NotFound("There is no such draft.")
    order = await _with_deposits(case.order) if case.order_id else None
    return _draft(case, order, await customer.files_of(case.id))


def _draft(case: Case, order: OrderRow | None, files: tuple[FileRow, ...]) -> DraftPage:
    answers: Mapping[str, Any] = case.answers
    card = CardRow(case.card_brand, case.card_funding, case.card_last4, case.card_expires)
    return DraftPage(
        ref=case.ref,
        kind=case.kind,
        asked_as=Kind(answers.get("asked_as", case.kind)),
        reason=case.reason,
        order=order,
        deposit_ids=tuple(case.deposit_ids),
        claimed_order=case.claimed_order,
        charge_id=answers.get("charge_id", ""),
        about=answers.get("about", ""),
        charged_on=case.claimed_charge_date,
        total_minor=answers.get("total_minor"),
        currency=case.currency,
        last4=case.claimed_last4,
        amount_minor=case.claimed_amount_minor,
        amount=answers.get("amount", ""),
        bank=case.bank_dispute_claimed,
        card=card if case.card_payment_method_id else None,
        card_choice=answers.get("card", ""),
        story=case.story,
        done=tuple(answers.get("done", ())),
        files=files,
        created_at=case.created_at,
    )


async def orders(by: Customer) -> list[OrderRow]:
    """The customer's orders with their payments, newest first."""
    rows = (
        await Order.filter(account_id=by.account_id)
        .order_by("-placed_on", "-id")
        .limit(MOST)
        .values(*customer.ORDER)
    )
    deposits = await _deposits([row["id"] for row in rows])
    return [OrderRow(**row, deposits=deposits.get(row["id"], ())) for row in rows]


async def _with_deposits(order: Any) -> OrderRow:
    row = {name: getattr(order, name) for name in customer.ORDER}
    deposits = await _deposits([order.id])
    return OrderRow(**row, deposits=deposits.get(order.id, ()))


async def _deposits(order_ids: Sequence[int]) -> dict[int, tuple[DepositRow, ...]]:
    if not order_ids:
        return {}
    rows = (
        await Deposit.filter(order_id__in=order_ids)
        .order_by("order_id", "position")
        .values("order_id", *_DEPOSIT)
    )
    found: dict[int, tuple[DepositRow, ...]] = {}
    for row in rows:
        order_id = row.pop("order_id")
        found[order_id] = (*found.get(order_id, ()), DepositRow(**row))
    return found
