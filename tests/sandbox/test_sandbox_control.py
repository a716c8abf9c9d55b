"""The sandbox as a whole: the control page, its buttons, and what keeps strangers out."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from sandbox import app
from sandbox.config import SandboxConfig, read_customers
from sandbox.control import Customer, Outside
from sandbox.control.money import FULL_MINOR
from sandbox.control.trouble import BY_KEY
from sandbox.stripe_twin.faults import FaultKind

PRIYA = "billing@harborfitness.example"


@pytest.fixture
def config(tmp_path: Path, signing_key: Path) -> SandboxConfig:
    (tmp_path / "identity-key.json").write_bytes(signing_key.read_bytes())
    return SandboxConfig(
        state_dir=tmp_path,
        customers=(Customer("Priya Raman", "Harbor Fitness LLC", PRIYA, "Change the card"),),
    )


@pytest.fixture
async def outside(config: SandboxConfig) -> AsyncIterator[Outside]:
    outside = app.outside(config)
    await outside.mail.start()
    yield outside
    await outside.mail.stop()


@pytest.fixture
async def browser(config: SandboxConfig, outside: Outside) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app.compose(config, outside))
    async with httpx2.AsyncClient(
        transport=transport, base_url=config.url, headers={"sec-fetch-site": "same-origin"}
    ) as http:
        yield http


def _charge(outside: Outside, amount_minor: int = 80_000) -> str:
    world = outside.world
    customer = world.add_customer(PRIYA, "Harbor Fitness LLC")
    card = world.add_card(customer["id"], "4242424242424242")
    return str(world.add_charge(customer["id"], card["id"], amount_minor)["id"])


def _refund(outside: Outside, charge_id: str) -> str:
    return str(outside.world.refund_in_dashboard(charge_id)["id"])


def _status(outside: Outside, object_id: str) -> str:
    return next(r.status for r in outside.world.ledger() if r.object_id == object_id)


async def _press(browser: httpx2.AsyncClient, url: str, **form: str) -> httpx2.Response:
    """Posts a button and follows it to the page it leads to."""
    response = await browser.post(url, data=form)
    assert response.status_code == 303, response.text
    return await browser.get(response.headers["location"])


async def test_its_start_page_leads_to_every_face_and_person(browser: httpx2.AsyncClient) -> None:
    page = (await browser.get("/")).text
    assert "No real money" in page
    assert 'href="http://127.0.0.1:8700/"' in page
    assert 'href="http://127.0.0.1:8701/"' in page
    assert f'<code class="copy">{PRIYA}</code>' in page
    assert "http://127.0.0.1:8701/sign-in?login_hint=ruth.adeyemi%40amends.example" in page
    assert "<script" not in page


@pytest.mark.parametrize("path", ["/money", "/trouble", "/webhooks", "/mailbox/", "/idp/"])
async def test_each_page_renders_when_nothing_has_happened(
    browser: httpx2.AsyncClient, path: str
) -> None:
    page = await browser.get(path)
    assert page.status_code == 200
    assert 'aria-current="page"' in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


async def test_it_serves_its_look_and_says_what_is_missing(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/static/sandbox.css")).status_code == 200
    missing = await browser.get("/nothing")
    assert missing.status_code == 404
    assert "There is no such page" in missing.text


async def test_it_is_found_by_whoever_started_it(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    health = (await browser.get("/healthz")).json()
    assert health == {"ok": True, "smtp_port": outside.mail.port}


@pytest.mark.parametrize(("step", "seconds"), [("1h", 3600), ("1d", 86_400), ("3d", 259_200)])
async def test_it_moves_the_clock_for_all(
    browser: httpx2.AsyncClient, outside: Outside, step: str, seconds: int
) -> None:
    page = await _press(browser, "/clock", step=step, back="/money")
    assert page.url.path == "/money"
    assert "The clock moved by" in page.text
    assert outside.clock.offset_s() == seconds
    assert abs(outside.world.now() - outside.clock.now().timestamp()) < 2


async def test_it_moves_the_clock_by_business_days(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    await _press(browser, "/clock", step="10b")
    assert outside.clock.offset_s() >= 14 * 86_400 - 3600
    assert (await browser.post("/clock", data={"step": "9x"})).status_code == 422


async def test_time_makes_waiting_money_arrive(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    world = outside.world
    customer = world.add_customer(PRIYA, "Harbor Fitness LLC")
    card = world.add_card(customer["id"], "4000000000007726")
    charge = world.add_charge(customer["id"], card["id"], 5_000)
    refund_id = _refund(outside, charge["id"])
    assert _status(outside, refund_id) == "pending"
    await _press(browser, "/clock", step="3d")
    assert _status(outside, refund_id) == "succeeded"


async def test_it_shows_every_movement_and_the_totals(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    charge_id = _charge(outside)
    refund_id = _refund(outside, charge_id)
    page = (await browser.get("/money")).text
    assert page.index(refund_id) < page.index(charge_id)
    assert "−$800.00" in page
    assert "Visa 4242" in page
    found = (await browser.get("/money", params={"find": refund_id})).text
    assert f'action="/charges/{charge_id}/dispute"' not in found
    assert "Nothing matches" in (await browser.get("/money?find=zzz")).text


async def test_a_bank_disputes_and_we_win(browser: httpx2.AsyncClient, outside: Outside) -> None:
    charge_id = _charge(outside)
    page = await _press(browser, f"/charges/{charge_id}/dispute")
    assert "A dispute was opened" in page.text
    dispute_id = next(r.object_id for r in outside.world.ledger() if r.kind == "dispute")
    await _press(browser, f"/disputes/{dispute_id}/verdict", verdict="won")
    assert _status(outside, dispute_id) == "won"


async def test_stripe_warns_and_the_bank_asks(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    charge_id = _charge(outside)
    await _press(browser, f"/charges/{charge_id}/fraud-warning")
    await _press(browser, f"/charges/{charge_id}/inquiry")
    kinds = {event["type"] for event in outside.world.events}
    assert "radar.early_fraud_warning.created" in kinds
    assert "charge.dispute.created" in kinds


async def test_somebody_refunds_in_the_dashboard(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    charge_id = _charge(outside)
    url = f"/charges/{charge_id}/dashboard-refund"
    page = await _press(browser, url, amount="12.50")
    assert "$12.50" in page.text
    assert outside.world.ledger()[-1].amount_minor == -1250
    for wrong in ("", "12.505", "-1", "abc"):
        assert (await browser.post(url, data={"amount": wrong})).status_code == 422
    too_much = await browser.post(url, data={"amount": "9,000.00"})
    assert too_much.status_code == 422
    assert "greater than unrefunded amount" in too_much.text


async def test_a_refund_fails_days_later(browser: httpx2.AsyncClient, outside: Outside) -> None:
    refund_id = _refund(outside, _charge(outside))
    await _press(browser, f"/refunds/{refund_id}/failure", reason="lost_or_stolen_card")
    assert _status(outside, refund_id) == "failed"
    unknown = await browser.post(f"/refunds/{refund_id}/failure", data={"reason": "weather"})
    assert unknown.status_code == 422


async def test_the_bank_names_its_trace_number(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    refund_id = _refund(outside, _charge(outside))
    await _press(browser, f"/refunds/{refund_id}/reference")
    refund = outside.world.store.get("refund", refund_id)
    assert refund is not None
    assert refund["destination_details"]["card"]["reference_status"] == "available"


async def test_a_short_balance_makes_refunds_wait_until_it_is_refilled(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    charge_id = _charge(outside)
    await _press(browser, "/balance", currency="usd", level="short")
    refund_id = _refund(outside, charge_id)
    assert _status(outside, refund_id) == "pending"
    page = await _press(browser, "/balance", currency="usd", level="full")
    assert _status(outside, refund_id) == "succeeded"
    assert outside.world.balance.limit("usd") == FULL_MINOR - 80_000
    assert "is now available" in page.text


async def test_settling_is_possible_by_hand(browser: httpx2.AsyncClient, outside: Outside) -> None:
    charge_id = _charge(outside)
    outside.world.set_available_balance("usd", 0)
    refund_id = _refund(outside, charge_id)
    await _press(browser, f"/refunds/{refund_id}/settlement")
    assert _status(outside, refund_id) == "succeeded"


async def test_it_arms_faults_at_stripe(browser: httpx2.AsyncClient, outside: Outside) -> None:
    for key in ("lose-refund", "time-out-refund", "error-refund", "rate-limit"):
        await _press(browser, "/trouble", trouble=key)
    assert [(f.kind, f.times) for f in outside.world.faults.list()] == [
        (FaultKind.LOST_RESPONSE, 1),
        (FaultKind.TIMEOUT_AFTER, 1),
        (FaultKind.ERROR_500_AFTER, 1),
        (FaultKind.RATE_LIMIT_429, 5),
    ]
    start = (await browser.get("/")).text
    assert "Made to go wrong" in start
    assert "The answer to the next refund is lost" in start
    assert "Calls to be refused as too many: 5" in start


async def test_it_stops_and_starts_the_neighbours(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    page = await _press(browser, "/trouble", trouble="mail-down")
    assert not outside.mail.is_accepting
    assert 'value="mail-up"' in page.text
    assert 'value="mail-down"' not in page.text
    await _press(browser, "/trouble", trouble="identity-down")
    assert (await browser.get("/idp/jwks")).status_code == 503
    await _press(browser, "/trouble", trouble="hold-webhooks")
    assert outside.world.webhooks.weather.held
    page = await _press(browser, "/trouble", trouble="clear")
    assert outside.mail.is_accepting
    assert (await browser.get("/idp/jwks")).status_code == 200
    assert not outside.world.webhooks.weather.held
    assert "Make everything work again" not in page.text


async def test_every_button_does_something(browser: httpx2.AsyncClient, outside: Outside) -> None:
    for key in BY_KEY:
        await _press(browser, "/trouble", trouble=key)
    await _press(browser, "/trouble", trouble="clear")
    assert len(outside.log) == len(BY_KEY) + 1
    assert (await browser.post("/trouble", data={"trouble": "nonsense"})).status_code == 422


async def test_it_lists_webhooks_and_sends_one_again(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    outside.world.add_endpoint("http://127.0.0.1:9/webhook", "whsec_test")
    refund_id = _refund(outside, _charge(outside))
    for delivery in outside.world.take_deliveries():
        outside.world.webhooks.failed(delivery)
    page = (await browser.get("/webhooks")).text
    assert "refund.created" in page
    assert "Not taken" in page
    event = next(e for e in outside.world.events if e["data"]["object"]["id"] == refund_id)
    await _press(browser, f"/webhooks/{event['id']}/copy")
    assert event["id"] in {d.event_id for d in outside.world.take_deliveries()}


async def test_other_sites_cannot_press_its_buttons(
    browser: httpx2.AsyncClient, outside: Outside
) -> None:
    for site in ("cross-site", "same-site"):
        response = await browser.post(
            "/trouble", data={"trouble": "mail-down"}, headers={"sec-fetch-site": site}
        )
        assert response.status_code == 403
    assert outside.mail.is_accepting


async def test_it_answers_to_this_machines_names_only(browser: httpx2.AsyncClient) -> None:
    assert (await browser.get("/", headers={"host": "localhost:8702"})).status_code == 200
    assert (await browser.get("/", headers={"host": "evil.test"})).status_code == 403


async def test_it_shows_no_text_from_the_address(browser: httpx2.AsyncClient) -> None:
    assert "planted" not in (await browser.get("/?did=planted")).text
    assert (await browser.get("/?did=999")).status_code == 200


async def test_it_reads_who_may_be_tried_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "customers.json"
    path.write_text(
        '[{"name": "Priya Raman", "organisation": "Harbor Fitness LLC", '
        f'"email": "{PRIYA}", "what_to_try": "Change the card"}}]'
    )
    assert read_customers(path)[0].email == PRIYA
