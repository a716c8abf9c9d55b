"""Stripe, reading side, page by page: everything of a kind within a span of time."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from amends.gateways import stripe_read as to
from amends.gateways.stripe_client import read, reading
from amends.gateways.stripe_facts import (
    CreditFacts,
    DisputeFacts,
    IntentFacts,
    RefundFacts,
    TransactionFacts,
)

T = TypeVar("T")
_PAGE = 100
# A busy account has many movements that are not ours; looking further back shows no more.
_MOST = 1000


@dataclass(frozen=True)
class Span:
    """From `since` to `until`, both included; Stripe counts in whole seconds."""

    since: datetime
    until: datetime

    def created(self) -> dict[str, int]:
        return {"gte": int(self.since.timestamp()), "lte": int(self.until.timestamp())}


@dataclass(frozen=True)
class Page(Generic[T]):
    """Newest first. `last` is the cursor of the next page, empty when this is the last one."""

    things: tuple[T, ...]
    last: str


def leg_of(metadata: dict[str, str]) -> str:
    """The random leg id that Amends gave to an object it made; empty for everybody else's."""
    found = metadata.get("leg", "")
    try:
        uuid.UUID(found)
    except ValueError:
        return ""
    return found if metadata.get("digest") else ""


async def refunds(span: Span, after: str = "") -> Page[RefundFacts]:
    return await _page(reading().v1.refunds.list_async, to.refund, span, after)


async def intents(span: Span, after: str = "") -> Page[IntentFacts]:
    return await _page(reading().v1.payment_intents.list_async, to.intent, span, after)


async def disputes(span: Span, after: str = "") -> Page[DisputeFacts]:
    return await _page(reading().v1.disputes.list_async, to.dispute, span, after)


async def transactions(span: Span, after: str = "") -> Page[TransactionFacts]:
    """The movements of our balance, with Stripe's fees."""
    return await _page(reading().v1.balance_transactions.list_async, to.transaction, span, after)


async def _page(
    call: Callable[[Any], Any], turn: Callable[[Any], T], span: Span, after: str
) -> Page[T]:
    params: dict[str, Any] = {"limit": _PAGE, "created": span.created()}
    if after:
        params["starting_after"] = after
    found = await read(call(params))
    things = tuple(turn(thing) for thing in found.data)
    return Page(things, found.data[-1].id if found.has_more and found.data else "")


async def credits_of(customer_id: str, since: datetime) -> list[CreditFacts]:
    """Changes of a customer's balance; they can only be listed customer by customer."""
    call = reading().v1.customers.balance_transactions.list_async(
        customer_id, {"limit": _PAGE, "created": {"gte": int(since.timestamp())}}
    )
    return [to.credit(thing) for thing in await read(_collect(call, lambda things: False))]


async def our_newest_refunds(wanted: int) -> list[RefundFacts]:
    """The newest refunds that Amends made."""
    return [to.refund(thing) for thing in await _newest(reading().v1.refunds.list_async, wanted)]


async def our_newest_intents(wanted: int) -> list[IntentFacts]:
    """The newest PaymentIntents that Amends made."""
    found = await _newest(reading().v1.payment_intents.list_async, wanted)
    return [to.intent(thing) for thing in found]


async def _newest(call: Callable[[Any], Any], wanted: int) -> list[Any]:
    def enough(things: list[Any]) -> bool:
        return len(things) >= _MOST or sum(map(_is_ours, things)) >= wanted

    found = await read(_collect(call({"limit": _PAGE}), enough))
    return [thing for thing in found if _is_ours(thing)]


def _is_ours(thing: Any) -> bool:
    return bool(leg_of(to.metadata(thing)))


async def _collect(call: Any, enough: Callable[[list[Any]], bool]) -> list[Any]:
    """Every page of a list, until there is enough of it."""
    found: list[Any] = []
    async for thing in (await call).auto_paging_iter():
        found.append(thing)
        if len(found) % _PAGE == 0 and enough(found):
            break
    return found


async def pays_an_invoice(intent_id: str) -> bool:
    """Renewals and invoices are charges of their own right, not ours to explain."""
    call = reading().v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": intent_id}, "limit": 1}
    )
    return bool((await read(call)).data)
