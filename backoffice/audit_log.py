"""The append-only log of a case, and whether its chain of hashes is whole."""

import csv
import io
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import facts
from amends.queries import staff, staff_log
from backoffice import frame, words
from web import guards, pages

_MOST_EXPORTED = 5000


async def index(request: Request[Any]) -> Response:
    """The newest entries of all cases, or one case's chain when it is named."""
    asked = request.query_params.get("case", "").strip()
    if asked:
        return pages.see_other(request, f"/cases/{asked.upper()}/log")
    return await frame.page(
        request, "backoffice/audit_log.html", rows=await staff_log.newest_of_all()
    )


async def case(request: Request[Any]) -> Response:
    """Every entry with its place in the chain."""
    by = guards.staff(request)
    found = await staff.case_for(by, request.path_params["ref"])
    after = request.query_params.get("after", "")
    rows = await staff_log.log(found.id, int(after) if after.isdecimal() else 0)
    only = request.query_params.get("only", "")
    chain = await staff_log.chain(found.id)
    more = rows[-1].seq if len(rows) == staff_log.LOG_PAGE else 0
    if only:
        rows = tuple(row for row in rows if row.actor_kind == only)
    return await frame.page(
        request,
        "backoffice/case/log.html",
        case=found,
        rows=rows,
        chain=chain,
        more=more,
        only=only,
    )


async def export(request: Request[Any]) -> Response:
    """The log as CSV. What spreadsheets would run as a formula is written as text."""
    by = guards.staff(request)
    found = await staff.case_for(by, request.path_params["ref"])
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(["Entry", "At (UTC)", "What", "Who", "From", "To", "Words", "Hash"])
    after = 0
    while after < _MOST_EXPORTED and (rows := await staff_log.log(found.id, after)):
        sheet.writerows(_cells(row) for row in rows)
        after = rows[-1].seq
    name = f"{found.ref}-log.csv"
    return pages.download(request, text.getvalue().encode(), name, "text/csv; charset=utf-8")


def _cells(row: staff_log.LogRow) -> list[object]:
    what, _ = words.happened(row.action)
    return [
        row.seq, row.at.isoformat(), what, _text(row.who), row.from_status, row.to_status,
        _text(row.reason), row.hash,
    ]  # fmt: skip


def _text(words_: str) -> str:
    return f"'{words_}" if words_[:1] in ("=", "+", "-", "@", "\t") else words_


async def plan(request: Request[Any]) -> Response:
    """Every plan of the case, with its digest, its decisions and how far its legs got."""
    by = guards.staff(request)
    found = await staff.case_for(by, request.path_params["ref"])
    plans = await staff.plans_of(found)
    if not plans:
        raise facts.NotFound("No plan was made for this case yet.")
    return await frame.page(request, "backoffice/case/plan.html", case=found, plans=plans)
