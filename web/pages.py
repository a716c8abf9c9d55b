"""Answers: a page, a part of one, a redirect, a download."""

import re
import unicodedata
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from amends import clock
from amends.settings import Settings
from web import formats, marks, paths, security, sessions
from web.assets import Assets
from web.doors import house

THEME_COOKIE = "__Host-amends-theme"
THEMES = ("light", "dark")
# For htmx: an error must not land where a table was, so the base pages keep a place for it.
TO_FLASH: Mapping[str, str] = MappingProxyType(
    {"hx-retarget": "#flash", "hx-reswap": "innerHTML", "hx-reselect": "[role=alert]"}
)
_SANDBOX = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Templates(Environment):
    """Of which none has globals of its own: each include copies a dict, not a chain of them.

    Files never change while a process runs, so a template is kept under its name alone.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._kept: dict[str, Template] = {}

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> Template:
        if isinstance(name, Template) or globals is not None:
            return super().get_template(name, parent, globals)
        if name not in self._kept:
            self._kept[name] = super().get_template(name, parent)
        return self._kept[name]

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return super().make_globals(d) if d else self.globals


def environment(
    folder: Path, settings: Settings, assets: Assets, routes: Mapping[str, Route]
) -> Environment:
    """The templates: always escaped, and a name nobody gave is an error."""
    env = Templates(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters.update(formats.filters(settings.time_zone))

    def url(name: str, **params: object) -> str:
        return path_for(routes, name, params)

    icon = marks.icons(assets)
    env.globals.update(
        url=url,
        static=assets.url,
        make_icon=icon,
        make_tag=marks.tags(icon),
        make_links=marks.links,
        company=settings.company_name,
        support=settings.support_address,
        terms_url=settings.terms_url,
        # Where customers may sign in through a provider: what its button calls it.
        company_sign_in=settings.customer_oidc_name if settings.customers_have_provider else "",
    )
    return env


def url(request: Request[Any], name: str, **params: object) -> str:
    """The path of a named route; values it has no place for go into the query."""
    return path_for(house(request).routes, name, params)


def tag(request: Request[Any]) -> Callable[..., Markup]:
    """What makes a tag, for rows that are made ready outside of a template; web/marks.py."""
    return cast(Callable[..., Markup], house(request).templates.globals["make_tag"])


def absolute(request: Request[Any], path: str) -> str:
    """The path under the configured public address, for mail and other sites."""
    return house(request).base_url + path


def path_for(routes: Mapping[str, Route], name: str, params: Mapping[str, object]) -> str:
    if name not in routes:
        raise LookupError(f"No route, or more than one, is named {name!r}")
    route = routes[name]
    in_path = {key: params[key] for key in route.param_convertors}
    rest = {key: value for key, value in params.items() if key not in in_path}
    path = str(route.url_path_for(name, **in_path))
    return f"{path}?{urlencode(rest)}" if rest else path


def page(request: Request[Any], template: str, status: int = 200, **context: Any) -> Response:
    """A whole page."""
    text = house(request).templates.get_template(template).render(_common(request) | context)
    return HTMLResponse(text, status_code=status)


def part(request: Request[Any], template: str, status: int = 200, **context: Any) -> Response:
    """A part of a page, for htmx to put in place; the same file the whole page includes."""
    return page(request, template, status, **context)


def is_partial(request: Request[Any]) -> bool:
    """Whether htmx asks for a part rather than a browser for the page."""
    return request.headers.get("hx-request-type") == "partial"


def _common(request: Request[Any]) -> dict[str, Any]:
    found = sessions.current(request)
    theme = request.cookies.get(THEME_COOKIE)
    return {
        "viewer": found.viewer if found else None,
        "door": str(house(request).door),
        "path": request.url.path,
        "here": paths.came_from(request),
        "theme": theme if theme in THEMES else "",
        "now": clock.now(),
        "csp_nonce": security.nonce(request),
        "partial": is_partial(request),
    }


def see_other(request: Request[Any], url: str) -> Response:
    """After a change: 303, or for htmx 204 with HX-Redirect. Only to us or a listed origin."""
    if not _allowed(request, url):
        raise ValueError(f"Redirect to an address that is not ours: {url!r}")
    return leave(request, url)


def leave(request: Request[Any], url: str) -> Response:
    """As `see_other`, to an address that another part of the program made; never a visitor's."""
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"hx-redirect": url})
    return Response(status_code=303, headers={"location": url})


def _allowed(request: Request[Any], url: str) -> bool:
    path, _, _fragment = url.partition("#")
    return paths.safe(path, "") != "" or paths.origin(url) in house(request).origins


def download(request: Request[Any], content: bytes, filename: str, content_type: str) -> Response:
    """A file to keep. Never shown as a page: attachment, no sniffing, sandboxed."""
    headers = {
        "content-disposition": disposition(filename),
        "content-security-policy": _SANDBOX,
        "x-content-type-options": "nosniff",
    }
    return Response(content, media_type=content_type, headers=headers)


def disposition(filename: str) -> str:
    """RFC 6266: an ASCII name for old readers and the true one for the rest."""
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", filename).strip(". ") or "file"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'["%;]', "_", plain).strip() or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
