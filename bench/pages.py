"""Processor time of a page against the bare minimum: `python -m bench.pages URL ...`.

Pages are asked for in process, straight at the ASGI app, one at a time, so that what is measured is
the work of our process alone: routing, session, statements, templates, compression.
"""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from tortoise import Tortoise, connections

from amends import access, clock, database
from amends.models import Account, Case, Leg, Person
from bench import result
from bench.result import Result
from tests.backoffice import desk
from tests.portal import visitor
from tests.web import kit

HELLO, ROWS, LIMIT = "hello", "50 rows", "50 rows, one query"
# What the queue shows of each case, and no more: its facts, in a plain table.
_ROWS = Environment(autoescape=True).from_string(
    "<!doctype html><title>50 rows</title><table>{% for row in rows %}<tr><th><a href='/cases/"
    "{{ row.ref }}'>{{ row.ref }} {{ row.organisation }}</a></th><td>{{ row.person }}</td>"
    "<td>{{ row.kind }}</td><td>{{ row.reason }}</td><td>{{ row.amount_minor }} {{ row.currency }}"
    "</td><td>{{ row.status }}</td><td>{{ row.due_at }}</td><td>{{ row.owner }}</td></tr>"
    "{% endfor %}</table>"
)
_QUERY = """
SELECT c.ref, a.organisation, c.contact_name AS person, c.kind, c.reason, c.status,
  c.claimed_amount_minor AS amount_minor, c.currency, c.due_at, p.name AS owner
FROM case_ c JOIN account a ON a.id = c.account_id LEFT JOIN person p ON p.id = c.owner_id
WHERE c.status NOT IN ('draft','resolved','declined','withdrawn')
ORDER BY c.due_at, c.id LIMIT 50"""
# How many times the bare page with one query each page may cost.
TARGETS: Mapping[str, float] = {"queue": 3, "case": 3, "request status": 2.5}
GROWTH = 1.2  # what a page may cost more with the largest number of cases than with the smallest
WORDS_MS = 100.0


def bare(rows: Sequence[dict[str, Any]] = ()) -> Starlette:
    """What any page costs at the least: a framework, a template, one indexed query."""

    async def hello(request: Request[Any]) -> Response:
        return PlainTextResponse("hello")

    async def fifty(request: Request[Any]) -> Response:
        return HTMLResponse(_ROWS.render(rows=rows))

    async def queried(request: Request[Any]) -> Response:
        return HTMLResponse(_ROWS.render(rows=await _fetch(_QUERY)))

    return Starlette(
        routes=[Route("/hello", hello), Route("/rows", fifty), Route("/queried", queried)]
    )


