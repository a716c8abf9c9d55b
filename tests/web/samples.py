"""Two pages with every shared piece on them, served to a real browser."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import uvicorn
from pydantic import Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from amends import access, clock
from amends.access import FoundSession
from amends.facts import NotFound
from amends.rules.people import Customer, Role, Staff
from tests.web import kit
from web import app, cookies, forms, guards, pages, security, sessions
from web.doors import Door, house

PRIYA = Customer(1, "billing@harborfitness.example", "Priya Raman", "Harbor Fitness LLC", 1)
DANA = Staff(
    2, "Dana Cole", "dana@amends.example", frozenset({Role.MANAGER, Role.LEAD}), clock.now(), 2
)
PIECES = """
{% from "parts/macros.html" import icon, err, tag, errsum, field, picks, money, day, poll %}
{% block title %}Which charge is this about?{% endblock %}
{% block main %}
{{ errsum(form.errors) }}
<h1>Which charge is this about?</h1>
<p>{{ tag('Sent', 'go', 'landmark') }} {{ tag('Overdue', 'bad', 'triangle-alert') }}
{{ tag('Answer needed', 'warn', 'clock') }} {{ tag('Done', 'ok', 'check') }} {{ tag('Plain') }}
{{ money(120000, 'usd') }} {{ day(now) }}</p>
<div class="note">{{ icon('clock') }}<p>Refunds take 5–10 business days.</p></div>
<form method="post" action="/form" novalidate id="f"{{ htmx }}>
{{ picks(form, 'bank', 'Have you asked your bank?', [('yes', 'Yes', ''), ('no', 'No', 'Below')],
   hint='A chargeback', inline=true) }}
{{ field(form, 'amount', 'Amount in dispute', hint='In US dollars', prefix='$', cls='w8') }}
{{ field(form, 'story', 'What happened', rows=4) }}
<div class="field"><button class="btn">Continue</button></div>
</form>
<div id="told">{{ told }}</div>
<p id="tick" {{ poll('/tick', 1, csp_nonce if door == 'desk' else '') }}>Not yet</p>
{% endblock %}
"""
DESK = """{% extends "parts/desk_base.html" %}""" + PIECES
PORTAL = """{% extends "parts/portal_base.html" %}""" + PIECES
HTMX = ' hx-post="/form" hx-target="#main" hx-swap="outerHTML" hx-select="#main"'
# What a template would have to get wrong: the customer's words unescaped.
HOSTILE = (
    '<b id="evil" hx-get="/stolen" hx-trigger="load">x</b>'
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
)


class SampleForm(forms.FormModel):
    amount: str = Field(title="the amount")
    bank: str = ""
    story: str = ""


def _show(request: Request[Any], form: forms.Form[Any], status: int = 200) -> Response:
    desk = house(request).door is Door.DESK
    raw = "raw" in request.query_params
    source = (DESK if desk else PORTAL).replace("{{ told }}", HOSTILE if raw else "{{ told }}")
    source = source.replace("{{ htmx }}", HTMX + ' hx-nonce="{{ csp_nonce }}"' if desk else "")
    template = house(request).templates.from_string(source)
    context = pages._common(request) | {"form": form, "told": HOSTILE, "views": VIEWS}
    return HTMLResponse(template.render(context), status)


VIEWS = [("My cases", "/queue", 3, True), ("Needs a manager", "/queue?view=manager", 12, False)]


async def _get(request: Request[Any]) -> Response:
    return _show(request, forms.blank(bank="no"))


async def _post(request: Request[Any]) -> Response:
    form = await forms.bind(request, SampleForm)
    if not form.ok:
        return _show(request, form, 422)
    if form.data.amount == "boom":
        raise RuntimeError("inside")
    if form.data.amount == "gone":
        raise NotFound("x")
    return pages.see_other(request, "/done")


async def _enter(request: Request[Any]) -> Response:
    cookies.put(request, cookies.header(sessions.cookie_name(house(request).door), "x" * 43))
    return pages.see_other(request, "/form")


async def _done(request: Request[Any]) -> Response:
    return _show(request, forms.blank(story="All done"))


async def _leave(request: Request[Any]) -> Response:
    await sessions.end(request)
    return pages.see_other(request, "/enter-again")


async def _tick(request: Request[Any]) -> Response:
    background = sessions.BACKGROUND in request.headers
    return HTMLResponse(f'<p id="tick">{"In the background" if background else "In use"}</p>')


async def _stolen(request: Request[Any]) -> Response:
    STOLEN.append(security.reference(request))
    return kit.PlainTextResponse("stolen")


STOLEN: list[str] = []


@contextmanager
def serve(door: Door) -> Iterator[str]:
    """The door on a free port, with somebody signed in; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    allow = guards.CUSTOMER if door is Door.PORTAL else guards.STAFF
    routes = [
        guards.route("GET", "/enter", _enter, allow=guards.PUBLIC),
        guards.route("GET", "/form", _get, allow=allow),
        guards.route("POST", "/form", _post, allow=allow),
        guards.route("GET", "/done", _done, allow=allow),
        guards.route("POST", "/sign-out", _leave, allow=guards.PUBLIC),
        guards.route("GET", "/tick", _tick, allow=allow),
        guards.route("GET", "/stolen", _stolen, allow=allow),
    ]
    settings = kit.settings(portal_url=address, backoffice_url=address)
    built = app.build(door=door, routes=routes, settings=settings)
    config = uvicorn.Config(built, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, listener))
    with _somebody(PRIYA if door is Door.PORTAL else DANA):
        thread.start()
        try:
            yield address
        finally:
            server.should_exit = True
            thread.join()
            listener.close()


def _run(server: uvicorn.Server, listener: socket.socket) -> None:
    asyncio.run(server.serve(sockets=[listener]))


@contextmanager
def _somebody(viewer: Customer | Staff) -> Iterator[None]:
    async def found(token: str, door: str, idle: timedelta) -> FoundSession:
        return FoundSession(1, viewer, clock.now())

    async def ended(session_id: int) -> None:
        """The cookie goes; this server has no table."""

    real = access.find_session, access.end_session
    access.find_session, access.end_session = found, ended  # type: ignore[assignment]
    try:
        yield
    finally:
        access.find_session, access.end_session = real
