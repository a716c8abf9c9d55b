"""The new card: a saved one, one added on the payment provider's page, or later."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.flow import intake
from amends.flow import new_card as cards
from amends.flow.intake_answers import CardLater
from amends.flow.intake_steps import Step
from amends.gateways.stripe_facts import CardFacts
from amends.queries import customer_stripe
from amends.queries.customer_rows import CardRow, DraftPage
from amends.rules.people import Customer
from portal import answers
from portal.draft import wizard
from web import forms, guards, pages

_PAGE = "portal/draft/new_card.html"
ADD, LATER = "add", "later"
TOO_OFTEN = "A card can be added three times a day. Choose a saved card, or add it later"


class _Card(forms.FormModel):
    card: str = ""


@wizard.on_draft
async def show(request: Request[Any]) -> Response:
    found = await wizard.draft(request)
    choices, silent = await saved(guards.customer(request))
    return pages.page(
        request,
        _PAGE,
        form=forms.blank(card=_chosen(found)),
        choices=[*choices, *_further()],
        silent=silent,
        left="left" in request.query_params,
        **wizard.context(request, found, Step.NEW_CARD),
    )


@wizard.on_draft
async def save(request: Request[Any]) -> Response:
    """Keep the choice, or go to the page on which a card is entered."""
    by = guards.customer(request)
    case = await intake.draft(by, request.path_params["draft"])
    form = await forms.bind(request, _Card)
    chosen = form.data.card if form.ok else ""
    try:
        match chosen:
            case "add":
                back = pages.url(request, "new_card.finish", draft=case.ref)
                address = await cards.begin_card_setup(case, by, pages.absolute(request, back))
                return pages.see_other(request, address)
            case "later":
                await intake.save_answer(case, by, CardLater())
            case _:
                await cards.choose_saved_card(case, by, chosen)
    except facts.InvalidInput as invalid:
        return await _again(request, by, form.failed(invalid.errors))
    except facts.TooMany:
        return await _again(request, by, form.failed({"card": TOO_OFTEN}))
    return await wizard.go_on(request, case.ref)


async def _again(request: Request[Any], by: Customer, form: forms.Form[Any]) -> Response:
    found = await wizard.draft(request)
    choices, silent = await saved(by)
    return answers.again(
        request,
        _PAGE,
        form,
        choices=[*choices, *_further()],
        silent=silent,
        left=False,
        **wizard.context(request, found, Step.NEW_CARD),
    )


@wizard.on_draft
async def finish(request: Request[Any]) -> Response:
    """Back from the card page. Stripe is asked what was saved; the address says nothing."""
    by = guards.customer(request)
    case = await intake.draft(by, request.path_params["draft"])
    kept = await cards.finish_card_setup(case, by, request.query_params.get("session", ""))
    if kept is None:
        here = pages.url(request, "new_card.show", draft=case.ref, left=1)
        return pages.see_other(request, here)
    onward = wizard.next_url(request, await wizard.draft(request))
    return pages.see_other(request, f"{onward}?saved=1")


async def saved(by: Customer) -> tuple[list[tuple[str, str, str]], bool]:
    """The saved cards as choices, and whether Stripe kept silent."""
    try:
        found = await customer_stripe.cards(by)
    except facts.Unavailable:
        return [], True
    return [_choice(card) for card in found], False


def _choice(card: CardFacts) -> tuple[str, str, str]:
    row = CardRow(card.brand, card.funding, card.last4)
    expires = f"Saved, expires {card.expires}" if card.expires else "Saved"
    return card.payment_method_id, row.words, expires


def _further() -> list[tuple[str, str, str]]:
    return [
        (ADD, "Add a card", "On our payment provider's page. It is saved, and not charged"),
        (LATER, "Add it later", "You find a link on your request's page. We wait for it"),
    ]


def _chosen(found: DraftPage) -> str:
    return LATER if found.card_choice == LATER else ""