async def _fetch(statement: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await connections.get("default").execute_query_dict(statement)
    return rows


@dataclass(frozen=True)
class Asked:
    """A page, whose it is, and the app that makes it."""

    app: Any
    host: str
    cookie: str
    path: str

    async def get(self) -> int:
        """Ask as a browser does; the status and the body's length."""
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(self._scope(), receive, send)
        assert sent[0]["status"] < 400, f"{self.path}: {sent[0]['status']}"
        return sum(len(each.get("body", b"")) for each in sent[1:])

    def _scope(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        headers = {
            "host": self.host, "cookie": self.cookie, "sec-fetch-site": "same-origin",
            "accept-encoding": "gzip, deflate, br, zstd",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0",
        }  # fmt: skip
        return {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "path": path, "raw_path": path.encode(), "query_string": query.encode(),
            "root_path": "", "scheme": "https", "server": (self.host, 443),
            "client": ("127.0.0.1", 50_000), "state": {},
            "headers": [(name.encode(), text.encode()) for name, text in headers.items()],
        }  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """Of one page: processor time of our process, and how long it took as a whole."""

    cpu_ms: tuple[float, ...]
    wall_ms: tuple[float, ...]


async def measure(pages: Mapping[str, Asked], rounds: int) -> dict[str, Cost]:
    """All pages in turn, round by round, so that noise falls on all of them alike."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    for page in pages.values():
        for _ in range(7):  # statements are prepared, and planned for good after five
            await page.get()
    for _ in range(rounds):
        for name, page in pages.items():
            cpu, wall = time.process_time(), time.perf_counter()
            await page.get()
            spent = (time.process_time() - cpu, time.perf_counter() - wall)
            taken[name].append((1000 * spent[0], 1000 * spent[1]))
    return {
        name: Cost(tuple(cpu for cpu, _ in each), tuple(wall for _, wall in each))
        for name, each in taken.items()
    }


async def pages_of() -> dict[str, Asked]:
    """The pages that are measured, on a database that bench.fill made."""
    dana = await Person.get(name="Dana Cole")
    closed = await _newest("resolved")
    account = await Account.get(id=closed.account_id)
    staff, customer = await _signed_in(dana, account)
    desk_app, portal = desk.app(), visitor.make_app()

    def at_desk(path: str) -> Asked:
        return Asked(desk_app, kit.DESK.removeprefix("https://"), staff, path)

    def at_portal(path: str) -> Asked:
        return Asked(portal, kit.PORTAL.removeprefix("https://"), customer, path)

    plain = bare(await _fetch(_QUERY))
    refund = await Leg.filter(stripe_id__startswith="re_b").first()
    assert refund is not None
    taken, waits = await _newest("triage"), await _newest("proposed")
    await _read_just_now(taken, waits)
    return {
        HELLO: Asked(plain, "bare.test", "", "/hello"),
        ROWS: Asked(plain, "bare.test", "", "/rows"),
        LIMIT: Asked(plain, "bare.test", "", "/queried"),
        "queue": at_desk("/queue?view=all"),
        "queue, needs a manager": at_desk("/queue?view=manager"),
        "case": at_desk(f"/cases/{taken.ref}?view=all"),
        "case, plan waits": at_desk(f"/cases/{waits.ref}?view=manager"),
        "approvals": at_desk("/approvals"),
        "refunds on their way": at_desk("/refunds"),
        "search, order number": at_desk(f"/search?q={closed.claimed_order}"),
        "search, refund id": at_desk(f"/search?q={refund.stripe_id}"),
        "search, words": at_desk("/search?q=refund+scanner"),
        "search, a rare word": at_desk("/search?q=outspecity"),
        "customer home": at_portal("/requests"),
        "request status": at_portal(f"/requests/{closed.ref}"),
    }


async def _newest(status: str) -> Case:
    found = await Case.filter(ref__startswith="BN-", status=status).order_by("-id").first()
    assert found is not None, status
    return found


async def _read_just_now(*cases: Case) -> None:
    """As if Stripe was read a moment ago, so that the page does not ask it."""
    await connections.get("default").execute_query(
        "UPDATE stripe_reading SET facts = "
        "jsonb_set(facts, '{reading,read_at}', to_jsonb($1::text)) "
        "WHERE case_id = ANY($2::bigint[])",
        [(clock.now() + timedelta(hours=3)).isoformat(), [case.id for case in cases]],
    )


async def _signed_in(person: Person, account: Account) -> tuple[str, str]:
    """Cookies of a manager and of a customer."""
    now = clock.now()
    staff = await access.start_session(
        access.NewSession("desk", person.email, now, now + timedelta(hours=8), person_id=person.id)
    )
    customer = await access.start_session(
        access.NewSession(
            "portal", account.billing_email, now, now + timedelta(hours=8), account.id
        )
    )
    return f"{desk.COOKIE}={staff}", f"__Host-amends-portal={customer}"


async def on(url: str, rounds: int) -> dict[str, Cost]:
    """All pages on one database."""
    await Tortoise.init(config=database.config(url, 4), _enable_global_fallback=True)
    try:
        return await measure(await pages_of(), rounds)
    finally:
        await Tortoise.close_connections()


def compared(found: Mapping[int, Mapping[str, Cost]]) -> list[Result]:
    """Each page against the bare one, and the largest database against the smallest."""
    small, large = min(found), max(found)
    rows = [row for size in found for row in _against_bare(size, found[size])]
    for name in found[large]:
        if name in (HELLO, ROWS, LIMIT) or small == large:
            continue
        before = result.of(f"{name}, {small:,} cases", found[small][name].cpu_ms)
        rows.append(
            result.against(
                before, f"{name}, {large:,} cases: growth", found[large][name].cpu_ms, GROWTH
            )
        )
    return rows


def _against_bare(size: int, costs: Mapping[str, Cost]) -> list[Result]:
    limit = result.of(f"{LIMIT}, {size:,} cases", costs[LIMIT].cpu_ms)
    rows = [limit]
    for name, cost in costs.items():
        if name == LIMIT:
            continue
        shown = f"{name}, {size:,} cases"
        middle = median(cost.cpu_ms)
        ratio = round(middle / limit.median_ms, 2)
        target = TARGETS.get(name)
        rows.append(Result(shown, round(middle, 3), len(cost.cpu_ms), ratio, limit.name, target))
        if name.startswith("search"):
            target = WORDS_MS if "word" in name else None
            rows.append(result.of(f"{shown}: whole time", cost.wall_ms, target))
    return rows


async def main(urls: Mapping[int, str], rounds: int) -> list[Result]:
    return compared({size: await on(url, rounds) for size, url in urls.items()})


if __name__ == "__main__":
    given = {int(url.split("/b")[1].split("?")[0]): url for url in sys.argv[1:]}
    for row in asyncio.run(main(given, 40)):
        print(row)
