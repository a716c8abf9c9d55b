"""Templates, headers and the few ways a hosted page answers."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from sandbox.stripe_twin import money
from sandbox.stripe_twin.world import World

_PAGES = Path(__file__).parent.parent / "pages"

# No form-action: browsers apply it to the redirect after the form too, and that leaves this site.
_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def day(seconds: int) -> str:
    """November 3, 2026"""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%B} {moment.day}, {moment.year}"


def brand(name: str) -> str:
    return {"amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay"}.get(
        name, name.replace("_", " ").title()
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {"day": day, "money": money.text, "brand": brand}
    return environment


_TEMPLATES = _environment()


def page(world: World, template: str, status: int = 200, **context: Any) -> Response:
    html = _TEMPLATES.get_template(template).render(base=world.public_url, **context)
    return HTMLResponse(html, status, headers=_HEADERS)


def nothing_here(world: World, message: str, status: int = 404) -> Response:
    return page(world, "message.html", status, title="Nothing here", message=message)


def see_other(url: str) -> Response:
    return RedirectResponse(url, status_code=303, headers=_HEADERS)


def with_query(url: str, **more: str) -> str:
    """The address with more in its query, whatever it had before."""
    return url + ("&" if "?" in url else "?") + urlencode(more)


async def stylesheet(request: Request) -> Response:
    return FileResponse(_PAGES / "hosted.css", media_type="text/css")
