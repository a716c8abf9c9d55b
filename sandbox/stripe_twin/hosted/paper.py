"""Receipts, invoices and credit notes: pages, and PDFs set with Typst."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.documents import Doc
from sandbox.stripe_twin.hosted import pdf, rendering

if TYPE_CHECKING:
    from sandbox.stripe_twin.world import World

# Stripe: "the link expires within 30 days".
_RECEIPT_LINK_S = 30 * DAY


class PaperPages:
    """Documents a customer may look at with nothing but the link."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [
            Route("/pages/receipts/{id}", self.receipt),
            Route("/pages/invoices/{id}", self.invoice),
            Route("/pages/invoices/{id}/pdf", self.invoice_pdf),
            Route("/pages/credit_notes/{id}/pdf", self.credit_note_pdf),
        ]

    async def receipt(self, request: Request) -> Response:
        world = self._world
        charge = world.store.get("charge", request.path_params["id"])
        if charge is None:
            return rendering.nothing_here(world, "There is no such receipt.")
        if charge["created"] + _RECEIPT_LINK_S < world.clock.now():
            return rendering.nothing_here(world, "This receipt link has expired.", 410)
        refunds = world.store.table("refund").where("charge", charge["id"])
        card = charge["payment_method_details"]["card"]
        return rendering.page(world, "receipt.html", charge=charge, card=card, refunds=refunds)

    async def invoice(self, request: Request) -> Response:
        world = self._world
        invoice = world.store.get("invoice", request.path_params["id"])
        if invoice is None:
            return rendering.nothing_here(world, "There is no such invoice.")
        return rendering.page(world, "invoice.html", invoice=invoice)

    async def invoice_pdf(self, request: Request) -> Response:
        invoice = self._world.store.get("invoice", request.path_params["id"])
        if invoice is None:
            return rendering.nothing_here(self._world, "There is no such invoice.")
        return _file(pdf.of_invoice(invoice), f"Invoice-{invoice['number']}.pdf")

    async def credit_note_pdf(self, request: Request) -> Response:
        note = self._world.store.get("credit_note", request.path_params["id"])
        if note is None:
            return rendering.nothing_here(self._world, "There is no such credit note.")
        customer = self._world.store.get("customer", note["customer"])
        return _file(pdf.of_credit_note(note, _name(customer)), f"CreditNote-{note['number']}.pdf")


def _name(customer: Doc | None) -> str:
    return str((customer or {}).get("name") or (customer or {}).get("email") or "")


def _file(data: bytes, name: str) -> Response:
    disposition = {"content-disposition": f'inline; filename="{name}"'}
    return Response(data, media_type="application/pdf", headers=disposition)
