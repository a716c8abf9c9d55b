"""The few routes both doors have: appearance, health, what crawlers may read."""

from datetime import timedelta
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from amends import access
from web import cookies, forms, guards, pages, paths
from web.doors import Door

_A_YEAR = timedelta(days=365)


class _Appearance(forms.FormModel):
    theme: Literal["", "light", "dark"] = ""
    to: str = "/"


def routes(door: Door) -> tuple[guards.GuardedRoute, ...]:
    common = (
        guards.route("POST", "/theme", theme, allow=guards.PUBLIC, name="theme"),
        guards.route("GET", "/healthz", health, allow=guards.PUBLIC, name="health"),
    )
    if door is Door.PORTAL:
        return common
    return (*common, guards.route("GET", "/robots.txt", robots, allow=guards.PUBLIC, name="robots"))


async def theme(request: Request[Any]) -> Response:
    """Keeps the choice in a cookie and goes back; the server writes it into the next page."""
    form = await forms.bind(request, _Appearance)
    chosen = form.data.theme if form.ok else ""
    lifetime = _A_YEAR if chosen else timedelta(0)
    cookies.put(request, cookies.header(pages.THEME_COOKIE, chosen, lifetime))
    return pages.see_other(request, paths.safe(form.raw.get("to")))


async def health(request: Request[Any]) -> Response:
    """200 while the database answers; 503 otherwise, from the error table."""
    await access.ping()
    return PlainTextResponse("ok")


async def robots(request: Request[Any]) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")
