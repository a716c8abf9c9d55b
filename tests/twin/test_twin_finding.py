"""Lists, pages, filters and search."""

import pytest
import stripe

from sandbox.stripe_twin.clock import DAY, MINUTE


async def test_it_pages_forwards_and_backwards_newest_first(shop):
    made = [shop.charge(100 + n, days_ago=9 - n) for n in range(5)]
    charges = shop.client.v1.charges
    first = await charges.list_async({"limit": 2})
    assert [row.id for row in first.data] == [made[4], made[3]]
    assert first.has_more
    second = await charges.list_async({"limit": 2, "starting_after": made[3]})
    assert [row.id for row in second.data] == [made[2], made[1]]
    back = await charges.list_async({"limit": 2, "ending_before": made[1]})
    assert [row.id for row in back.data] == [made[3], made[2]]
    last = await charges.list_async({"limit": 2, "starting_after": made[1]})
    assert ([row.id for row in last.data], last.has_more) == ([made[0]], False)


async def test_it_lets_the_library_walk_all_pages(shop):
    for _ in range(25):
        shop.charge(100)
    found = await shop.client.v1.charges.list_async({"customer": shop.customer})
    assert len([row async for row in found.auto_paging_iter()]) == 25


async def test_it_filters_by_time(shop):
    made = [shop.charge(100, days_ago=days) for days in (9, 6, 3)]
    since = int(shop.clock.time) - 6 * DAY
    charges = shop.client.v1.charges
    for bound, wanted in (
        ({"gte": since}, made[1:]),
        ({"gt": since}, made[2:]),
        ({"lt": since}, made[:1]),
        ({"lte": since}, made[:2]),
        (since, made[1:2]),
    ):
        found = await charges.list_async({"created": bound})
        assert [row.id for row in found.data] == wanted[::-1]


async def test_it_filters_by_customer_and_by_intent(shop):
    charge = shop.charge()
    other = shop.world.add_customer("ben@elsewhere.example", "Ben Okafor")
    card = shop.world.add_card(other["id"])
    theirs = shop.world.add_charge(other["id"], card["id"], 700)
    charges = shop.client.v1.charges
    assert [row.id for row in (await charges.list_async({"customer": shop.customer})).data] == [
        charge
    ]
    by_intent = await charges.list_async({"payment_intent": theirs["payment_intent"]})
    assert [row.id for row in by_intent.data] == [theirs["id"]]


async def test_it_lists_customers_by_exact_email_at_once(shop):
    customers = shop.client.v1.customers
    made = await customers.create_async({"email": "Billing@HarborFitness.example"})
    exact = await customers.list_async({"email": "Billing@HarborFitness.example"})
    assert [row.id for row in exact.data] == [made.id]
    lower = await customers.list_async({"email": "billing@harborfitness.example"})
    assert [row.id for row in lower.data] == [shop.customer]


async def test_it_searches_without_case_but_late(shop):
    customers = shop.client.v1.customers
    made = await customers.create_async({"email": "Billing@HarborFitness.example"})
    query = {"query": "email:'BILLING@harborfitness.EXAMPLE'"}
    assert (await customers.search_async(query)).data == []
    shop.world.advance(MINUTE)
    found = await customers.search_async(query)
    assert {row.id for row in found.data} == {made.id, shop.customer}


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("metadata['order']:'ORD-1'", 1),
        ('metadata["order"]:"ORD-2"', 0),
        ("amount>5000 AND currency:'usd'", 1),
        ("amount<5000", 0),
        ("metadata['order']:null OR amount:6000", 1),
        ("-status:'succeeded'", 0),
        ("created>0 AND metadata['order']:'ORD-1'", 1),
    ],
)
async def test_it_understands_the_query_language(shop, query, hits):
    shop.charge(6000)
    charges = await shop.client.v1.charges.search_async({"query": query})
    intents = await shop.client.v1.payment_intents.search_async({"query": query})
    assert (len(charges.data), len(intents.data)) == (hits, hits)


@pytest.mark.parametrize("query", ["nonsense", "a:'1' AND b:'2' OR c:'3'", "amount:"])
async def test_it_refuses_a_query_it_cannot_read(shop, query):
    with pytest.raises(stripe.InvalidRequestError, match="unable to parse"):
        await shop.client.v1.charges.search_async({"query": query})


async def test_it_changes_the_email_and_finds_by_the_new_one(shop):
    customers = shop.client.v1.customers
    await customers.update_async(shop.customer, {"email": "new@harborfitness.example"})
    assert (await customers.list_async({"email": "billing@harborfitness.example"})).data == []
    found = await customers.list_async({"email": "new@harborfitness.example"})
    assert found.data[0].id == shop.customer
