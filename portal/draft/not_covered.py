"""An order that this kind of request does not cover: why not, and what can be done instead."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import intake
from amends.queries import customer_drafts
from amends.queries.customer_rows import OrderRow
from amends.rules.people import Customer
from amends.rules.workflow import Kind
from portal import dates, terms
from portal.dates import Days
from portal.draft import wizard
from web import forms, guards, pages

_TITLES = {
    Kind.REBILL: "We cannot move the payment of order {number} to another card",
    Kind.CANCELLATION: "There is nothing to cancel on order {number}",
}


class _Order(forms.FormModel):
    order: int = 0


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    """The answer, with the order's own facts."""
    by, days = guards.customer(request), dates.now()
    found = await wizard.draft(request)
    order = await _own(by, forms.query(request, _Order))
    return pages.page(
        request,
        "portal/draft/not_covered.html",
        draft=found,
        order=order,
        title=_TITLES[found.asked_as].format(number=order.number),
        why=_why(order, days),
        shipped=terms.delay(order, days)[0] if order.handed_over_on else "",
        back=pages.url(request, "order.show", draft=found.ref),
    )


async def _own(by: Customer, asked: forms.Form[_Order]) -> OrderRow:
    wanted = asked.data.order if asked.ok else 0
    own = {order.id: order for order in await customer_drafts.orders(by)}
    if wanted not in own:
        raise facts.NotFound("There is no such order.")
    return own[wanted]


def _why(order: OrderRow, days: Days) -> str:
    """What the order has instead of a live subscription."""
    if order.cancelled_on is not None:
        return f"The subscription of this order ended on {days.words(order.cancelled_on)}."
    if order.subscription_status:
        return "The subscription of this order has ended."
    return "This order was bought without a subscription."


@wizard.on_draft
async def ask_about_charge(request: Request[Any]) -> Response:
    """Go on with the same draft, as a question about a charge of this order."""
    by = guards.customer(request)
    case = await intake.draft(by, request.path_params["draft"])
    form = await forms.bind(request, _Order)
    order = await _own(by, form)
    await intake.ask_about_the_charge(case, by, order.id)
    return await wizard.go_on(request, case.ref)
