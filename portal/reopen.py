"""Still not solved: what is asked again of a closed request, with all that is known filled in."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import writing
from amends.flow.writing import Unsolved
from amends.gateways import uploads
from amends.queries import customer
from amends.queries.customer_rows import CasePage
from amends.rules.money import Money, format_money
from portal import answers
from web import forms, guards, pages

_PAGE = "portal/case/reopen.html"


class _Unsolved(forms.FormModel):
    order: str = ""
    old_last4: str = ""
    new_last4: str = ""
    amount: str = ""
    story: str = ""


async def show(request: Request[Any]) -> Response:
    page = await customer.case_page(guards.customer(request), request.path_params["ref"])
    if page.case.status not in writing.REOPENABLE:
        return pages.see_other(request, pages.url(request, "my_cases.show", ref=page.case.ref))
    return pages.page(request, _PAGE, form=_filled(page), **_context(page))


async def save(request: Request[Any]) -> Response:
    """The request comes back to us; nothing is decided by it."""
    by = guards.customer(request)
    case = await writing.case_of(by, request.path_params["ref"])
    form = await forms.bind(request, _Unsolved, max_files=5)
    try:
        if not form.ok:
            raise facts.InvalidInput(form.errors)
        files = await answers.uploads(form.files.get("file", []))
        await writing.reopen(case, by, _unsolved(form.data), files)
    except facts.InvalidInput as invalid:
        page = await customer.case_page(by, case.ref)
        return answers.again(request, _PAGE, form.failed(invalid.errors), **_context(page))
    return pages.see_other(request, pages.url(request, "my_cases.show", ref=case.ref))


def _unsolved(form: _Unsolved) -> Unsolved:
    errors = {
        name: "Enter 4 digits, like 9876, or leave this empty"
        for name in ("old_last4", "new_last4")
        if (digits := getattr(form, name)) and not (digits.isdigit() and len(digits) == 4)
    }
    if errors:
        raise facts.InvalidInput(errors)
    return Unsolved(form.order[:40], form.old_last4, form.new_last4, form.amount[:40], form.story)


def _filled(page: CasePage) -> forms.Form[Any]:
    case = page.case
    claimed = case.claimed_amount_minor
    return forms.blank(
        order=case.order,
        old_last4=page.last4,
        new_last4=case.card.last4 if case.card else "",
        amount=format_money(Money(claimed, case.currency)) if claimed is not None else "",
    )


def _context(page: CasePage) -> dict[str, Any]:
    return {"case": page.case, "accept": uploads.ACCEPT}
