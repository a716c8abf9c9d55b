"""Where an order file contradicts what the database knows."""

from collections.abc import Sequence
from typing import Any

from amends.models import Case, Deposit, Leg, Order
from amends.order_file import DepositRow, OrderRow, Problem


async def moved(
    batch: Sequence[OrderRow], known: dict[str, Order], account_ids: dict[str, int]
) -> list[Problem]:
    """An order with requests stays with the customer who wrote them."""
    leaving = [
        row
        for row in batch
        if row.number in known
        and known[row.number].account_id != account_ids[row.account.tenant_id]
    ]
    ids = [known[row.number].id for row in leaving]
    bound = set(await Case.filter(order_id__in=ids).values_list("order_id", flat=True))
    return [
        Problem(
            row.line,
            "tenant_id",
            f"Order {row.number} belongs to another customer, who has written about it. "
            "Give it back to that tenant.",
        )
        for row in leaving
        if known[row.number].id in bound
    ]


async def elsewhere(
    rows: dict[str, tuple[OrderRow, DepositRow]],
    known: dict[str, Deposit],
    wanted: dict[str, dict[str, Any]],
) -> list[Problem]:
    """One charge pays one order."""
    strayed = {c: d for c, d in known.items() if d.order_id != wanted[c]["order_id"]}
    orders = {d.order_id for d in strayed.values()}
    numbers = dict(await Order.filter(id__in=list(orders)).values_list("id", "number"))
    return [
        Problem(
            rows[charge][0].line,
            f"deposit_{rows[charge][1].position}_charge",
            f"{charge} is a deposit of order {numbers[deposit.order_id]}. Correct one of the two.",
        )
        for charge, deposit in strayed.items()
    ]


async def in_use(deposits: Sequence[Deposit]) -> set[int]:
    """Those that a case names or that money was planned on."""
    charges = [deposit.charge_id for deposit in deposits]
    planned: set[Any] = set(
        await Leg.filter(charge_id__in=charges).values_list("charge_id", flat=True)
    )
    orders = [deposit.order_id for deposit in deposits]
    named = await Case.filter(order_id__in=orders).values_list("deposit_ids", flat=True)
    ids: set[Any] = {number for numbers in named for number in numbers}
    return {d.id for d in deposits if d.charge_id in planned or d.id in ids}
