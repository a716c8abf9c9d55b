"""Orders as a spreadsheet exports them. Text only: the database is asked when they are saved."""

from amends.order_file.columns import COLUMNS, EXAMPLE
from amends.order_file.reading import read
from amends.order_file.rows import AccountRow, DepositRow, OrderFile, OrderRow, Problem

__all__ = [
    "COLUMNS",
    "EXAMPLE",
    "AccountRow",
    "DepositRow",
    "OrderFile",
    "OrderRow",
    "Problem",
    "read",
]
