"""The customer's list of requests: own drafts, what waits for them, and the rest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import connections

from amends.queries import customer
from amends.queries.customer_rows import CaseRow, DraftLine
from amends.rules.people import Customer
from amends.rules.workflow import Kind, Status

PAGE = 20
WAITING = (Status.NEEDS_CUSTOMER, Status.NEEDS_AUTHENTICATION, Status.NEEDS_NEW_CARD)
_WAIT = "('" + "','".join(WAITING) + "')"
_CASE = f"{customer.CASE}, c.created_at, {customer.LEGS} AS legs"
_FIRST = f"c.status IN {_WAIT} ORDER BY c.id DESC LIMIT {PAGE}"
# One more than a page says that there are more.
_REST = f"c.status NOT IN {_WAIT} AND c.id < $2 ORDER BY c.id DESC LIMIT {PAGE + 1}"
# A draft has no movements; one statement reads all three parts of the first page.
_DRAFTS = f"""{customer.CASE}, c.created_at, '[]'::json AS legs
 FROM case_ c LEFT JOIN order_ o ON o.id = c.order_id
 WHERE c.account_id = $1 AND c.status = 'draft' ORDER BY c.id DESC LIMIT {PAGE}"""
_OLDER = f"{_CASE} {customer.OWN} AND {_REST}"
_START = f"({_DRAFTS}) UNION ALL ({_CASE} {customer.OWN} AND {_FIRST}) UNION ALL ({_OLDER})"
_NO_END = 2**63 - 1


@dataclass(frozen=True)
class Listed:
    """A page of the list, each part the newest first."""

    drafts: tuple[DraftLine, ...]
    waiting: tuple[CaseRow, ...]
    others: tuple[CaseRow, ...]
    older: int | None  # where the next page begins


async def start(by: Customer) -> Listed:
    """The first page: drafts, the requests that wait for the customer, and the newest others."""
    return _listed(await _read(_START, by, _NO_END))


async def before(by: Customer, case_id: int) -> Listed:
    """A further page, of others alone."""
    return _listed(await _read(_OLDER, by, case_id))


async def _read(statement: str, by: Customer, last: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await connections.get("default").execute_query_dict(
        statement, [by.account_id, last]
    )
    return sorted(found, key=lambda row: -row["id"])


def _listed(rows: Sequence[Mapping[str, Any]]) -> Listed:
    cases = [_case(row) for row in rows if row["status"] != Status.DRAFT]
    others = [case for case in cases if case.status not in WAITING]
    return Listed(
        tuple(_draft(row) for row in rows if row["status"] == Status.DRAFT),
        tuple(case for case in cases if case.status in WAITING),
        tuple(others[:PAGE]),
        others[PAGE - 1].id if len(others) > PAGE else None,
    )


def _case(row: Mapping[str, Any]) -> CaseRow:
    return customer.case_row(row, json.loads(row["legs"]))


def _draft(row: Mapping[str, Any]) -> DraftLine:
    return DraftLine(row["ref"], Kind(row["kind"]), row["claimed_order"], row["created_at"])
