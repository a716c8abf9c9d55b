"""The twin against the installed library: routes, parameters, answers, recorded words."""

import pytest
import stripe

from sandbox.stripe_twin import drift, routes, sdk, shapes, specs


def test_it_only_has_calls_that_the_library_has():
    own = {(route.method, sdk.bare(route.path)) for route in routes.ROUTES}
    assert own - set(sdk.operations()) == set()
    assert len(own) == len(routes.ROUTES)


def test_it_reads_every_call_of_the_library():
    assert len(sdk.operations()) == 557
    assert sdk.operations()["POST", "/v1/files"].base == "files"


@pytest.mark.parametrize("route", routes.ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_it_derives_the_parameters_of_every_call_it_has(route):
    rules = specs.for_call(route.method, route.path)
    assert "api_key" not in rules.fields
    assert "expand" in rules.fields or route.method == "DELETE"


def test_it_knows_no_field_that_the_library_does_not_know():
    for kind, inner_classes in drift.table_names().items():
        resource = sdk.resource_class(kind)
        assert resource, kind
        for inner, names in inner_classes.items():
            found = resource
            for part in inner.split(".") if inner else ():
                found = getattr(found, part)
            listed = {name.rstrip("~") for name in names.split()}
            assert listed - set(found.__annotations__) == set(), (kind, inner)


def test_it_notices_drift():
    right = shapes.make(
        "radar.early_fraud_warning", id="issfr_1", actionable=True, charge="ch_1", created=1,
        fraud_type="misc", livemode=False,
    )  # fmt: skip
    assert drift.find(right) == []
    wrong = {**right, "actionable": "yes", "colour": "red", "payment_intent": None}
    del wrong["created"]
    assert sorted(drift.find(wrong)) == [
        "radar.early_fraud_warning.actionable: str where <class 'bool'> belongs",
        "radar.early_fraud_warning.colour: unknown field",
        "radar.early_fraud_warning.created: missing",
        "radar.early_fraud_warning.payment_intent: null, but Stripe leaves it out",
    ]


# Method, path, form -> status, code, param, words. Texts as recorded from Stripe's sandbox.
REFUSALS = [
    ("GET", "/v1/nothing", "", 404, None, None, "Unrecognized request URL (GET: /v1/nothing)."),
    ("GET", "/v1/accounts", "", 501, None, None, "this sandbox does not imitate it"),
    (
        "POST", "/v1/customers", "colour=red", 400, "parameter_unknown", "colour",
        "Received unknown parameter: colour",
    ),
    (
        "POST", "/v1/customers", "colour=red&size=2", 400, "parameter_unknown", "colour",
        "Received unknown parameters: colour, size",
    ),
    (
        "POST", "/v1/customers", "address[planet]=mars", 400, "parameter_unknown",
        "address[planet]", "Received unknown parameter: address[planet]",
    ),
    (
        "POST", "/v1/payment_intents", "currency=usd", 400, "parameter_missing", "amount",
        "Missing required param: amount.",
    ),
    (
        "POST", "/v1/payment_intents", "amount=ten&currency=usd", 400,
        "parameter_invalid_integer", "amount", "Invalid integer: ten",
    ),
    (
        "POST", "/v1/payment_intents", "amount=0&currency=usd", 400,
        "parameter_invalid_integer", "amount",
        "This value must be greater than or equal to 1.",
    ),
    (
        "POST", "/v1/checkout/sessions", "mode=save", 400, None, "mode",
        "Invalid mode: must be one of payment, setup, or subscription",
    ),
    (
        "POST", "/v1/customers", "metadata=1", 400, None, "metadata", "Invalid hash: 1",
    ),
    ("GET", "/v1/customers", "limit=101", 400, "parameter_invalid_integer", "limit", "100"),
    ("GET", "/v1/charges/ch_1", "", 404, "resource_missing", "charge", "No such charge: 'ch_1'"),
    ("GET", "/v1/refunds/re_1", "", 404, "resource_missing", "refund", "No such refund: 're_1'"),
    ("GET", "/v1/customers/cus_1", "", 404, "resource_missing", "id", "No such customer: 'cus_1'"),
    (
        "GET", "/v1/payment_intents/pi_1", "", 404, "resource_missing", "intent",
        "No such payment_intent: 'pi_1'",
    ),
    (
        "GET", "/v1/payment_methods/pm_1", "", 404, "resource_missing", "payment_method",
        "No such PaymentMethod: 'pm_1'",
    ),
    (
        "GET", "/v1/disputes/du_1", "", 404, "resource_missing", "dispute",
        "No such dispute: 'du_1'",
    ),
    (
        "GET", "/v1/customers", "expand[0]=data.shoes", 400, None, "expand",
        "This property cannot be expanded (data.shoes).",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS, ids=lambda c: f"{c[0]} {c[1]} {c[2]}")
async def test_it_refuses_in_stripes_words(shop, browser, case):
    method, path, form, status, code, param, words = case
    sent = {"params": form} if method == "GET" else {"content": form}
    answer = await browser.request(
        method, path, headers={"authorization": "Bearer sk_test_1"}, **sent
    )
    error = answer.json()["error"]
    assert answer.status_code == status
    assert (error.get("code"), error.get("param")) == (code, param)
    assert words in error["message"]


async def test_it_names_itself_in_every_answer(shop):
    found = await shop.client.v1.customers.retrieve_async(shop.customer)
    headers = found.last_response.headers
    assert headers["request-id"].startswith("req_")
    assert headers["stripe-version"] == stripe.api_version


async def test_it_expands_up_to_four_levels_and_lists(shop):
    charge = shop.charge()
    refund = await shop.refund(charge)
    found = await shop.client.v1.refunds.list_async(
        {"expand": ["data.charge.payment_intent.customer", "data.balance_transaction"]}
    )
    assert found.data[0].charge.payment_intent.customer.id == shop.customer
    assert found.data[0].balance_transaction.source == refund.id
    stored = await shop.client.v1.refunds.retrieve_async(refund.id)
    assert stored.charge == charge


async def test_it_merges_and_removes_metadata(shop):
    update = shop.client.v1.customers.update_async
    await update(shop.customer, {"metadata": {"a": "1", "b": "2"}})
    found = await update(shop.customer, {"metadata": {"a": ""}})
    assert found.metadata.to_dict() == {"tenant": "hf-0213", "b": "2"}
    assert (await update(shop.customer, {"metadata": ""})).metadata.to_dict() == {}
    for metadata in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}):
        with pytest.raises(stripe.InvalidRequestError):
            await update(shop.customer, {"metadata": metadata})
