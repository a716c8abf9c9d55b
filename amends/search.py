"""Finding a case: exact references and ids first, then words in what was written."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tortoise import connections

from amends import clock, read_log
from amends.queries import staff_views
from amends.queries.staff_views import Row
from amends.rules.people import Staff

LIMIT = 30
_LONGEST = 100
_STRIPE = re.compile(r"(ch|py|pi|re|pyr|cus|pm|du|dp|seti|cs|sub|in)_[A-Za-z0-9_]+")
_WORD = re.compile(r"\w{2,}")

_SENT = "c.submitted_at IS NOT NULL AND c.status <> 'draft'"
# One index for each meaning, so UNION and never OR: an OR over tables reads all of them.
_CASE = "SELECT id FROM case_ WHERE ref = upper($1)"
_ORDER = """SELECT k.id FROM case_ k JOIN order_ o ON o.id = k.order_id
 WHERE upper(o.number) = upper($1)"""
_TENANT = """SELECT k.id FROM account a JOIN case_ k ON k.account_id = a.id
 WHERE a.tenant_id = lower($1)"""
_EMAIL = """SELECT k.id FROM account a JOIN case_ k ON k.account_id = a.id
 WHERE a.billing_email = lower($1)
 UNION SELECT id FROM case_ WHERE lower(contact_email) = lower($1)"""
_LAST4 = """SELECT id FROM case_ WHERE claimed_last4 = $1 AND claimed_last4 <> ''
 UNION SELECT id FROM case_ WHERE card_last4 = $1 AND card_last4 <> ''
 UNION SELECT case_id FROM leg WHERE card_last4 = $1 AND card_last4 <> ''
 UNION SELECT k.id FROM deposit d JOIN case_ k ON k.order_id = d.order_id
 WHERE d.card_last4 = $1 AND d.card_last4 <> ''"""
_STRIPE_ID = """SELECT id FROM case_ WHERE card_payment_method_id = $1
 UNION SELECT case_id FROM leg WHERE stripe_id = $1
 UNION SELECT case_id FROM leg WHERE charge_id = $1 AND charge_id <> ''
 UNION SELECT case_id FROM leg WHERE payment_intent_id = $1 AND payment_intent_id <> ''
 UNION SELECT case_id FROM leg WHERE result_charge_id = $1 AND result_charge_id <> ''
 UNION SELECT k.id FROM deposit d JOIN case_ k ON k.order_id = d.order_id WHERE d.charge_id = $1
 UNION SELECT k.id FROM deposit d JOIN case_ k ON k.order_id = d.order_id
  WHERE d.payment_intent_id = $1 AND d.payment_intent_id <> ''
 UNION SELECT k.id FROM account a JOIN case_ k ON k.account_id = a.id
  WHERE a.stripe_customer_id = $1
 UNION SELECT case_id FROM exception_item WHERE stripe_id = $1 AND stripe_id <> ''"""
# Where words are looked for at each try: on the newest shelves of 1,024 rows, in the newest rooms
# of 65,536, everywhere. What is common is found by the first, so the last meets only rare words.
_TRIES = (("~", 1024, 4), ("^", 65_536, 4), ("", 1, 0))
_ENOUGH = 5000  # matching rows looked at in one try
_SHELF = "array_to_tsvector(ARRAY['~' || (m.id / 1024)::text, '^' || (m.id / 65536)::text])"
_MESSAGE = f"(to_tsvector('english', m.body) || {_SHELF})"
_STORY = f"(to_tsvector('english', m.story) || {_SHELF})"
# A name may be written from its beginning: harb finds Harbor Fitness.
_NAMES = """SELECT k.id FROM (SELECT id FROM account a WHERE
  to_tsvector('simple', a.organisation || ' ' || a.contact_name) @@ to_tsquery('simple', $2)
  LIMIT 200) a CROSS JOIN LATERAL (SELECT id FROM case_ WHERE account_id = a.id
  ORDER BY id DESC LIMIT 30) k"""


def _words(mark: str, size: int, count: int) -> str:
    """SQL for the ids of cases in whose writings the words are."""
    return (
        f"{_NAMES} UNION {_found_in('case_', 'id', _STORY, mark, size, count)}"
        f" UNION {_found_in('message', 'case_id', _MESSAGE, mark, size, count)}"
    )


def _found_in(table: str, case: str, words: str, mark: str, size: int, count: int) -> str:
    wanted = "websearch_to_tsquery('english', $1)"
    if mark:
        newest = f"(SELECT max(id) / {size} FROM {table})"  # noqa: S608
        wanted += (
            f" && (SELECT string_agg('{mark}' || n, ' | ')::tsquery FROM generate_series("  # noqa: S608
            f"greatest(0, {newest} - {count - 1}), {newest}) n)"
        )
    return f"(SELECT m.{case} FROM {table} m WHERE {words} @@ ({wanted}) LIMIT {_ENOUGH})"  # noqa: S608


@dataclass(frozen=True)
class Found:
    """What was looked for, in words, and what was found; every view's number came along."""

    looked_for: tuple[str, ...]
    rows: tuple[Row, ...]
    exact: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)


