"""Invoices and saved cards, as Stripe has them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import new_card
from amends.queries import customer_stripe
from amends.queries.customer_rows import CardRow
from amends.rules.people import Customer
from web import forms, guards, pages

_STATES = {
    "paid": ("Paid", "ok", "check"),
    "open": ("Open", "warn", "clock"),
    "void": ("Canceled", "", "ban"),
    "uncollectible": ("Not paid", "bad", "triangle-alert"),
}


class _Nothing(forms.FormModel):
    pass


async def show(request: Request[Any]) -> Response:
    """Both lists come from Stripe; when it is silent the page says so."""
    return pages.page(
        request,
        "portal/billing.html",
        **await _lists(guards.customer(request)),
        states=_STATES,
        saved="saved" in request.query_params,
        left="left" in request.query_params,
    )


async def _lists(by: Customer) -> dict[str, Any]:
    try:
        invoices = await customer_stripe.invoices(by)
        default = await customer_stripe.default_card(by)
        cards = [
            (
                CardRow(card.brand, card.funding, card.last4, card.expires),
                card.payment_method_id == default,
            )
            for card in await customer_stripe.cards(by)
        ]
    except facts.Unavailable:
        return {"invoices": [], "cards": [], "silent": True}
    return {"invoices": invoices, "cards": cards, "silent": False}


async def add_card(request: Request[Any]) -> Response:
    """Go to the payment provider's page, on which a card is saved for later."""
    by = guards.customer(request)
    await forms.bind(request, _Nothing)
    back = pages.absolute(request, pages.url(request, "billing.finish"))
    return pages.see_other(request, await new_card.begin_saving(by, back))


async def manage(request: Request[Any]) -> Response:
    """Go to the payment provider's page, on which the card for invoices is changed."""
    by = guards.customer(request)
    await forms.bind(request, _Nothing)
    back = pages.absolute(request, pages.url(request, "billing.show"))
    return pages.see_other(request, await new_card.billing_page(by, back))


async def finish(request: Request[Any]) -> Response:
    """Back from the card page; what was saved stands in the list."""
    by = guards.customer(request)
    kept = await new_card.was_saved(by, request.query_params.get("session", ""))
    outcome = {"saved": 1} if kept else {"left": 1}
    return pages.see_other(request, pages.url(request, "billing.show", **outcome))
