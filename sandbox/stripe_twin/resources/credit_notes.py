"""Credit notes: taking back part of an invoice, as credit, as a refund, or settled elsewhere."""

from typing import TYPE_CHECKING

from sandbox.stripe_twin import errors, events, lists, metadata, money, shapes
from sandbox.stripe_twin.calls import Request
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.keys import Area
from sandbox.stripe_twin.resources import (
    charges,
    customer_balance,
    customers,
    invoices,
    refunds,
)
from sandbox.stripe_twin.routing import Route, read, write

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

_WAYS = ("credit_amount", "refund_amount", "out_of_band_amount")


def _create(world: "World", request: Request) -> Doc:
    params = request.params
    invoice = invoices.get(world, params["invoice"])
    doc = _sketch(world, invoice, params, world.ids.new("cn_"))
    if invoice["status"] == "paid":
        _pay_out(world, invoice, doc, params)
        invoice["post_payment_credit_notes_amount"] += doc["amount"]
    else:
        invoice["pre_payment_credit_notes_amount"] += doc["amount"]
        invoice["amount_due"] -= doc["amount"]
        invoice["amount_remaining"] -= doc["amount"]
    world.store.touch(invoice)
    events.emit(world, "credit_note.created", doc)
    return doc


def _pay_out(world: "World", invoice: Doc, doc: Doc, params: Doc) -> None:
    if params.get("credit_amount"):
        customer = customers.get(world, invoice["customer"])
        entry = customer_balance.change(
            world, customer, -params["credit_amount"], invoice["currency"], "credit_note",
            credit_note=doc["id"], invoice=invoice["id"],
        )  # fmt: skip
        doc["customer_balance_transaction"] = entry["id"]
    if params.get("refund_amount"):
        charge = _charge_of(world, invoice)
        refund = refunds.refund(world, charge, {"amount": params["refund_amount"]})
        doc["refunds"] = [
            {
                "amount_refunded": refund["amount"],
                "payment_record_refund": None,
                "refund": refund["id"],
                "type": "refund",
            }
        ]


def _charge_of(world: "World", invoice: Doc) -> Doc:
    for payment in world.store.table("invoice_payment").where("invoice", invoice["id"]):
        intent = world.store.get("payment_intent", payment["payment"]["payment_intent"])
        if intent and intent["status"] == "succeeded":
            return charges.get(world, intent["latest_charge"])
    raise errors.invalid("This invoice has no payment to refund.", param="refund_amount")


def _sketch(world: "World", invoice: Doc, params: Doc, note_id: str) -> Doc:
    """The note as it would be; refused where the amounts do not fit."""
    if "lines" in params:
        raise errors.not_in_the_twin("POST", "/v1/credit_notes with lines")
    if invoice["status"] not in ("open", "paid"):
        raise errors.invalid(
            "A credit note can only be created for an open or paid invoice.", param="invoice"
        )
    ways = sum(params.get(way) or 0 for way in _WAYS)
    amount = int(params.get("amount") or ways)
    _check(world, invoice, amount, ways)
    earlier = world.store.table("credit_note").keys_where("invoice", invoice["id"])
    paid = invoice["status"] == "paid"
    return shapes.make(
        "credit_note",
        id=note_id,
        amount=amount,
        amount_shipping=0,
        created=world.clock.second(),
        currency=invoice["currency"],
        customer=invoice["customer"],
        discount_amount=0,
        discount_amounts=[],
        effective_at=params.get("effective_at", world.clock.second()),
        invoice=invoice["id"],
        lines=lists.of(
            [_line(world, params, amount)], f"/v1/credit_notes/{note_id}/lines", has_more=False
        ),
        livemode=False,
        memo=params.get("memo"),
        metadata=metadata.of(params),
        number=f"{invoice['number']}-CN-{len(earlier) + 1:02d}",
        out_of_band_amount=params.get("out_of_band_amount"),
        pdf=f"{world.public_url}/pages/credit_notes/{note_id}/pdf",
        post_payment_amount=amount if paid else 0,
        pre_payment_amount=0 if paid else amount,
        pretax_credit_amounts=[],
        reason=params.get("reason"),
        refunds=[],
        status="issued",
        subtotal=amount,
        subtotal_excluding_tax=amount,
        total=amount,
        total_excluding_tax=amount,
        total_taxes=[],
        type="post_payment" if paid else "pre_payment",
    )


def _check(world: "World", invoice: Doc, amount: int, ways: int) -> None:
    if amount < 1:
        raise errors.invalid(
            "You must pass `amount`, `lines`, or `shipping_cost` for the credit note.",
            param="amount",
        )
    notes = world.store.table("credit_note").where("invoice", invoice["id"])
    noted = sum(note["amount"] for note in notes if note["status"] == "issued")
    paid = invoice["status"] == "paid"
    left = invoice["total"] - noted if paid else invoice["amount_remaining"]
    if amount > left:
        asked, rest = (money.text(value, invoice["currency"]) for value in (amount, left))
        raise errors.invalid(
            f"The credit note amount ({asked}) is greater than what is left to credit on the "
            f"invoice ({rest}).",
            param="amount",
        )
    if paid and ways != amount:
        total, asked = (money.text(value, invoice["currency"]) for value in (ways, amount))
        raise errors.invalid(
            f"The sum of credit amount, refund amount and out of band amount ({total}) must equal "
            f"the credit note amount ({asked})."
        )


def _line(world: "World", params: Doc, amount: int) -> Doc:
    return shapes.make(
        "credit_note_line_item",
        id=world.ids.new("cnli_"),
        amount=amount,
        description=params.get("memo") or "Credit",
        discount_amount=0,
        discount_amounts=[],
        livemode=False,
        metadata={},
        pretax_credit_amounts=[],
        quantity=1,
        tax_rates=[],
        taxes=[],
        type="custom_line_item",
        unit_amount=amount,
        unit_amount_decimal=str(amount),
    )


def get(world: "World", note_id: str) -> Doc:
    return shapes.load(world.store, "credit_note", note_id, "id", called="credit note")


def _preview(world: "World", request: Request) -> Doc:
    invoice = invoices.get(world, request.params["invoice"])
    return _sketch(world, invoice, request.params, world.ids.new("cn_"))


def _void(world: "World", request: Request) -> Doc:
    doc = get(world, request.id)
    if doc["status"] == "void" or doc["type"] == "post_payment":
        raise errors.invalid("This credit note cannot be voided.")
    doc |= {"status": "void", "voided_at": world.clock.second()}
    invoice = invoices.get(world, doc["invoice"])
    invoice["pre_payment_credit_notes_amount"] -= doc["amount"]
    invoice["amount_due"] += doc["amount"]
    invoice["amount_remaining"] += doc["amount"]
    world.store.touch(invoice)
    events.emit(world, "credit_note.voided", doc)
    return doc


def _retrieve(world: "World", request: Request) -> Doc:
    return get(world, request.id)


def _list(world: "World", request: Request) -> Doc:
    table = world.store.table("credit_note")
    return lists.page(table, request, by=("invoice", "customer"))


ROUTES: tuple[Route, ...] = (
    write("/v1/credit_notes", _create, Area.CREDIT_NOTE),
    read("/v1/credit_notes", _list, Area.CREDIT_NOTE),
    read("/v1/credit_notes/preview", _preview, Area.CREDIT_NOTE),
    read("/v1/credit_notes/{id}", _retrieve, Area.CREDIT_NOTE),
    write("/v1/credit_notes/{id}/void", _void, Area.CREDIT_NOTE),
)
