"""The back office in process, and people who are signed in to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2
from starlette.applications import Starlette

from amends import access, clock
from amends.rights import Process
from amends.rules.people import Staff
from backoffice.routes import ROUTES
from tests.roles import under
from tests.web import kit
from web import app as web_app
from web import sessions
from web.doors import LIMITS, Door

COOKIE = sessions.cookie_name(Door.DESK)


def app() -> Starlette:
    """The real back office, with the database rights of its process and no more."""
    made = web_app.build(door=Door.DESK, routes=ROUTES, settings=kit.settings())
    return under.under(made, Process.BACKOFFICE)


async def browser(
    person: Staff, application: Starlette | None = None, auth_time: datetime | None = None
) -> httpx2.AsyncClient:
    """Somebody's browser, signed in a moment ago."""
    token = await access.start_session(
        access.NewSession(
            door=Door.DESK,
            email=person.email,
            auth_time=auth_time or clock.now(),
            expires_at=clock.now() + LIMITS[Door.DESK].absolute,
            person_id=person.person_id,
        )
    )
    client = kit.browser(application or app())
    client.cookies.set(COOKIE, token, domain="desk.amends.example", path="/")
    return client


def long_ago() -> datetime:
    return clock.now() - timedelta(minutes=6)


async def post(
    client: httpx2.AsyncClient, path: str, form: Mapping[str, Any] | None = None
) -> httpx2.Response:
    return await client.post(path, data=dict(form or {}))
