"""Reports: cases received and closed, reasons, how long decisions take. Chart, table and CSV."""

import csv
import io
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from amends import clock
from amends.queries import staff_reports
from amends.queries.staff_reports import Report
from backoffice import frame, times, words
from web import pages

_STEPS = (1, 2, 5)
BANDS = {
    1: "$100.00 or less",
    2: "$100.01 to $500.00",
    3: "$500.01 to $2,000.00",
    4: "Over $2,000.00",
}


async def show(request: Request[Any]) -> Response:
    report = await staff_reports.report(clock.now())
    rows = [(times.day(week.starts_on), week.received, week.closed) for week in report.weeks]
    context: dict[str, Any] = {
        "report": report,
        "weeks": rows,
        "scale": scale(report),
        "bands": BANDS,
    }
    return await frame.page(request, "backoffice/report/show.html", **context)


def scale(report: Report) -> list[int]:
    """Four to six round numbers for the grid, from zero to above the highest bar."""
    highest = max([1, *(max(week.received, week.closed) for week in report.weeks)])
    step = next(
        size * 10**power for power in range(9) for size in _STEPS if size * 10**power * 5 >= highest
    )
    return list(range(0, highest + step, step))


async def export(request: Request[Any]) -> Response:
    """The numbers of the page, for a spreadsheet."""
    report = await staff_reports.report(clock.now())
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(["Week of", "Received", "Closed"])
    sheet.writerows([week.starts_on, week.received, week.closed] for week in report.weeks)
    sheet.writerow([])
    sheet.writerow(["Reason", "Cases"])
    for row in report.reasons:
        name = words.REASONS.get(row.reason, "No reason given")  # type: ignore[call-overload]
        sheet.writerow([name, row.number])
    content = text.getvalue().encode()
    return pages.download(request, content, "refund-report.csv", "text/csv; charset=utf-8")
