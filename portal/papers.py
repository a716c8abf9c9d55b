"""Files and documents of a request: attachments, PDFs, and the same words as a page."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends.flow import attachment
from amends.flow import paper as papers
from amends.gateways import document_data, document_view
from amends.queries import customer
from amends.queries.customer_rows import CasePage
from portal import headline
from web import guards, pages


@dataclass(frozen=True)
class _Paper:
    kind: str
    title: str
    file: str


PROOF = _Paper("proof_of_refund", "Proof of refund", "proof-of-refund")
RECEIPT = _Paper("receipt", "Payment receipt", "receipt")
CANCELLATION = _Paper(
    "cancellation_confirmation", "Confirmation of your cancellation", "cancellation"
)
REQUEST = _Paper("request_summary", "Your request", "request")


async def file(request: Request[Any]) -> Response:
    """An attachment, always as a download."""
    by = guards.customer(request)
    stored = await attachment.read(by, request.path_params["ref"], request.path_params["file"])
    return pages.download(request, stored.data, stored.name, stored.content_type)


async def proof(request: Request[Any]) -> Response:
    return await _page(request, PROOF)


async def proof_pdf(request: Request[Any]) -> Response:
    return await _pdf(request, PROOF)


async def receipt(request: Request[Any]) -> Response:
    return await _page(request, RECEIPT)


async def receipt_pdf(request: Request[Any]) -> Response:
    return await _pdf(request, RECEIPT)


async def cancellation(request: Request[Any]) -> Response:
    return await _page(request, CANCELLATION)


async def cancellation_pdf(request: Request[Any]) -> Response:
    return await _pdf(request, CANCELLATION)


async def summary(request: Request[Any]) -> Response:
    return await _page(request, REQUEST)


async def summary_pdf(request: Request[Any]) -> Response:
    return await _pdf(request, REQUEST)


async def _page(request: Request[Any], paper: _Paper) -> Response:
    page = await _case(request)
    row = page.document(paper.kind)
    if row is None:
        return _not_yet(request, page, paper)
    return pages.page(
        request,
        "portal/paper.html",
        case=page.case,
        paper=paper,
        doc=document_view.view(document_data.unpack(row.kind, dict(row.facts))),
    )


async def _pdf(request: Request[Any], paper: _Paper) -> Response:
    page = await _case(request)
    data = await papers.pdf(guards.customer(request), page.case.ref, paper.kind)
    if data is None:
        return _not_yet(request, page, paper)
    return pages.download(request, data, f"{page.case.ref}-{paper.file}.pdf", "application/pdf")


async def _case(request: Request[Any]) -> CasePage:
    return await customer.case_state(guards.customer(request), request.path_params["ref"])


def _not_yet(request: Request[Any], page: CasePage, paper: _Paper) -> Response:
    """When it will be there, instead of an empty answer."""
    return pages.page(request, "portal/paper_not_yet.html", 404, case=page.case, paper=paper,
                      words=headline.state(page.case))  # fmt: skip
