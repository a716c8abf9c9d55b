"""What do you need? Four kinds of requests, and the drafts that were begun."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends.flow import intake
from amends.queries import customer_drafts
from amends.rules.workflow import Kind
from portal import answers, words
from portal.draft import wizard
from web import forms, guards, pages

_PAGE = "portal/draft/kinds.html"


class _Kind(forms.FormModel):
    kind: Kind


async def show(request: Request[Any]) -> Response:
    """The choice, and drafts to continue."""
    drafts = await customer_drafts.drafts(guards.customer(request))
    return pages.page(request, _PAGE, form=forms.blank(), kinds=words.KINDS, drafts=drafts)


async def start(request: Request[Any]) -> Response:
    """A new draft of the chosen kind."""
    by = guards.customer(request)
    form = await forms.bind(request, _Kind)
    if not form.ok:
        drafts = await customer_drafts.drafts(by)
        return answers.again(request, _PAGE, form, kinds=words.KINDS, drafts=drafts)
    case = await intake.start_draft(by, form.data.kind)
    if case.kind is Kind.CHARGEBACK:
        return pages.see_other(request, pages.url(request, "bank.show", draft=case.ref))
    return await wizard.go_on(request, case.ref)


@wizard.on_draft
async def resume(request: Request[Any]) -> Response:
    """Where the draft was left."""
    return await wizard.go_on(request, request.path_params["draft"])


@wizard.on_draft
async def confirm_delete(request: Request[Any]) -> Response:
    """Delete this draft? Asked on a page of its own."""
    found = await wizard.draft(request)
    return pages.page(
        request, "portal/draft/delete.html", draft=found, what=words.KINDS[found.kind][0]
    )


@wizard.on_draft
async def delete(request: Request[Any]) -> Response:
    """Drop the draft."""
    by = guards.customer(request)
    await intake.delete_draft(await intake.draft(by, request.path_params["draft"]), by)
    return pages.see_other(request, pages.url(request, "my_cases.index"))
