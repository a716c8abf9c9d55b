"""Stripe's events come in signed, are kept once, and need no cookie and no same-site header."""

import json
import time

import pytest
import stripe

from amends import settings
from amends.models import WebhookEvent
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser

SECRET = "whsec_tests"


def event(number: int) -> bytes:
    refund = {"id": "re_1", "object": "refund", "charge": "ch_1", "metadata": {}}
    body = {
        "id": f"evt_{number}", "object": "event", "type": "refund.updated",
        "created": int(time.time()), "livemode": False, "data": {"object": refund},
    }  # fmt: skip
    return json.dumps(body).encode()


def signature(body: bytes, secret: str = SECRET) -> str:
    return str(stripe.WebhookSignature.generate_signature_header(body.decode(), secret))


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENDS_STRIPE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr(settings, "load", settings.Settings)


async def post(browser: Browser, body: bytes, signed: str) -> int:
    headers = {"stripe-signature": signed, "sec-fetch-site": "cross-site"}
    answer = await browser.http.post("/stripe/webhook", content=body, headers=headers)
    return answer.status_code


@pytest.mark.req("T56")
async def test_a_signed_event_is_kept_once(visitor: Browser, harbor: Customers) -> None:
    body = event(1)
    for _ in range(3):
        assert await post(visitor, body, signature(body)) == 200
    assert await WebhookEvent.all().count() == 1


@pytest.mark.req("T55", "V9.1.1")
async def test_what_stripe_did_not_sign_is_refused(visitor: Browser, harbor: Customers) -> None:
    body = event(2)
    for wrong in ("", "t=1,v1=00", signature(body, "whsec_other"), signature(b"{}")):
        assert await post(visitor, body, wrong) == 400
    assert not await WebhookEvent.exists()


async def test_a_body_beyond_reason_is_cut_off(visitor: Browser, harbor: Customers) -> None:
    assert await post(visitor, b"x" * (1024 * 1024 + 1), "t=1,v1=00") == 413
