"""The new card: entered on Stripe's page, and kept as brand, last four digits and Stripe's ids."""

import re
from datetime import UTC
from typing import Any

from tortoise.expressions import F
from tortoise.transactions import in_transaction

from amends import access, clock, facts, moves, timeline
from amends.flow import intake_answers, letters
from amends.flow.intake_steps import Step
from amends.gateways import stripe
from amends.models import Account, Case
from amends.queries import customer_stripe
from amends.rules.people import Customer
from amends.rules.workflow import Action, Kind, Status

# Testing stolen cards needs many tries; changing a card needs one or two.
MOST_SETUPS_A_DAY = 3
_A_DAY_S = 24 * 60 * 60
# Where the card of a case may still be chosen: before a plan rests on it, or after it failed.
OPEN_FOR_CARD = frozenset(
    {
        Status.DRAFT,
        Status.SUBMITTED,
        Status.TRIAGE,
        Status.NEEDS_CUSTOMER,
        Status.NEEDS_NEW_CARD,
    }
)
SESSION_PLACE = "{CHECKOUT_SESSION_ID}"  # Stripe writes the session's id here
_SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,100}")


def may_choose(case: Case) -> bool:
    return case.status in OPEN_FOR_CARD and intake_answers.asked_as(case) is Kind.REBILL


async def begin_card_setup(case: Case, by: Customer, return_url: str) -> str:
    """The address of the hosted page on which the card is entered."""
    _must_be_open(case, by)
    session = await _begin(by, case.ref, case.currency, return_url)
    await Case.filter(id=case.id, status=case.status).update(setup_session_id=session.id)
    return session.url


async def _count_setup(by: Customer) -> int:
    at = int(clock.now().timestamp())
    start = at - at % _A_DAY_S
    number = await access.hit_limit(f"card-setup:account:{by.account_id}", start)
    if number > MOST_SETUPS_A_DAY:
        sentence = "The page for a new card can be opened three times a day."
        raise facts.TooMany(sentence, start + _A_DAY_S - at)
    return number


async def _begin(by: Customer, reference: str, currency: str, back: str) -> stripe.SetupSession:
    account = await Account.get(id=by.account_id)
    if account.stripe_customer_id is None:
        raise facts.Refused("We cannot take a card for this account here. Write to us instead.")
    number = await _count_setup(by)
    day = clock.now().astimezone(UTC).date()
    try:
        return await stripe.start_card_setup(
            account.stripe_customer_id,
            reference,
            currency,
            success_url=f"{back}?session={SESSION_PLACE}",
            cancel_url=f"{back}?session=",
            key=f"card-setup:{by.account_id}:{reference}:{day}:{number}",
        )
    except stripe.StripeError as error:
        raise _not_now() from error


async def begin_saving(by: Customer, return_url: str) -> str:
    """A card to be saved for later, without a request."""
    session = await _begin(by, f"account-{by.account_id}", "usd", return_url)
    return session.url


async def billing_page(by: Customer, return_url: str) -> str:
    """The provider's page on which the card for invoices and subscriptions is changed."""
    account = await Account.get(id=by.account_id)
    if account.stripe_customer_id is None:
        raise facts.Refused("We cannot take a card for this account here. Write to us instead.")
    try:
        return await stripe.billing_portal(account.stripe_customer_id, return_url)
    except stripe.StripeError as error:
        raise _not_now() from error


async def was_saved(by: Customer, session_id: str) -> bool:
    """Whether the page that was opened for this customer saved a card."""
    setup = await _look(session_id)
    account = await Account.get(id=by.account_id)
    return setup is not None and setup.complete and setup.customer_id == account.stripe_customer_id


async def _look(session_id: str) -> stripe.CardSetup | None:
    if not _SESSION_ID.fullmatch(session_id):
        return None
    try:
        return await stripe.card_setup(session_id)
    except stripe.NotThere:
        return None
    except stripe.StripeError as error:
        raise _not_now() from error


async def finish_card_setup(case: Case, by: Customer, session_id: str) -> Case | None:
    """Keep the card when Stripe says it is saved, for this customer and this case; else None."""
    _must_be_open(case, by)
    if session_id != case.setup_session_id:
        return None
    setup = await _look(session_id)
    account = await Account.get(id=by.account_id)
    if setup is None or not setup.complete or setup.card is None:
        return None
    if setup.customer_id != account.stripe_customer_id:
        return None
    return await _keep(case, by, setup.card)


async def choose_saved_card(case: Case, by: Customer, payment_method_id: str) -> Case:
    """Use a card that Stripe keeps for this very customer."""
    _must_be_open(case, by)
    cards = {card.payment_method_id: card for card in await customer_stripe.cards(by)}
    if payment_method_id not in cards:
        raise facts.InvalidInput({"card": "Choose one of your saved cards, or add a card"})
    return await _keep(case, by, cards[payment_method_id])


def _must_be_open(case: Case, by: Customer) -> None:
    if case.account_id != by.account_id:
        raise facts.NotFound("There is no such request.")
    if not may_choose(case):
        raise facts.Refused("The new card of this request cannot be changed now. Write to us.")


def _not_now() -> facts.Unavailable:
    return facts.Unavailable(
        "The page for your card does not open at the moment. Your answers are saved."
    )


async def _keep(case: Case, by: Customer, card: stripe.CardFacts) -> Case:
    columns = _columns(card)
    if case.status is Status.DRAFT:
        return await _keep_on_draft(case, columns)
    if case.card_payment_method_id == card.payment_method_id:
        return case
    return await _keep_on_sent(case, by, card, columns)


def _columns(card: stripe.CardFacts) -> dict[str, Any]:
    return {
        "card_payment_method_id": card.payment_method_id,
        "card_brand": card.brand,
        "card_funding": card.funding[:10],
        "card_last4": card.last4,
        "card_expires": card.expires,
        "card_fingerprint": card.fingerprint,
        "card_saved_at": clock.now(),
    }


async def _keep_on_draft(case: Case, columns: dict[str, Any]) -> Case:
    change = intake_answers.Changes(columns, {"card": "saved"}, (Step.NEW_CARD,))
    async with in_transaction():
        locked = await Case.filter(id=case.id, status=Status.DRAFT).select_for_update().first()
        if locked is None:
            raise facts.Stale("This request was sent meanwhile. Open your requests to see it.")
        await Case.filter(id=case.id).update(
            **columns, answers=intake_answers.merged(locked, change)
        )
    return await Case.get(id=case.id)


async def _keep_on_sent(
    case: Case, by: Customer, card: stripe.CardFacts, columns: dict[str, Any]
) -> Case:
    """A card for a request that is under way; staff see it at once, a manager approves it."""
    entry = timeline.Entry(
        "save_card", by, clock.now(), data={"brand": card.brand, "last4": card.last4}
    )
    answers_question = case.status is Status.NEEDS_CUSTOMER and not case.card_payment_method_id
    async with in_transaction():
        changed = await Case.filter(id=case.id, status=case.status).update(
            **columns, **_due(case), version=F("version") + 1
        )
        if not changed:
            raise facts.Stale("This request moved on meanwhile. Open it again.")
        await moves.note(case, entry)
        if answers_question:
            now = await Case.get(id=case.id)
            await moves.move(now, Action.ANSWER, by, reason="A new card was added.")
    return await Case.get(id=case.id)


def _due(case: Case) -> dict[str, Any]:
    """After a declined card it is our turn again: one business day to plan with the new one."""
    if case.status is not Status.NEEDS_NEW_CARD:
        return {}
    return {"due_at": moves.at_same_time(letters.calendar(), clock.now(), 1)}
