"""What a page costs on the wire: the page itself, and everything that it loads."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest

from amends.rules.people import Role
from backoffice.routes import ROUTES as DESK
from portal.routes import ROUTES as PORTAL
from tests.backoffice import desk, scene
from tests.backoffice.scene import Customers
from tests.portal import filing
from tests.portal.visitor import Browser
from web.guards import GuardedRoute

KB = 1024
_LOADED = re.compile(r'(?:href|src)="(/static/[^"#]+)')
_FROM_STYLE = re.compile(r"url\(['\"]?([^'\")]+\.woff2)")


async def _sent(client: httpx2.AsyncClient, path: str) -> tuple[int, str]:
    """How many bytes came, headers left out, and the text they stand for."""
    async with client.stream("GET", path, headers={"accept-encoding": "gzip, zstd"}) as answer:
        assert answer.status_code == 200, path
        raw = b"".join([part async for part in answer.aiter_raw()])
        encoding = answer.headers.get("content-encoding", "")
        if path.startswith("/static/"):
            assert "immutable" in answer.headers["cache-control"], path
    plain = httpx2.Response(200, headers={"content-encoding": encoding} if encoding else {},
                            content=raw)  # fmt: skip
    return len(raw), plain.text if not path.endswith("woff2") else ""


async def _weight(client: httpx2.AsyncClient, path: str) -> tuple[int, dict[str, int]]:
    """The page's own bytes, and those of each file it loads."""
    own, text = await _sent(client, path)
    files: dict[str, int] = {}
    for address in sorted(set(_LOADED.findall(text))):
        files[address], inner = await _sent(client, address)
        if address.endswith(".css"):
            for name in set(_FROM_STYLE.findall(inner)):
                font = f"{address.rpartition('/')[0]}/{name.removeprefix('./')}"
                files[font] = (await _sent(client, font))[0]
    return own, files


# Files and fragments; where a page leads elsewhere; what is no page to look at.
_NO_PAGE = ("/callback", "/live", "/return", "/wait", "/bank-return", ".pdf", ".csv", "{file}",
            "/changes", "/sign-in/again")  # fmt: skip


def _paths(routes: Sequence[GuardedRoute], known: Mapping[str, object]) -> list[str]:
    """Every page of a door for which there is something to show."""
    return [
        str(route.url_path_for(route.name, **{name: known[name] for name in _names(route)}))
        for route in routes
        if "GET" in (route.methods or ()) and not route.path.endswith(_NO_PAGE)
        and _names(route) <= set(known)
    ]  # fmt: skip


def _names(route: GuardedRoute) -> set[str]:
    return set(route.param_convertors)


async def _shown(client: httpx2.AsyncClient, paths: Sequence[str]) -> list[str]:
    """Those that answer with a page now; others lead to the step that is next."""
    return [path for path in paths if (await client.get(path, follow_redirects=False)).is_success]


@pytest.fixture
async def at_portal(priya: Browser, harbor: Customers) -> tuple[Any, list[str]]:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await scene.approved(harbor, sam, dana)
    draft = (await filing.rebill(priya, harbor)).ref
    return priya.http, _paths(PORTAL, {"ref": case.ref, "draft": draft})


@pytest.mark.usefixtures("own_files")
async def test_a_portal_page_is_twenty_kilobytes_in_five_requests(
    at_portal: tuple[Any, list[str]],
) -> None:
    client, paths = at_portal
    shown = await _shown(client, paths)
    assert {"/", "/requests", "/requests/new", "/billing"} <= set(shown)
    assert len(shown) >= 20
    for path in shown:
        await _is_light(client, path)


async def test_so_is_the_page_to_sign_in(visitor: Browser) -> None:
    await _is_light(visitor.http, "/sign-in")


async def _is_light(client: httpx2.AsyncClient, path: str) -> None:
    own, files = await _weight(client, path)
    loaded = {name: size for name, size in files.items() if not name.endswith("woff2")}
    assert own + sum(loaded.values()) <= 20 * KB, (path, own, files)
    assert 1 + len(loaded) <= 5, (path, files)


def test_the_font_is_the_desks_alone() -> None:
    """The portal's weight leaves it out with good reason: no rule of its pages asks for it."""
    style = Path("static/app.css").read_text()
    asks = re.findall(r"([^{}]+)\{[^{}]*Inter[^{}]*\}", style)
    assert [each.strip().splitlines()[-1] for each in asks if "@font-face" not in each]
    for each in asks:
        assert "@font-face" in each or ".desk" in each, each


@pytest.mark.usefixtures("db")
async def test_the_desk_is_ninety_kilobytes_at_first_and_fifteen_afterwards() -> None:
    harbor = await scene.harbor()
    sam = await scene.staff("Sam Ito")
    dana = await scene.staff("Dana Cole", Role.MANAGER, Role.ADMIN, Role.SECURITY, Role.AUDITOR)
    case, _ = await scene.proposed(harbor, sam)
    client = await desk.browser(dana)
    paths = _paths(DESK, {"ref": case.ref, "tenant": "hf-0213", "name": "done"})
    paths += [f"/cases/{case.ref}?view=all", "/queue?view=all", "/search?q=scanner"]
    shown = await _shown(client, paths)
    assert {"/approvals", f"/cases/{case.ref}", "/queue?view=all"} <= set(shown)
    assert len(shown) >= 20
    for path in shown:
        own, files = await _weight(client, path)
        assert own + sum(files.values()) <= 90 * KB, (path, own, files)
        assert own <= 15 * KB, (path, own)
