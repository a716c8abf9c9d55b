"""After another billing address was agreed to: Stripe's customer follows, and no page stays open.

The worker does this, because only its key writes. Doing it twice is the same as once.
"""

import uuid

from tortoise.transactions import in_transaction

from amends import clock, exceptions_desk, jobs
from amends.flow import four_eyes, recharge
from amends.gateways import stripe, stripe_customers
from amends.models import Account, AddressChange, Case
from amends.rules.workflow import Status

_WHY = "The billing address changed while a page of the bank was open."
_BATCH = 50


async def follow(change_id: int) -> None:
    """One agreed change. Raises StripeError when it has to be tried again later."""
    row = await AddressChange.get_or_none(
        id=change_id, decision=four_eyes.AGREED, followed_at=None
    ).select_related("account")
    if row is None:
        return
    await _close_pages_of_banks(row.account)
    await _tell_stripe(row.account)
    await AddressChange.filter(id=row.id, followed_at=None).update(followed_at=clock.now())


async def _close_pages_of_banks(account: Account) -> None:
    """Who had the old address may have such a page open: what it asks for can never be charged.

    The case then needs a new card, which a manager approves, and not before the week is over.
    """
    waiting = Case.filter(account_id=account.id, status=Status.NEEDS_AUTHENTICATION)
    for case in await waiting.order_by("id"):
        await recharge.stop(case, _WHY)


async def _tell_stripe(account: Account) -> None:
    """Receipts and invoices of Stripe go to the new address from now on."""
    if account.stripe_customer_id is None:
        return
    seen = await stripe.customer(account.stripe_customer_id)
    if seen.email == account.billing_email:
        return
    key = f"amends:address:{account.id}:{uuid.uuid4()}"
    try:
        await stripe_customers.set_email(account.stripe_customer_id, account.billing_email, key)
    except (stripe.Refused, stripe.Declined) as error:
        await exceptions_desk.tell(
            "address_at_stripe",
            f"account:{account.id}",
            f"Stripe does not take the new billing address of {account.organisation}: {error}",
            stripe_id=account.stripe_customer_id,
        )


async def catch_up() -> None:
    """Wake what Stripe did not answer about before."""
    rows = AddressChange.filter(decision=four_eyes.AGREED, followed_at=None).limit(_BATCH)
    wakes = [
        jobs.follow_address(int(str(each))) for each in await rows.values_list("id", flat=True)
    ]
    async with in_transaction():
        await jobs.defer(*wakes)
