"""One-page PDFs of invoices and credit notes."""

import json
from functools import lru_cache
from pathlib import Path

import typst

from sandbox.stripe_twin import money
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.hosted.rendering import day

_TEMPLATE = (Path(__file__).parent.parent / "pages" / "paper.typ").read_bytes()


def of_invoice(invoice: Doc) -> bytes:
    currency = invoice["currency"]
    return _set(
        title="Invoice",
        number=invoice["number"] or invoice["id"],
        date=day(invoice["created"]),
        party=invoice["customer_name"] or "",
        email=invoice["customer_email"] or "",
        status=invoice["status"],
        lines=_lines(invoice["lines"]["data"], currency),
        totals=[
            ["Total", money.text(invoice["total"], currency)],
            ["Paid", money.text(invoice["amount_paid"], currency)],
            ["Amount due", money.text(invoice["amount_remaining"], currency)],
        ],
    )


def of_credit_note(note: Doc, party: str) -> bytes:
    currency = note["currency"]
    return _set(
        title="Credit note",
        number=note["number"],
        date=day(note["created"]),
        party=party,
        email="",
        status=note["status"],
        lines=_lines(note["lines"]["data"], currency),
        totals=[["Total credited", money.text(note["amount"], currency)]],
    )


def _lines(rows: list[Doc], currency: str) -> list[list[str]]:
    return [
        [row["description"] or "", str(row["quantity"] or 1), money.text(row["amount"], currency)]
        for row in rows
    ]


def _set(**content: object) -> bytes:
    return _compile(json.dumps(content))


@lru_cache(maxsize=64)
def _compile(content: str) -> bytes:
    made = typst.compile(_TEMPLATE, sys_inputs={"content": content})
    assert isinstance(made, bytes)
    return made
