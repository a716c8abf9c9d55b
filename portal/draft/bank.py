"""The bank was asked: the bank's process takes over, explained before the customer goes on."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends.flow.intake_steps import Step
from portal.draft import amount, wizard
from web import pages


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    found = await wizard.draft(request)
    first = amount.asks_bank_first(found) and Step.ORDER.value not in found.done
    back = (
        pages.url(request, "kinds.show") if first else wizard.url(request, found.ref, Step.AMOUNT)
    )
    return pages.page(
        request,
        "portal/draft/bank.html",
        draft=found,
        back=back,
        onward=wizard.next_url(request, found),
        can_change=not amount.asks_bank_first(found),
    )
