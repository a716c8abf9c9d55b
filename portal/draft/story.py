"""What happened, and receipts or emails: one page, so that text and files stay together."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import attachment, intake
from amends.flow.intake_answers import StoryTold
from amends.flow.intake_steps import Step
from amends.gateways import uploads
from amends.queries.customer_rows import DraftPage
from amends.rules.workflow import Kind
from portal import answers
from portal.draft import wizard
from web import forms, guards, pages

_PAGE = "portal/draft/story.html"
_FILES = "portal/draft/_files.html"


class _Story(forms.FormModel):
    """`upload` and `remove` are the page's other buttons; both keep what was typed."""

    story: str = ""
    upload: str = ""
    remove: str = ""


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    found = await wizard.draft(request)
    form = forms.blank(story=found.story)
    return pages.page(request, _PAGE, form=form, **_context(request, found))


@wizard.on_draft
async def save(request: Request[Any]) -> Response:
    """Keep the words and a chosen file, then go on, unless a file was added or removed."""
    by = guards.customer(request)
    case = await intake.draft(by, request.path_params["draft"])
    form = await forms.bind(request, _Story, max_files=1)
    try:
        if not form.ok:
            raise facts.InvalidInput(form.errors)
        await intake.keep_story(case, by, form.data.story)
        for upload in await answers.uploads(form.files.get("file", [])):
            await attachment.attach(case, by, upload)
        if form.data.remove:
            await attachment.remove(case, by, form.data.remove)
        if form.data.upload or form.data.remove:
            return await _files_changed(request, case.ref)
        await intake.save_answer(case, by, StoryTold(form.data.story))
    except facts.InvalidInput as invalid:
        return await _again(request, form.failed(invalid.errors))
    return await wizard.go_on(request, case.ref)


async def _files_changed(request: Request[Any], ref: str) -> Response:
    """With htmx only the list changes; without it the page comes again, at the list."""
    found = await wizard.draft(request)
    if pages.is_partial(request):
        return pages.part(request, _FILES, form=forms.blank(), **_context(request, found))
    return pages.see_other(request, f"{wizard.url(request, ref, Step.STORY)}#files-h")


async def _again(request: Request[Any], form: forms.Form[Any]) -> Response:
    found = await wizard.draft(request)
    template = _FILES if pages.is_partial(request) else _PAGE
    return answers.again(request, template, form, **_context(request, found))


def _context(request: Request[Any], found: DraftPage) -> dict[str, Any]:
    return {
        "accept": uploads.ACCEPT,
        "needs_story": found.asked_as is Kind.DISPUTE,
        "bank": found.kind is Kind.CHARGEBACK,
        **wizard.context(request, found, Step.STORY),
    }
