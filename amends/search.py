"""Finding a case: exact references and ids first, then words in what was written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import connections

from amends.queries import staff_views
from amends.queries.staff_views import Row

LIMIT = 30
_LONGEST = 100
_STRIPE = re.compile(r"(ch|py|pi|re|pyr|cus|pm|du|dp|seti|cs|sub|in)_[A-Za-z0-9_]+")
_WORD = re.compile(r"\w{2,}")

_SENT = "c.submitted_at IS NOT NULL AND c.status <> 'draft'"
_BY_ORDER = "c.order_id IN (SELECT o2.id FROM order_ o2 WHERE upper(o2.number) = upper($1))"
_BY_TENANT = "c.account_id IN (SELECT a2.id FROM account a2 WHERE a2.tenant_id = lower($1))"
_BY_EMAIL = (
    "(c.account_id IN (SELECT a2.id FROM account a2 WHERE a2.billing_email = lower($1))"
    " OR lower(c.contact_email) = lower($1))"
)
_BY_LAST4 = (
    "(c.claimed_last4 = $1 OR c.card_last4 = $1 OR c.id IN "
    "(SELECT l.case_id FROM leg l WHERE l.card_last4 = $1) OR c.order_id IN "
    "(SELECT d.order_id FROM deposit d WHERE d.card_last4 = $1))"
)
_BY_STRIPE = (
    "(c.card_payment_method_id = $1 OR c.id IN (SELECT l.case_id FROM leg l WHERE $1 IN "
    "(l.stripe_id, l.charge_id, l.payment_intent_id, l.result_charge_id)) OR c.order_id IN "
    "(SELECT d.order_id FROM deposit d WHERE $1 IN (d.charge_id, d.payment_intent_id)) OR "
    "c.account_id IN (SELECT a2.id FROM account a2 WHERE a2.stripe_customer_id = $1) OR c.id IN "
    "(SELECT e.case_id FROM exception_item e WHERE e.stripe_id = $1))"
)
_BY_WORDS = (
    "(c.account_id IN (SELECT a2.id FROM account a2 WHERE"
    " strpos(lower(a2.organisation), lower($1)) > 0 OR"
    " strpos(lower(a2.contact_name), lower($1)) > 0)"
    " OR c.id IN (SELECT m.case_id FROM message m WHERE"
    " to_tsvector('english', m.body) @@ websearch_to_tsquery('english', $1)"
    " ORDER BY m.id DESC LIMIT 200)"
    " OR to_tsvector('english', c.story) @@ websearch_to_tsquery('english', $1))"
)


@dataclass(frozen=True)
class Found:
    """What was looked for, in words, and what was found."""

    looked_for: tuple[str, ...]
    rows: tuple[Row, ...]
    exact: bool = False


async def cases(text: str) -> Found:
    """The newest cases that fit. An exact hit ends the search: nothing looser is mixed in."""
    wanted = text.strip()[:_LONGEST]
    if not wanted:
        return Found((), ())
    looked: list[str] = []
    for what, where in _exact(wanted):
        looked.append(what)
        if rows := await _rows(where, wanted):
            return Found(tuple(looked), rows, exact=True)
    if not _WORD.search(wanted):
        return Found(tuple(looked), ())
    return Found((*looked, "customer", "messages"), await _rows(_BY_WORDS, wanted))


def _exact(text: str) -> Sequence[tuple[str, str]]:
    """The exact meanings that the text could have, the likeliest first."""
    if _STRIPE.fullmatch(text):
        return (("Stripe id", _BY_STRIPE),)
    if "@" in text:
        return (("email", _BY_EMAIL),)
    found = [
        ("case", "upper(c.ref) = upper($1)"),
        ("order", _BY_ORDER),
        ("tenant", _BY_TENANT),
    ]
    if re.fullmatch(r"\d{4}", text):
        found.append(("last 4 digits", _BY_LAST4))
    return found


async def _rows(where: str, text: str) -> tuple[Row, ...]:
    statement = f"{staff_views.COLUMNS} WHERE {_SENT} AND {where} ORDER BY c.id DESC LIMIT {LIMIT}"
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement, [text]
    )
    return tuple(staff_views.row(values) for values in rows)
