"""All calls the twin answers."""

import re
from functools import cache

from sandbox.stripe_twin import sdk
from sandbox.stripe_twin.resources import (
    balances,
    charges,
    checkout,
    customers,
    disputes,
    event_log,
    fraud_warnings,
    payment_intents,
    payment_methods,
    refunds,
    setup_intents,
)
from sandbox.stripe_twin.routing import Route, Router

ROUTES: tuple[Route, ...] = (
    *balances.ROUTES,
    *charges.ROUTES,
    *checkout.ROUTES,
    *customers.ROUTES,
    *disputes.ROUTES,
    *event_log.ROUTES,
    *fraud_warnings.ROUTES,
    *payment_intents.ROUTES,
    *payment_methods.ROUTES,
    *refunds.ROUTES,
    *setup_intents.ROUTES,
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
