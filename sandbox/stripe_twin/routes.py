"""All calls the twin answers."""

import re
from functools import cache

from sandbox.stripe_twin import sdk
from sandbox.stripe_twin.resources import (
    balances,
    charges,
    checkout,
    credit_notes,
    customer_balance,
    customers,
    disputes,
    endpoints,
    event_log,
    files,
    fraud_warnings,
    invoices,
    payment_intents,
    payment_methods,
    portal_sessions,
    prices,
    refunds,
    setup_intents,
    subscriptions,
)
from sandbox.stripe_twin.routing import Route, Router

ROUTES: tuple[Route, ...] = (
    *balances.ROUTES,
    *charges.ROUTES,
    *checkout.ROUTES,
    *credit_notes.ROUTES,
    *customer_balance.ROUTES,
    *customers.ROUTES,
    *disputes.ROUTES,
    *endpoints.ROUTES,
    *event_log.ROUTES,
    *files.ROUTES,
    *fraud_warnings.ROUTES,
    *invoices.ROUTES,
    *payment_intents.ROUTES,
    *payment_methods.ROUTES,
    *portal_sessions.ROUTES,
    *prices.ROUTES,
    *refunds.ROUTES,
    *setup_intents.ROUTES,
    *subscriptions.ROUTES,
)

ROUTER = Router(ROUTES)


@cache
def _stripes_own() -> list[tuple[str, re.Pattern[str]]]:
    return [
        (method, re.compile(re.escape(path).replace(r"\{\}", r"[^/]+")))
        for method, path in sdk.operations()
    ]


def known_to_stripe(method: str, path: str) -> bool:
    """Whether the SDK has this call, though the twin may not."""
    return any(own == method and shape.fullmatch(path) for own, shape in _stripes_own())
