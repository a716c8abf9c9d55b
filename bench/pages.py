"""The pages that are measured, and the bare ones that they are measured against."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

import httpx2
from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from tortoise import connections

_ROWS = Environment(autoescape=True).from_string(
    "<!doctype html><title>50 rows</title><table>{% for row in rows %}<tr><th>{{ row.ref }}</th>"
    "<td>{{ row.contact_name }}</td><td>{{ row.status }}</td><td>{{ row.claimed_order }}</td>"
    "<td>{{ row.claimed_amount_minor }}</td></tr>{% endfor %}</table>"
)
_QUERY = """SELECT ref, contact_name, status, claimed_order, claimed_amount_minor FROM case_
            WHERE status NOT IN ('draft','resolved','declined','withdrawn')
            ORDER BY due_at, id LIMIT 50"""


async def _hello(request: Request) -> Response:
    return PlainTextResponse("hello")


async def _fifty(request: Request) -> Response:
    rows = await connections.get("default").execute_query_dict(_QUERY)
    return HTMLResponse(_ROWS.render(rows=rows))


def bare() -> Starlette:
    """What any page costs at the least: a framework, a template, one indexed query."""
    return Starlette(routes=[Route("/hello", _hello), Route("/fifty", _fifty)])


@dataclass(frozen=True)
class Measured:
    """`median_ms` is the wall time of one call in process, one at a time."""

    name: str
    median_ms: float
    n: int


async def measure(name: str, call: Callable[[], Awaitable[httpx2.Response]], n: int) -> Measured:
    for _ in range(5):
        assert (await call()).status_code < 400, name
    taken = []
    for _ in range(n):
        started = time.perf_counter()
        await call()
        taken.append(1000 * (time.perf_counter() - started))
    return Measured(name, round(median(taken), 2), n)
