"""Stripe tells us that something happened: verified, kept once, answered at once."""

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from amends.flow import stripe_events
from amends.gateways.stripe_facts import BadSignature

MAX_EVENT = 1024 * 1024


async def receive(request: Request[Any]) -> Response:
    """200 once the event is kept; 400 for anything that Stripe did not sign."""
    try:
        signature = request.headers.get("stripe-signature", "")
        await stripe_events.receive(await request.body(), signature)
    except BadSignature:
        return PlainTextResponse("The signature does not fit.", status_code=400)
    return PlainTextResponse("ok")