_Meanings = tuple[tuple[str, str], ...]


async def cases(by: Staff, text: str, look: read_log.Look) -> Found:
    """The newest cases that fit; that somebody looked is written down with it.

    An exact hit ends the search: nothing looser is mixed in.
    """
    wanted = text.strip()[:_LONGEST]
    if not wanted:
        await read_log.note(by, look)
        return Found((), ())
    meanings = _exact(wanted)
    looked = tuple(what for what, _ in meanings)
    place, rows, numbers = await _first_meaning(by, meanings, wanted, look)
    if rows:
        return Found(looked[: place + 1], rows, True, numbers)
    if not _WORD.search(wanted):
        return Found(looked, (), False, numbers)
    return Found((*looked, "customer", "messages"), await _by_words(wanted), False, numbers)


def _exact(text: str) -> _Meanings:
    """The exact meanings that the text could have, the likeliest first."""
    if _STRIPE.fullmatch(text):
        return (("Stripe id", _STRIPE_ID),)
    if "@" in text:
        return (("email", _EMAIL),)
    found = (("case", _CASE), ("order", _ORDER), ("tenant", _TENANT))
    return (*found, ("last 4 digits", _LAST4)) if re.fullmatch(r"\d{4}", text) else found


async def _first_meaning(
    by: Staff, meanings: _Meanings, text: str, look: read_log.Look
) -> tuple[int, tuple[Row, ...], dict[str, int]]:
    """All meanings in one statement; the likeliest that any case fits, and the views' numbers."""
    found = await _read(
        _meant(meanings, staff_views.numbers(by)),
        [by.person_id, clock.now(), text, *read_log.values(look)],
    )
    place = found["place"] or 0
    return place, staff_views.lines(found["lines"]), json.loads(found["numbers"])


@cache
def _meant(meanings: _Meanings, numbers: str) -> str:
    """SQL over the viewer $1, the present $2, the text $3, and the note of who looked."""
    hits = " UNION ALL ".join(
        f"(SELECT {at} AS place, id FROM ({ids.replace('$1', '$3')}) h (id) "  # noqa: S608
        f"ORDER BY id DESC LIMIT {LIMIT})"
        for at, (_, ids) in enumerate(meanings)
    )
    best = f"(SELECT min(hit.place) FROM hit JOIN case_ c ON c.id = hit.id WHERE {_SENT})"  # noqa: S608
    listed = _listed(f"hit.place = {best}")
    return (
        f"WITH noted AS ({read_log.along(4)}), hit AS MATERIALIZED ({hits}) "
        f"SELECT {best} AS place, {staff_views.packed(listed)} AS lines, {numbers} AS numbers"
    )


async def _by_words(text: str) -> tuple[Row, ...]:
    """Among the newest writings first; further back only while the page is not full."""
    names = " & ".join(f"{word}:*" for word in _WORD.findall(text))
    newest, near, far = (_words(*place) for place in _TRIES)
    found = await _rows(newest, [text, names])
    if len(found) < LIMIT:
        # The whole is only searched where the rooms did not fill the page.
        rest = f"SELECT id FROM ({far}) far (id) WHERE (SELECT count(*) FROM near) < {LIMIT}"  # noqa: S608
        wide = f"WITH near (id) AS MATERIALIZED ({near}) SELECT id FROM near UNION {rest}"  # noqa: S608
        found = await _rows(wide, [text, names])
    return found


async def _rows(hits: str, values: list[str]) -> tuple[Row, ...]:
    """The newest cases among the hits, as lines of a view."""
    # Some more than are shown: what was never sent is left out later.
    newest = f"SELECT id FROM ({hits}) h (id) ORDER BY id DESC LIMIT {4 * LIMIT}"  # noqa: S608
    statement = (
        f"WITH hit AS MATERIALIZED ({newest}) SELECT {staff_views.packed(_listed('TRUE'))} AS lines"
    )
    return staff_views.lines((await _read(statement, values))["lines"])


def _listed(which: str) -> str:
    return (
        f"SELECT {staff_views.LINE} {staff_views.FROM} JOIN hit ON hit.id = c.id "
        f"WHERE {_SENT} AND {which} ORDER BY c.id DESC LIMIT {LIMIT}"
    )


async def _read(statement: str, values: Sequence[Any]) -> dict[str, Any]:
    rows = await connections.get("default").execute_query_dict(statement, list(values))
    return dict(rows[0])
