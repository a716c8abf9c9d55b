"""What survives a restart, reproducible runs, and the control API."""

import json

import stripe

from sandbox.stripe_twin.clock import DAY
from sandbox.stripe_twin.transport import client_for
from sandbox.stripe_twin.world import World


def client_of(world):
    return stripe.StripeClient("sk_test_1", http_client=client_for(world))


def tables(world):
    hidden = {"_meta"}
    return {
        name: list(table.rows.items())
        for name, table in world.store.tables.items()
        if name not in hidden and table.rows
    }


async def story(world):
    """A bit of everything."""
    client = client_of(world)
    priya = world.add_customer("billing@harborfitness.example", "Priya Raman")["id"]
    card = world.add_card(priya, "pm_card_pendingRefund")["id"]
    charge = world.add_charge(priya, card, 6000, created=world.now() - 5 * DAY)["id"]
    world.add_subscription(priya, 4900, current_period_end=world.now() + DAY)
    world.add_invoice(priya, [("Deposit", 6000)], paid_by=charge)
    world.add_endpoint("https://portal.test/hook", "whsec_1")
    refund = await client.v1.refunds.create_async(
        {"charge": charge, "amount": 1000}, {"idempotency_key": "k"}
    )
    await client.v1.checkout.sessions.create_async(
        {"mode": "setup", "currency": "usd", "customer": priya, "success_url": "https://x.test"},
        {"idempotency_key": "s"},
    )
    world.open_dispute(world.add_charge(priya, card, 900)["id"])
    return refund.id


async def test_it_is_the_same_after_a_restart(tmp_path, clock):
    file = tmp_path / "twin" / "state.json"
    first = World(seed=3, now=clock, state_file=file)
    refund = await story(first)
    first.advance(3 * 3600)
    again = World(seed=3, now=clock, state_file=file)
    assert tables(again) == tables(first)
    assert again.now() == first.now()
    assert again.ledger() == first.ledger()
    assert len(again.take_deliveries()) == len(first.take_deliveries()) > 0
    replay = await client_of(again).v1.refunds.create_async(
        {"charge": again.store.get("refund", refund)["charge"], "amount": 1000},
        {"idempotency_key": "k"},
    )
    assert replay.id == refund
    again.advance(DAY)
    assert again.store.get("refund", refund)["status"] == "succeeded"
    third = World(seed=3, now=clock, state_file=file)
    assert tables(third) == tables(again)
    assert third.ids.new("re_") not in again.store.table("refund").rows


async def test_it_ignores_a_line_that_a_crash_cut_off(tmp_path, clock):
    file = tmp_path / "state.json"
    await story(World(seed=3, now=clock, state_file=file))
    whole = file.read_bytes()
    file.write_bytes(whole + b'[["refund", "re_x", {"obj')
    again = World(seed=3, now=clock, state_file=file)
    assert again.store.get("refund", "re_x") is None
    assert len(again.store.table("refund").rows) == 1


async def test_it_gives_the_same_ids_for_the_same_seed(clock):
    worlds = [World(seed=seed, now=clock) for seed in (1, 1, 2)]
    for world in worlds:
        await story(world)
    assert tables(worlds[0]) == tables(worlds[1]) != tables(worlds[2])
    kinds = ("charge", "refund", "customer", "payment_method", "payment_intent", "dispute")
    prefixes = ("ch_", "re_", "cus_", "pm_", "pi_", "du_")
    for kind, prefix in zip(kinds, prefixes, strict=True):
        assert all(row.startswith(prefix) for row in worlds[0].store.table(kind).rows)


async def act(browser, verb, **arguments):
    answer = await browser.post(f"/_twin/{verb}", json=arguments)
    return answer.status_code, answer.json()


async def test_it_is_steered_over_http(shop, browser):
    charge = shop.charge()
    status, answer = await act(browser, "disputes/open", charge_id=charge, reason="duplicate")
    assert (status, answer["result"]["reason"]) == (200, "duplicate")
    await act(browser, "disputes/close", dispute_id=answer["result"]["id"], verdict="won")
    refund = await shop.refund(charge)
    await act(browser, "refunds/reference", refund_id=refund.id, number="7459")
    await act(browser, "refunds/fail", refund_id=refund.id, reason="declined")
    await act(browser, "fraud_warnings", charge_id=charge)
    await act(browser, "balance", currency="usd", minor=5)
    status, answer = await act(browser, "advance", seconds=60)
    assert answer["now"] == shop.clock.time + 60
    await act(browser, "faults/add", match="* /v1/refunds", kind="lost_response")
    assert (await browser.get("/_twin/faults")).json()["armed"][0]["kind"] == "lost_response"
    await act(browser, "faults/clear")
    rows = (await browser.get("/_twin/ledger")).json()
    assert [row["kind"] for row in rows] == [
        "charge", "dispute", "dispute_reversal", "refund", "refund_failure",
    ]  # fmt: skip
    state = (await browser.get("/_twin/state")).json()
    assert state["objects"]["refund"][0]["status"] == "failed"
    assert "_card" not in state["objects"]


async def test_it_steers_webhooks_over_http(shop, browser):
    await act(browser, "webhooks/endpoints", url="https://p.test", secret="whsec_1")
    await act(browser, "webhooks/drop", count=1)
    await act(browser, "webhooks/hold")
    await shop.refund(shop.charge(days_ago=0))
    waiting = (await browser.get("/_twin/webhooks")).json()["waiting"]
    await act(browser, "webhooks/flush")
    assert len(shop.world.take_deliveries()) == waiting == 5


async def test_it_says_what_is_wrong_with_a_verb(shop, browser):
    status, answer = await act(browser, "dance")
    assert status == 404
    assert "advance" in answer["verbs"]
    assert (await act(browser, "disputes/open", charge="x"))[0] == 400
    assert (await act(browser, "disputes/open", charge_id="ch_none"))[0] == 404
    assert (await act(browser, "advance"))[0] == 400
    answer = await browser.post("/_twin/advance", content=json.dumps([1]))
    assert answer.status_code == 400
