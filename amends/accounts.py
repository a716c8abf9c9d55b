"""Writes imported customers, orders and deposits: all of a file or nothing of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import timedelta
from typing import Any, TypeVar

from tortoise.expressions import F
from tortoise.models import Model
from tortoise.transactions import in_transaction

from amends import account_checks, clock
from amends.models import Account, Deposit, Order
from amends.order_file import AccountRow, DepositRow, OrderRow, Problem

T = TypeVar("T")
BATCH = 500
# The billing address is what a customer signs in with: whoever takes it over must not be able to
# have money charged or sent at once.
REBILL_HOLD = timedelta(days=7)
_OUT_OF_THE_WAY = 1000  # deposit positions while a row's deposits change places
_ACCOUNT_COLUMNS = [field.name for field in fields(AccountRow)]
_DEPOSIT_COLUMNS = [field.name for field in fields(DepositRow)]
_ORDER_COLUMNS = [
    field.name for field in fields(OrderRow) if field.name not in {"line", "account", "deposits"}
]


class NotSaved(Exception):
    """The file contradicts the database; nothing of it was written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass
class Count:
    new: int = 0
    changed: int = 0
    same: int = 0
    removed: int = 0

    @property
    def total(self) -> int:
        return self.new + self.changed + self.same


@dataclass(frozen=True)
class Saved:
    """What was done, in numbers, and whose sign-in address changed."""

    accounts: Count
    orders: Count
    deposits: Count
    new_addresses: list[str]


Progress = Callable[[int], None]


async def save(orders: Sequence[OrderRow], progress: Progress) -> Saved:
    """Write all of it in one transaction. Raises NotSaved.

    `progress` is told how many more of `2 * len(orders)` steps are done.
    """
    async with in_transaction():
        return await _Writer(progress).write(orders)


async def rehearse(orders: Sequence[OrderRow], progress: Progress) -> Saved:
    """As `save`, and then undo it."""
    async with in_transaction() as transaction:
        saved = await _Writer(progress).write(orders)
        await transaction.rollback()
    return saved


class _Writer:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._now = clock.now()
        self._order_ids: dict[str, int] = {}
        self._problems: list[Problem] = []
        self._saved = Saved(Count(), Count(), Count(), [])

    async def write(self, orders: Sequence[OrderRow]) -> Saved:
        """Two passes: a deposit can only come to an order after it left the one it was on."""
        for batch in _batches(orders):
            await self._accounts_and_orders(batch)
            self._progress(len(batch))
        for batch in _batches(orders):
            await self._deposits(batch)
            self._progress(len(batch))
        if self._problems:
            raise NotSaved(self._problems)
        return self._saved

    async def _accounts_and_orders(self, batch: Sequence[OrderRow]) -> None:
        account_ids = await self._accounts({row.account.tenant_id: row.account for row in batch})
        known = await _by(Order, "number", [row.number for row in batch])
        self._problems += await account_checks.moved(batch, known, account_ids)
        wanted = {
            row.number: {name: getattr(row, name) for name in _ORDER_COLUMNS}
            | {"account_id": account_ids[row.account.tenant_id]}
            for row in batch
        }
        changes = _Changes(known, wanted, self._saved.orders)
        stamped = [Order(**values, created_at=self._now) for values in changes.to_write]
        await _upsert(Order, stamped, "number", [*_ORDER_COLUMNS, "account_id"])
        ids = await _ids(Order, "number", list(wanted))
        self._order_ids |= ids
        await self._drop_deposits(batch, ids)

    async def _accounts(self, rows: dict[str, AccountRow]) -> dict[str, int]:
        known = await _by(Account, "tenant_id", list(rows))
        changes = _Changes(
            known, {key: asdict(row) for key, row in rows.items()}, self._saved.accounts
        )
        written = [self._account(values, known) for values in changes.to_write]
        await _upsert(Account, written, "tenant_id", [*_ACCOUNT_COLUMNS, "rebill_hold_until"])
        return await _ids(Account, "tenant_id", list(rows))

    def _account(self, values: dict[str, Any], known: dict[str, Account]) -> Account:
        before = known.get(values["tenant_id"])
        hold = before.rebill_hold_until if before else None
        if before and before.billing_email != values["billing_email"]:
            self._saved.new_addresses.append(values["tenant_id"])
            hold = self._now + REBILL_HOLD
        return Account(**values, created_at=self._now, rebill_hold_until=hold)

    async def _drop_deposits(self, batch: Sequence[OrderRow], ids: dict[str, int]) -> None:
        """Deposits that a row no longer lists go, unless a case relies on them."""
        listed = {ids[row.number]: {d.charge_id for d in row.deposits} for row in batch}
        lines = {ids[row.number]: row for row in batch}
        found = await Deposit.filter(order_id__in=list(listed))
        gone = [d for d in found if d.charge_id not in listed[d.order_id]]
        used = await account_checks.in_use(gone)
        self._problems += [
            Problem(
                lines[deposit.order_id].line,
                f"deposit_{deposit.position}_charge",
                f"{deposit.charge_id} is missing, but a request about it is on file. "
                "Put the deposit back.",
            )
            for deposit in gone
            if deposit.id in used
        ]
        await Deposit.filter(id__in=[d.id for d in gone if d.id not in used]).delete()
        self._saved.deposits.removed += len(gone) - len(used)

    async def _deposits(self, batch: Sequence[OrderRow]) -> None:
        rows = {d.charge_id: (row, d) for row in batch for d in row.deposits}
        known = await _by(Deposit, "charge_id", list(rows))
        wanted = {
            charge: asdict(deposit) | {"order_id": self._order_ids[row.number]}
            for charge, (row, deposit) in rows.items()
        }
        self._problems += await account_checks.elsewhere(rows, known, wanted)
        if self._problems:
            return
        changes = _Changes(known, wanted, self._saved.deposits)
        touched = {values["order_id"] for values in changes.to_write}
        await Deposit.filter(order_id__in=list(touched)).update(
            position=F("position") + _OUT_OF_THE_WAY
        )
        everything = [Deposit(**v) for v in wanted.values() if v["order_id"] in touched]
        await _upsert(Deposit, everything, "charge_id", [*_DEPOSIT_COLUMNS, "order_id"])


class _Changes:
    """Which of the wanted rows are not already there, word for word; counts all three sorts."""

    def __init__(
        self, known: dict[str, Any], wanted: dict[str, dict[str, Any]], count: Count
    ) -> None:
        self.to_write: list[dict[str, Any]] = []
        for key, values in wanted.items():
            row = known.get(key)
            if row is None:
                count.new += 1
            elif all(getattr(row, name) == value for name, value in values.items()):
                count.same += 1
                continue
            else:
                count.changed += 1
            self.to_write.append(values)


async def _by(model: type[T], column: str, keys: Sequence[str]) -> dict[str, T]:
    assert issubclass(model, Model)
    return {getattr(row, column): row for row in await model.filter(**{f"{column}__in": keys})}


async def _ids(model: type[Model], column: str, keys: Sequence[str]) -> dict[str, int]:
    return dict(await model.filter(**{f"{column}__in": keys}).values_list(column, "id"))


async def _upsert(
    model: type[Model], rows: Sequence[Model], key: str, columns: Iterable[str]
) -> None:
    if rows:
        update = [column for column in columns if column != key]
        await model.bulk_create(rows, on_conflict=[key], update_fields=update)


def _batches(orders: Sequence[OrderRow]) -> Iterator[Sequence[OrderRow]]:
    return (orders[start : start + BATCH] for start in range(0, len(orders), BATCH))
