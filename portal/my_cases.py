"""The customer's requests: the list, one request with its money path, and writing on it."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import correspondence_confirm, intake, writing
from amends.gateways import uploads
from amends.queries import customer, customer_audit, customer_list
from amends.queries.customer_rows import CasePage, CaseRow
from amends.rules.workflow import FINAL, Status
from portal import answers, dates, headline, money_path, terms, words
from portal.dates import Days
from web import forms, guards, pages

_PAGE = "portal/case/page.html"
_LIVE = "portal/case/_live.html"


class _Message(forms.FormModel):
    body: str = ""


class _Withdrawal(forms.FormModel):
    reason: str = ""


async def index(request: Request[Any]) -> Response:
    """All requests, those that wait for the customer first; twenty a page."""
    by = guards.customer(request)
    before = _before(request)
    found = await (customer_list.start(by) if before is None else customer_list.before(by, before))
    lines = _lines([*found.waiting, *found.others], dates.now())
    return pages.page(
        request,
        "portal/cases.html",
        waiting=[line for line in lines if line["words"].todo],
        cases=[line for line in lines if not line["words"].todo],
        drafts=found.drafts,
        kinds=words.KINDS,
        before=before,
        older=found.older,
    )


def _before(request: Request[Any]) -> int | None:
    text = request.query_params.get("before", "")
    return int(text) if text.isdigit() and len(text) < 19 else None


def _lines(cases: list[CaseRow], days: Days) -> list[dict[str, Any]]:
    return [
        {"case": case, "words": headline.state(case), "next": headline.next_date(case, days)}
        for case in cases
    ]


async def show(request: Request[Any]) -> Response:
    """One request: state in words, money path, documents, messages."""
    page = await customer.case_page(guards.customer(request), request.path_params["ref"])
    return pages.page(request, _PAGE, form=forms.blank(), **await _context(page))


async def live(request: Request[Any]) -> Response:
    """The part that changes while money moves; asked for again every 15 seconds."""
    page = await customer.case_state(guards.customer(request), request.path_params["ref"])
    if not pages.is_partial(request):
        return pages.see_other(request, pages.url(request, "my_cases.show", ref=page.case.ref))
    return pages.part(request, _LIVE, **await _path(page))


async def write(request: Request[Any]) -> Response:
    """A message; where we wait for an answer, the answer."""
    by = guards.customer(request)
    case = await writing.case_of(by, request.path_params["ref"])
    form = await forms.bind(request, _Message, max_files=1)
    try:
        if not form.ok:
            raise facts.InvalidInput(form.errors)
        files = await answers.uploads(form.files.get("file", []))
        await writing.write_message(case, by, form.data.body, files)
    except facts.InvalidInput as invalid:
        page = await customer.case_page(by, case.ref)
        return answers.again(request, _PAGE, form.failed(invalid.errors), **await _context(page))
    here = pages.url(request, "my_cases.show", ref=case.ref)
    return pages.see_other(request, f"{here}?sent=1#messages-h")


async def _path(page: CasePage) -> dict[str, Any]:
    days, audit = dates.now(), await customer_audit.of(page.case)
    return {
        "page": page,
        "case": page.case,
        "head": headline.head(page, days, audit),
        "steps": money_path.steps(page, days),
        "moving": page.case.status not in FINAL | {Status.SUBMITTED, Status.TRIAGE},
    }


async def _context(page: CasePage) -> dict[str, Any]:
    case, days, holds = page.case, dates.now(), page.holds
    return {
        **await _path(page),
        "accept": uploads.ACCEPT,
        "emails": await correspondence_confirm.unconfirmed(case.id) if holds.emails else (),
        "holds": holds,
        "may_withdraw": intake.may_withdraw(case.status),
        "may_reopen": case.status in writing.REOPENABLE,
        "may_write": case.status not in FINAL,
        "reply_by": days.words(days.calendar.add(days.today, 1)),
        "closed_terms": terms.delay(page.order, days) if _is_delay(page) else (),
    }


def _is_delay(page: CasePage) -> bool:
    reason = page.case.reason
    return reason is not None and reason.value == "shipping_delay"


async def confirm_withdrawal(request: Request[Any]) -> Response:
    """Withdraw this request? Asked on a page of its own."""
    page = await customer.case_state(guards.customer(request), request.path_params["ref"])
    return pages.page(request, "portal/case/withdraw.html", form=forms.blank(), case=page.case,
                      may=intake.may_withdraw(page.case.status))  # fmt: skip


async def withdraw(request: Request[Any]) -> Response:
    """Take the request back, as long as nothing has moved."""
    by = guards.customer(request)
    case = await writing.case_of(by, request.path_params["ref"])
    form = await forms.bind(request, _Withdrawal)
    try:
        if not form.ok:
            raise facts.InvalidInput(form.errors)
        await intake.withdraw(case, by, form.data.reason)
    except facts.InvalidInput as invalid:
        page = await customer.case_state(by, case.ref)
        return answers.again(request, "portal/case/withdraw.html", form.failed(invalid.errors),
                             case=page.case, may=True)  # fmt: skip
    return pages.see_other(request, pages.url(request, "my_cases.show", ref=case.ref))
