"""Where a redirect may lead: a page of this door, or an address the operator configured."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.routing import Match, Route

from web.doors import house

# A path and query of plain characters. Not "//host", "/\\host", "/./", nor anything a browser or
# a proxy might decode into one of these.
_PLAIN = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
_TRICKS = re.compile(r"//|/\.|%2f|%5c|%2e|%0|%1|%25", re.IGNORECASE)
_LONGEST = 300
_NEVER_NEXT = ("/sign-in", "/sign-out")


def safe(path: str | None, default: str = "/") -> str:
    """The path if it can only mean a page of this host, else the default."""
    if not path or len(path) > _LONGEST or not _PLAIN.fullmatch(path):
        return default
    before_query = path.split("?")[0]
    return default if _TRICKS.search(before_query) else path


def safe_next(request: Request[Any], path: str | None) -> str:
    """Where to go after signing in: a page this door has, else the start."""
    wanted = safe(path)
    if wanted.startswith(_NEVER_NEXT):
        return "/"
    return wanted if _is_page(house(request).routes.values(), wanted) else "/"


def _is_page(routes: Iterable[Route], path: str) -> bool:
    scope = {"type": "http", "method": "GET", "path": path.split("?")[0]}
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


def came_from(request: Request[Any]) -> str:
    """The page this request was sent from, if it was one of ours."""
    if request.method in ("GET", "HEAD") and "hx-request" not in request.headers:
        return safe(_asked(request))
    page = request.headers.get("hx-current-url") or request.headers.get("referer", "")
    ours = urlsplit(page).netloc == request.headers.get("host")
    return safe(path_and_query(page)) if ours else "/"


def _asked(request: Request[Any]) -> str:
    """Path and query of this very request; an address is made of it only where it needs one."""
    path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
    if "?" in path or "#" in path:
        return path_and_query(str(request.url))
    return f"{path}?{query}" if query else path


def path_and_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
