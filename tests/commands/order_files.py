"""Order files for the tests: Harbor's order, changed cell by cell."""

import csv
import io
from pathlib import Path

from amends import order_file

HARBOR = dict(order_file.EXAMPLE)
LAKESIDE = {
    **dict.fromkeys(order_file.COLUMNS, ""),
    "tenant_id": "lg-0417",
    "organisation": "Lakeside Gym Inc",
    "billing_email": "accounts@lakesidegym.example",
    "order_number": "SO-10500",
    "description": "Body scanner",
    "total": "499.00",
    "currency": "usd",
    "placed_on": "2026-08-03",
    "deposit_1_charge": "ch_lakeside1",
    "deposit_1_amount": "499.00",
    "deposit_1_date": "2026-08-03",
}


def text(*rows: dict[str, str]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, order_file.COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write(path: Path, *rows: dict[str, str]) -> Path:
    path.write_text(text(*rows), encoding="utf-8")
    return path


def lines(*rows: dict[str, str]) -> io.StringIO:
    return io.StringIO(text(*rows), newline="")
