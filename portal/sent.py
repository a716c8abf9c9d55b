"""Request sent: the reference, what happens next and by when."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends.flow import intake_words
from amends.queries import customer
from amends.queries.customer_rows import CaseRow
from amends.rules.money import Money, format_money
from portal import dates
from portal.dates import Days
from web import guards, pages


async def show(request: Request[Any]) -> Response:
    """Can be opened again at any time."""
    page = await customer.case_state(guards.customer(request), request.path_params["ref"])
    days = dates.now()
    return pages.page(
        request,
        "portal/sent.html",
        case=page.case,
        contact=page.contact,
        steps=intake_words.next_steps(_asked(page.case, days)),
    )


def _asked(case: CaseRow, days: Days) -> intake_words.Asked:
    claimed = case.claimed_amount_minor
    amount = format_money(Money(claimed, case.currency)) if claimed is not None else ""
    card = case.card.words if case.card else ""
    return intake_words.Asked(case.kind, amount, card, days.reply_by(case.submitted_at), days.today)
