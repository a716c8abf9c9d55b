"""Reads an order file: checks every cell; names line and column of each that cannot be taken."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from typing import TypeVar

from amends.order_file import cells
from amends.order_file.columns import COLUMNS, DEPOSIT_PARTS, MOST_DEPOSITS, REQUIRED
from amends.order_file.rows import AccountRow, DepositRow, OrderFile, OrderRow, Problem

T = TypeVar("T")
Record = tuple[int, list[str]]


def read(lines: Iterable[str]) -> OrderFile:
    """`lines` is a text file opened with newline=""."""
    problems: list[Problem] = []
    orders = list(_orders(lines, problems))
    for check in (_numbers_once, _charges_once, _accounts_agree):
        problems += check(orders)
    return OrderFile(tuple(orders), tuple(sorted(problems, key=lambda problem: problem.line)))


def _orders(lines: Iterable[str], problems: list[Problem]) -> Iterator[OrderRow]:
    records = _records(lines, problems)
    _, names = next(records, (1, []))
    header = [name.strip().lower() for name in names]
    found = _header_problems(header)
    problems += found
    if not found:
        yield from _rows(header, records, problems)


def _records(lines: Iterable[str], problems: list[Problem]) -> Iterator[Record]:
    """Each record with the line it begins on; a quoted value may go over several lines."""
    # Strict: a stray quote is an error on its line, not a value that swallows the next ones.
    reader = csv.reader(lines, strict=True)
    line = 1
    try:
        for values in reader:
            yield line, values
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem(line, "", f"It cannot be read ({error}). Check its quotes."))


def _rows(
    header: list[str], records: Iterator[Record], problems: list[Problem]
) -> Iterator[OrderRow]:
    for line, values in records:
        if not any(value.strip() for value in values):
            continue
        if len(values) == len(header):
            yield _order(_Line(line, dict(zip(header, values, strict=True)), problems))
        else:
            problems.append(_uneven(line, header, values))


def _uneven(line: int, header: list[str], values: list[str]) -> Problem:
    last = header[min(len(values), len(header)) - 1]
    return Problem(
        line,
        last,
        f"The line has {len(values)} cells and the header {len(header)}. "
        "Put a value that holds a comma in quotes.",
    )


def _header_problems(header: list[str]) -> list[Problem]:
    if len(header) == 1 and ";" in header[0]:
        words = "The columns are divided by semicolons. Save the file divided by commas."
        return [Problem(1, "", words)]
    missing = [name for name in REQUIRED if name not in header]
    unknown = [name for name in header if name not in COLUMNS]
    twice = sorted({name for name in header if header.count(name) > 1})
    template = "See `amends import template` for all names."
    return [
        *(Problem(1, name, f"The column is missing. {template}") for name in missing),
        *(Problem(1, name or "(empty)", f"No such column. {template}") for name in unknown),
        *(Problem(1, name, "The column is there twice. Keep one.") for name in twice),
    ]


class _Line:
    """The cells of one line; collects what is wrong and reads on with a stand-in."""

    def __init__(self, line: int, values: Mapping[str, str], problems: list[Problem]) -> None:
        self.line = line
        self._values = values
        self._problems = problems

    def refuse(self, column: str, what: str) -> None:
        self._problems.append(Problem(self.line, column, what))

    def has(self, column: str) -> bool:
        return bool(self._values.get(column, "").strip())

    def may(self, column: str, read: Callable[[str], T], otherwise: T) -> T:
        value = self._values.get(column, "").strip()
        if not value:
            return otherwise
        try:
            return read(value)
        except cells.Wrong as error:
            self.refuse(column, str(error))
            return otherwise

    def must(self, column: str, read: Callable[[str], T], stand_in: T) -> T:
        if not self.has(column):
            self.refuse(column, "It is empty. Every order needs it.")
        return self.may(column, read, stand_in)


def _order(row: _Line) -> OrderRow:
    currency = row.must("currency", cells.currency, "usd")
    order = OrderRow(
        line=row.line,
        account=_account(row),
        number=row.must("order_number", cells.text(40), ""),
        description=row.must("description", cells.text(300), ""),
        total_minor=row.must("total", cells.total(currency), 0),
        currency=currency,
        placed_on=row.must("placed_on", cells.day, date.min),
        handed_over_on=row.may("handed_over_on", cells.day, None),
        delivered_on=row.may("delivered_on", cells.day, None),
        carrier=row.may("carrier", cells.text(80), ""),
        subscription_id=row.may("subscription_id", cells.stripe_id("sub_"), None),
        subscription_status=row.may("subscription_status", cells.subscription_state, ""),
        subscription_ends_on=row.may("subscription_ends_on", cells.day, None),
        renewal_months=row.may("renewal_months", cells.months, None),
        renewal_rule=row.may("renewal_rule", cells.text(300), ""),
        cancelled_on=row.may("cancelled_on", cells.day, None),
        deposits=tuple(_deposits(row, currency)),
    )
    _in_order(row, order)
    return order


def _account(row: _Line) -> AccountRow:
    return AccountRow(
        tenant_id=row.must("tenant_id", cells.text(64), ""),
        organisation=row.must("organisation", cells.text(200), ""),
        contact_name=row.may("contact_name", cells.text(200), ""),
        billing_email=row.must("billing_email", cells.email, ""),
        stripe_customer_id=row.may("stripe_customer_id", cells.stripe_id("cus_"), None),
    )


def _deposits(row: _Line, currency: str) -> Iterator[DepositRow]:
    for position in range(1, MOST_DEPOSITS + 1):
        names = {part: f"deposit_{position}_{part}" for part in DEPOSIT_PARTS}
        if any(row.has(name) for name in names.values()):
            yield DepositRow(
                position=position,
                charge_id=row.must(names["charge"], cells.stripe_id("ch_", "py_"), ""),
                amount_minor=row.must(names["amount"], cells.amount(currency), 1),
                currency=currency,
                charged_on=row.must(names["date"], cells.day, date.min),
                payment_intent_id=row.may(names["intent"], cells.stripe_id("pi_"), ""),
                card_brand=row.may(names["brand"], cells.text(30), "").lower(),
                card_last4=row.may(names["last4"], cells.last4, ""),
                card_fingerprint=row.may(names["fingerprint"], cells.text(64), ""),
            )


def _in_order(row: _Line, order: OrderRow) -> None:
    """Placed, handed over, delivered: these dates decide which terms apply."""
    known = {
        column: when
        for column in ("placed_on", "handed_over_on", "delivered_on")
        if (when := getattr(order, column)) is not None
    }
    for (earlier, first), (later, second) in pairwise(known.items()):
        if second < first:
            row.refuse(later, f"It is before {earlier} ({first}). Correct one of the two.")


def _numbers_once(orders: list[OrderRow]) -> list[Problem]:
    cells_of = [(order.line, "order_number", order.number) for order in orders if order.number]
    return _repeated(cells_of)


def _charges_once(orders: list[OrderRow]) -> list[Problem]:
    cells_of = [
        (order.line, f"deposit_{deposit.position}_charge", deposit.charge_id)
        for order in orders
        for deposit in order.deposits
        if deposit.charge_id
    ]
    return _repeated(cells_of)


def _repeated(values: list[tuple[int, str, str]]) -> list[Problem]:
    first: dict[str, tuple[int, str]] = {}
    return [
        Problem(line, column, f"{value} is on line {first[value][0]} already. Keep one of them.")
        for line, column, value in values
        if first.setdefault(value, (line, column)) != (line, column)
    ]


def _accounts_agree(orders: list[OrderRow]) -> list[Problem]:
    """A customer stands on many lines; each has to say the same of them."""
    first: dict[str, OrderRow] = {}
    return [
        Problem(
            order.line,
            column,
            f"Line {first[order.account.tenant_id].line} has another {column} for tenant "
            f"{order.account.tenant_id}. Make the lines agree.",
        )
        for order in orders
        for column in AccountRow.__dataclass_fields__
        if getattr(first.setdefault(order.account.tenant_id, order).account, column)
        != getattr(order.account, column)
        and order.account.tenant_id
    ]
