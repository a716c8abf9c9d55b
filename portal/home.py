"""The start page and the plain pages: help, accessibility, privacy."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from portal import dates, terms
from web import pages


async def show(request: Request[Any]) -> Response:
    """What can be asked for, what to have ready, and the way in."""
    return pages.page(request, "portal/home.html")


async def refunds(request: Request[Any]) -> Response:
    days = dates.now()
    return pages.page(
        request, "portal/help/refunds.html", window=days.refund_if_sent_today(), today=days.today
    )


async def delays(request: Request[Any]) -> Response:
    words = [terms.CLAIMS, terms.DELAYS, terms.FORCE_MAJEURE]
    return pages.page(request, "portal/help/delays.html", words=words)


async def cancelling(request: Request[Any]) -> Response:
    words = terms.cancelling(None, dates.now())
    return pages.page(request, "portal/help/cancelling.html", terms=words)


async def bank_disputes(request: Request[Any]) -> Response:
    return pages.page(request, "portal/help/bank_disputes.html")


async def accessibility(request: Request[Any]) -> Response:
    return pages.page(request, "portal/help/accessibility.html")


async def privacy(request: Request[Any]) -> Response:
    return pages.page(request, "portal/help/privacy.html")
