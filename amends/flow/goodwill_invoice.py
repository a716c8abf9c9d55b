"""The paid invoice that a credit is a note on, looked up by the number that was typed."""

from dataclasses import replace

from amends import facts
from amends.flow.plan_legs import Wanted
from amends.gateways import stripe
from amends.models import Account, Case
from amends.rules.plan import Outcome


async def with_invoice(case: Case, wanted: Wanted) -> Wanted:
    """The invoice that was named, as Stripe has it: the customer's own, paid, same currency."""
    number = wanted.invoice_number.strip()
    if wanted.outcome is not Outcome.CREDIT or not number:
        return wanted
    account = await Account.get(id=case.account_id)
    try:
        listed = await stripe.invoices_of(account.stripe_customer_id or "")
    except (stripe.Unavailable, stripe.Refused, stripe.Misconfigured) as error:
        raise facts.InvalidInput({"invoice": "Stripe cannot be asked now. Try again"}) from error
    found = next((each for each in listed if number in (each.number, each.id)), None)
    if found is None or found.status != "paid":
        raise facts.InvalidInput({"invoice": "This is no paid invoice of the customer"})
    if found.currency != case.currency:
        raise facts.InvalidInput({"invoice": "This invoice is in another currency"})
    return replace(wanted, invoice_number=found.number, invoice_id=found.id)
