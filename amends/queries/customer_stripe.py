"""What Stripe shows a customer of their own: invoices, saved cards, charges of no known order."""

from collections.abc import Awaitable
from typing import TypeVar

from amends import facts
from amends.gateways import stripe
from amends.models import Account, Deposit
from amends.rules.people import Customer

T = TypeVar("T")


async def invoices(by: Customer) -> list[stripe.InvoiceFacts]:
    """Finished invoices, newest first."""
    customer_id = await _customer_id(by)
    if not customer_id:
        return []
    found = await _plainly(stripe.invoices_of(customer_id))
    return [invoice for invoice in found if invoice.status != "draft"]


async def cards(by: Customer) -> list[stripe.CardFacts]:
    """The cards that Stripe keeps for the customer."""
    customer_id = await _customer_id(by)
    return await _plainly(stripe.saved_cards(customer_id)) if customer_id else []


async def default_card(by: Customer) -> str:
    """The id of the card that new invoices are charged to; empty where none is chosen."""
    customer_id = await _customer_id(by)
    return (await _plainly(stripe.customer(customer_id))).default_card if customer_id else ""


async def further_charges(by: Customer) -> list[stripe.ChargeFacts]:
    """Charges that went through and belong to no order that we know."""
    customer_id = await _customer_id(by)
    if not customer_id:
        return []
    charges = await _plainly(stripe.charges_of(customer_id))
    deposits = await Deposit.filter(order__account_id=by.account_id)
    known = {deposit.charge_id for deposit in deposits}
    return [each for each in charges if each.status == "succeeded" and each.id not in known]


async def _customer_id(by: Customer) -> str | None:
    return (await Account.get(id=by.account_id)).stripe_customer_id


async def _plainly(call: Awaitable[T]) -> T:
    try:
        return await call
    except stripe.StripeError as error:
        raise facts.Unavailable("Our payment provider does not answer at the moment.") from error
