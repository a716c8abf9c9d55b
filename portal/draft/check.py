"""All answers on one page, what happens next, and the button that sends the request."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import clock
from amends.flow import intake, intake_steps, intake_words
from amends.flow.intake_steps import Step
from amends.queries.customer_rows import DraftPage
from amends.rules import promises
from amends.rules.money import Money, format_money
from amends.rules.workflow import Kind, Reason
from portal import dates, terms
from portal.dates import Days
from portal.draft import wizard
from web import forms, guards, pages

_OLD = timedelta(days=30)
_DELAYED = frozenset({Reason.SHIPPING_DELAY, Reason.CANCEL_ORDER})


class _Nothing(forms.FormModel):
    pass


@dataclass(frozen=True)
class Line:
    """An answer, and the page on which it is changed."""

    question: str
    answer: str
    change: str
    prose: bool = False


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    """The check; a question that is still open comes first."""
    found = await wizard.draft(request)
    if intake_steps.missing(found.kind, found.asked_as, found.done) is not None:
        return pages.see_other(request, wizard.next_url(request, found))
    return pages.page(request, "portal/draft/check.html", **_context(request, found))


@wizard.on_draft
async def send(request: Request[Any]) -> Response:
    """Send it, once: a second press leads to the same request."""
    by = guards.customer(request)
    await forms.bind(request, _Nothing)
    case = await intake.draft(by, request.path_params["draft"])
    try:
        sent = await intake.submit(case, by)
    except intake.Incomplete:
        return await wizard.go_on(request, case.ref)
    return pages.see_other(request, pages.url(request, "sent.show", ref=sent.ref))


def _context(request: Request[Any], found: DraftPage) -> dict[str, Any]:
    days = dates.now()
    return {
        "form": forms.blank(),
        "draft": found,
        "saved": "saved" in request.query_params,
        "back": wizard.url(request, found.ref, Step.STORY),
        "lines": _lines(request, found, days),
        "steps": intake_words.next_steps(_asked(found, days)),
        "terms": terms.delay(found.order, days) if found.reason in _DELAYED else (),
        "cancelling": (
            terms.cancelling(found.order, days) if found.kind is Kind.CANCELLATION else ()
        ),
        "rebill": found.kind is Kind.REBILL,
        "old": clock.now() - found.created_at > _OLD,
    }


def _lines(request: Request[Any], found: DraftPage, days: Days) -> list[Line]:
    def line(question: str, answer: str, step: Step, prose: bool = False) -> Line:
        return Line(question, answer, f"{wizard.url(request, found.ref, step)}?check=1", prose)

    lines = [
        Line("What you want", intake_words.WHAT_YOU_WANT[found.kind],
             pages.url(request, "kinds.show")),
        line("Order", _order(found, days), Step.ORDER),
    ]  # fmt: skip
    steps = intake_steps.steps(found.kind, found.asked_as)
    if found.reason is not None and Step.REASON in steps:
        lines.append(line("Why", intake_words.REASONS[found.reason][0], Step.REASON))
    lines += [
        line("Card we charged", f"Ends {found.last4}", Step.AMOUNT),
        line("Amount in dispute", _amount(found), Step.AMOUNT),
        line("Asked your bank to reverse it", "Yes" if found.bank else "No", Step.AMOUNT),
    ]
    if Step.NEW_CARD in steps:
        lines.append(line("New card", _card(found), Step.NEW_CARD))
    files = ", ".join(file.name for file in found.files) or "None"
    return [
        *lines,
        line("What happened", found.story or "Nothing added", Step.STORY, prose=True),
        line("Receipts and emails", files, Step.STORY),
    ]


def _order(found: DraftPage, days: Days) -> str:
    name = found.claimed_order or found.about or "Not in the list"
    return f"{name}, charged {days.words(found.charged_on)}" if found.charged_on else name


def _amount(found: DraftPage) -> str:
    if found.amount_minor is None:
        return ""
    return format_money(Money(found.amount_minor, found.currency))


def _card(found: DraftPage) -> str:
    if found.card is None:
        return "Added later, on the request's page"
    return f"{found.card.words}, saved and not charged"


def _asked(found: DraftPage, days: Days) -> intake_words.Asked:
    answer_on = promises.reply_by(clock.now(), days.calendar, days.zone)
    card = found.card.words if found.card else ""
    return intake_words.Asked(found.kind, _amount(found), card, answer_on, days.today)
