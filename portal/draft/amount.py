"""How much, from which card, and whether the bank was asked already."""

from datetime import date
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import intake, intake_answers
from amends.flow.intake_answers import AmountClaimed
from amends.flow.intake_steps import Step
from amends.queries.customer_rows import DraftPage
from amends.rules.money import Money, format_money
from amends.rules.workflow import Kind
from portal import answers
from portal.draft import wizard
from web import forms, guards, pages

_PAGE = "portal/draft/amount.html"
_BANK = "Select yes if you have asked your bank to reverse this charge"


class _Amount(forms.FormModel):
    last4: str = ""
    whole: Literal["all", "part", ""] = ""
    amount: str = ""
    bank: Literal["yes", "no", ""] = ""
    charged_on: str = ""


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    found = await wizard.draft(request)
    return pages.page(request, _PAGE, form=_filled(found), **_context(request, found))


@wizard.on_draft
async def save(request: Request[Any]) -> Response:
    """Keep the amount. Any four digits will do: whether they fit is seen by staff only."""
    by = guards.customer(request)
    case = await intake.draft(by, request.path_params["draft"])
    found = await wizard.draft(request)
    form = await forms.bind(request, _Amount)
    given = form.data if form.ok else _Amount(last4=form.raw.get("last4", ""))
    errors = form.errors | _unanswered(found, given)
    answer = _answer(found, given)
    try:
        intake_answers.changes(case, answer)
    except facts.InvalidInput as invalid:
        errors = invalid.errors | errors
    if errors:
        return answers.again(request, _PAGE, form.failed(errors), **_context(request, found))
    saved = await intake.save_answer(case, by, answer)
    if saved.kind is Kind.CHARGEBACK and not asks_bank_first(found):
        return pages.see_other(request, pages.url(request, "bank.show", draft=case.ref))
    return await wizard.go_on(request, case.ref)


def asks_bank_first(found: DraftPage) -> bool:
    """Who began with the bank's process has seen its page already."""
    return found.asked_as is Kind.CHARGEBACK


def _answer(found: DraftPage, given: _Amount) -> AmountClaimed:
    part = given.amount if _names_amount(found, given) else ""
    bank = given.bank == "yes" or asks_bank_first(found)
    charged_on = _day(given.charged_on) if asks_date(found) else None
    return AmountClaimed(given.last4.replace(" ", ""), part, bank, charged_on)


def _names_amount(found: DraftPage, given: _Amount) -> bool:
    return found.total_minor is None or given.whole == "part"


def _unanswered(found: DraftPage, given: _Amount) -> dict[str, str]:
    """Questions without an answer that the page asks of this kind of request."""
    errors: dict[str, str] = {}
    if asks_whole(found) and not given.whole:
        errors["whole"] = "Select all of it, or a part of it"
    if given.whole == "part" and not given.amount:
        errors["amount"] = "Enter the part you want back, like 1,200.00"
    if not given.bank and not asks_bank_first(found):
        errors["bank"] = _BANK
    if asks_date(found) and given.charged_on and _day(given.charged_on) is None:
        errors["charged_on"] = "Enter the date of the charge, like 2026-11-23"
    return errors


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def asks_whole(found: DraftPage) -> bool:
    """A cancelled order is paid back as a whole; of an unknown charge the amount is typed."""
    return found.total_minor is not None and found.kind is not Kind.CANCELLATION


def asks_date(found: DraftPage) -> bool:
    """Only of a charge that we do not know."""
    return found.order is None and not found.charge_id


def _filled(found: DraftPage) -> forms.Form[Any]:
    if Step.AMOUNT.value not in found.done:
        return forms.blank(last4=found.last4)
    part = found.amount == "part" and found.amount_minor is not None
    return forms.blank(
        last4=found.last4,
        whole=found.amount,
        amount=_amount(found.amount_minor or 0, found.currency) if part else "",
        bank="yes" if found.bank else "no",
        charged_on=found.charged_on.isoformat() if found.charged_on else "",
    )


def _amount(minor: int, currency: str) -> str:
    return format_money(Money(minor, currency)).lstrip("$")


def _context(request: Request[Any], found: DraftPage) -> dict[str, Any]:
    total = found.total_minor
    whole = format_money(Money(total, found.currency)) if total is not None else ""
    return {
        "whole": whole,
        "asks_whole": asks_whole(found),
        "asks_bank": not asks_bank_first(found),
        "asks_date": asks_date(found),
        "rebill": found.asked_as is Kind.REBILL,
        **wizard.context(request, found, Step.AMOUNT),
    }
