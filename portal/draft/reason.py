"""Why do you want this? The reasons of the kind of request."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import intake, intake_steps, intake_words
from amends.flow.intake_answers import ReasonGiven
from amends.flow.intake_steps import Step
from amends.queries.customer_rows import DraftPage
from amends.rules.workflow import Reason
from portal import answers
from portal.draft import wizard
from web import forms, guards, pages

_PAGE = "portal/draft/reason.html"


class _Reason(forms.FormModel):
    reason: Reason


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    found = await wizard.draft(request)
    form = forms.blank(reason=found.reason.value if found.reason else "")
    return pages.page(request, _PAGE, form=form, **_context(request, found))


@wizard.on_draft
async def save(request: Request[Any]) -> Response:
    """Keep the reason. Cancelling the order goes on as a cancellation."""
    by = guards.customer(request)
    case = await intake.draft(by, request.path_params["draft"])
    form = await forms.bind(request, _Reason)
    try:
        if form.ok:
            await intake.save_answer(case, by, ReasonGiven(form.data.reason))
            return await wizard.go_on(request, case.ref)
        errors = {"reason": "Choose one of the reasons"}
    except facts.InvalidInput as invalid:
        errors = invalid.errors
    found = await wizard.draft(request)
    return answers.again(request, _PAGE, form.failed(errors), **_context(request, found))


def _context(request: Request[Any], found: DraftPage) -> dict[str, Any]:
    reasons = intake_steps.REASONS[found.asked_as]
    return {
        "choices": [(reason.value, *intake_words.REASONS[reason]) for reason in reasons],
        **wizard.context(request, found, Step.REASON),
    }
