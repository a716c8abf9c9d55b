"""API keys: who may do what, and the keys that are never taken."""

import pytest
import stripe

READS = {
    "customers": lambda c, s: c.v1.customers.retrieve_async(s.customer),
    "charges": lambda c, s: c.v1.charges.list_async(),
    "invoices": lambda c, s: c.v1.invoices.list_async(),
    "payment_methods": lambda c, s: c.v1.payment_methods.list_async({"customer": s.customer}),
    "setup_intents": lambda c, s: c.v1.setup_intents.list_async(),
    "checkout": lambda c, s: c.v1.checkout.sessions.list_async(),
    "disputes": lambda c, s: c.v1.disputes.list_async(),
    "subscriptions": lambda c, s: c.v1.subscriptions.list_async(),
    "payment_intents": lambda c, s: c.v1.payment_intents.list_async(),
    "balance": lambda c, s: c.v1.balance.retrieve_async(),
    "events": lambda c, s: c.v1.events.list_async(),
}
WRITES = {
    "customer": lambda c, s: c.v1.customers.update_async(s.customer, {"phone": "1"}),
    "portal": lambda c, s: c.v1.billing_portal.sessions.create_async({"customer": s.customer}),
    "setup": lambda c, s: c.v1.setup_intents.create_async({"customer": s.customer}),
    "dispute": lambda c, s: c.v1.disputes.close_async(s.world.open_dispute(s.charge())["id"]),
    "refund": lambda c, s: c.v1.refunds.create_async({"charge": s.charge()}),
    "subscription": lambda c, s: c.v1.subscriptions.cancel_async(
        s.world.add_subscription(s.customer, 4900)["id"]
    ),
}
PORTAL_READS = {
    "customers", "charges", "invoices", "payment_methods", "setup_intents", "checkout",
}  # fmt: skip
MAY_READ = {"portal": PORTAL_READS, "desk": set(READS), "worker": set(READS)}
MAY_WRITE = {
    "portal": {"customer", "portal", "setup"},
    "desk": {"dispute"},
    "worker": set(WRITES),
}


@pytest.mark.req("T58")
@pytest.mark.parametrize("who", MAY_READ)
@pytest.mark.parametrize("what", READS)
async def test_it_lets_a_restricted_key_read_what_its_table_says(shop, client_with, who, what):
    await attempt(shop, client_with, who, READS[what], may=what in MAY_READ[who])


@pytest.mark.parametrize("who", MAY_WRITE)
@pytest.mark.parametrize("what", WRITES)
async def test_it_lets_a_restricted_key_write_what_its_table_says(shop, client_with, who, what):
    await attempt(shop, client_with, who, WRITES[what], may=what in MAY_WRITE[who])


async def attempt(shop, client_with, who, call, *, may):
    client = client_with(f"rk_test_{who}_4242")
    if may:
        await call(client, shop)
        return
    with pytest.raises(stripe.PermissionError) as caught:
        await call(client, shop)
    assert caught.value.http_status == 403
    assert "does not have the required permissions" in caught.value.error.message
    assert "4242" in caught.value.error.message


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("sk_live_123456789", "This is a sandbox and takes no live keys."),
        ("rk_live_123456789", "This is a sandbox and takes no live keys."),
        ("sk_other", "Invalid API Key provided: ****"),
        ("rk_test_unknown_key_1234", "Invalid API Key provided: rk_test_"),
    ],
)
async def test_it_refuses_other_keys(shop, client_with, key, words):
    with pytest.raises(stripe.AuthenticationError) as caught:
        await client_with(key).v1.customers.list_async()
    assert words in caught.value.error.message


async def test_it_refuses_a_call_without_a_key(shop, browser):
    answer = await browser.get("/v1/customers")
    assert answer.status_code == 401
    assert answer.json()["error"]["message"].startswith("You did not provide an API key.")
