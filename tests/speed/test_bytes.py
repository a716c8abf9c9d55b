"""What a page costs on the wire: the page itself, and everything that it loads."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.backoffice import desk, scene
from tests.backoffice.scene import Customers
from tests.portal.visitor import Browser

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


@pytest.fixture
async def at_portal(priya: Browser, harbor: Customers) -> AsyncIterator[tuple[Any, list[str]]]:
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case = await scene.approved(harbor, sam, dana)
    pages = ["/", "/help/refunds", "/requests", "/requests/new", f"/requests/{case.ref}"]
    yield priya.http, pages


async def test_a_portal_page_is_twenty_kilobytes_in_five_requests(
    at_portal: tuple[Any, list[str]],
) -> None:
    client, pages = at_portal
    for path in pages:
        own, files = await _weight(client, path)
        loaded = {name: size for name, size in files.items() if not name.endswith("woff2")}
        assert own + sum(loaded.values()) <= 20 * KB, (path, own, files)
        assert 1 + len(loaded) <= 5, (path, files)


@pytest.mark.usefixtures("db")
async def test_the_desk_is_ninety_kilobytes_at_first_and_fifteen_afterwards() -> None:
    harbor = await scene.harbor()
    sam, dana = await scene.staff("Sam Ito"), await scene.staff("Dana Cole")
    case, _ = await scene.proposed(harbor, sam)
    client = await desk.browser(dana)
    for path in ("/queue?view=all", f"/cases/{case.ref}?view=all", f"/approvals/{case.ref}"):
        own, files = await _weight(client, path)
        assert own + sum(files.values()) <= 90 * KB, (path, own, files)
        assert own <= 15 * KB, (path, own)
