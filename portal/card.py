"""The new card of a request that was sent: add another, or confirm it with the bank."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import new_card as cards
from amends.flow import recharge, writing
from amends.queries import customer
from amends.queries.customer_rows import CaseRow
from amends.rules.workflow import Kind, Status
from portal import answers, headline, words
from portal.draft import new_card as choices_of
from web import forms, guards, pages

_PAGE = "portal/card/page.html"
_TOO_OFTEN = {"card": choices_of.TOO_OFTEN}


class _Card(forms.FormModel):
    card: str = ""


class _Nothing(forms.FormModel):
    pass


async def show(request: Request[Any]) -> Response:
    """What is to be done with the new card now, if anything."""
    by = guards.customer(request)
    page = await customer.case_state(by, request.path_params["ref"])
    return await _page(request, page.case, forms.blank(), left="left" in request.query_params)


async def _page(
    request: Request[Any], case: CaseRow, form: forms.Form[Any], left: bool = False
) -> Response:
    may_add = may_choose(case)
    choices, silent = await choices_of.saved(guards.customer(request)) if may_add else ([], False)
    add = (choices_of.ADD, "Add a card", "On our payment provider's page. It is saved, not charged")
    context: dict[str, Any] = {
        "case": case,
        "words": headline.state(case),
        "may_add": may_add,
        "may_confirm": case.status is Status.NEEDS_AUTHENTICATION,
        "replaced": words.has_newer_card(case),
        "choices": [*choices, add],
        "silent": silent,
        "left": left,
    }
    if form.errors:
        return answers.again(request, _PAGE, form, **context)
    return pages.page(request, _PAGE, form=form, **context)


def may_choose(case: CaseRow) -> bool:
    return case.kind is Kind.REBILL and case.status in cards.OPEN_FOR_CARD


async def choose(request: Request[Any]) -> Response:
    """Take a saved card, or go to the page on which one is entered."""
    by = guards.customer(request)
    case = await writing.case_of(by, request.path_params["ref"])
    form = await forms.bind(request, _Card)
    chosen = form.data.card if form.ok else ""
    try:
        if chosen == choices_of.ADD:
            back = pages.absolute(request, pages.url(request, "card.finish", ref=case.ref))
            return pages.see_other(request, await cards.begin_card_setup(case, by, back))
        await cards.choose_saved_card(case, by, chosen)
    except (facts.InvalidInput, facts.TooMany) as wrong:
        errors = wrong.errors if isinstance(wrong, facts.InvalidInput) else _TOO_OFTEN
        page = await customer.case_state(by, case.ref)
        return await _page(request, page.case, form.failed(errors))
    return _to_case(request, case.ref)


async def finish(request: Request[Any]) -> Response:
    """Back from the card page. Stripe is asked what was saved; the address says nothing."""
    by = guards.customer(request)
    case = await writing.case_of(by, request.path_params["ref"])
    kept = await cards.finish_card_setup(case, by, request.query_params.get("session", ""))
    if kept is None:
        return pages.see_other(request, pages.url(request, "card.show", ref=case.ref, left=1))
    return _to_case(request, case.ref)


async def confirm(request: Request[Any]) -> Response:
    """The customer wants to confirm with the bank; the bank's page is asked for."""
    by = guards.customer(request)
    await forms.bind(request, _Nothing)
    case = await writing.case_of(by, request.path_params["ref"])
    if case.status is Status.NEEDS_AUTHENTICATION:
        await recharge.ask_authentication(case, by)
    return pages.see_other(request, pages.url(request, "card.wait", ref=case.ref))


async def wait(request: Request[Any]) -> Response:
    """Waits for the bank's page, and leads to it as soon as it is known."""
    page = await customer.case_state(guards.customer(request), request.path_params["ref"])
    case = page.case
    if case.status not in (Status.NEEDS_AUTHENTICATION, Status.RECHARGING):
        return _to_case(request, case.ref)
    address = case.recharge.next_action_url if case.recharge else ""
    safe = urlsplit(address).scheme in ("https", "http")
    return pages.page(request, "portal/card/wait.html", case=case, bank=address if safe else "",
                      again=pages.url(request, "card.wait", ref=case.ref))  # fmt: skip


async def returned(request: Request[Any]) -> Response:
    """Back from the bank. How it went is read from Stripe, not from the address."""
    by = guards.customer(request)
    case = await writing.case_of(by, request.path_params["ref"])
    if case.status not in (Status.NEEDS_AUTHENTICATION, Status.RECHARGING):
        return _to_case(request, case.ref)
    await recharge.returned_from_bank(case)
    return pages.page(request, "portal/card/returned.html", case=case,
                      again=pages.url(request, "my_cases.show", ref=case.ref))  # fmt: skip


def _to_case(request: Request[Any], ref: str) -> Response:
    return pages.see_other(request, pages.url(request, "my_cases.show", ref=ref))
