"""What cancelling an order means, in dates, before the customer decides."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends.flow import intake
from amends.flow.intake_answers import TermsRead
from amends.flow.intake_steps import Step
from amends.queries.customer_rows import DraftPage
from portal import dates
from portal import terms as words
from portal.draft import wizard
from web import forms, guards, pages

_PAGE = "portal/draft/cancel_terms.html"


class _Nothing(forms.FormModel):
    pass


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    found = await wizard.draft(request)
    return pages.page(request, _PAGE, **_context(request, found))


@wizard.on_draft
async def save(request: Request[Any]) -> Response:
    """The customer has seen the terms and goes on."""
    by = guards.customer(request)
    await forms.bind(request, _Nothing)
    case = await intake.draft(by, request.path_params["draft"])
    await intake.save_answer(case, by, TermsRead())
    return await wizard.go_on(request, case.ref)


def _context(request: Request[Any], found: DraftPage) -> dict[str, Any]:
    days = dates.now()
    return {
        "form": forms.blank(),
        "terms": words.cancelling(found.order, days),
        **wizard.context(request, found, Step.TERMS),
    }
