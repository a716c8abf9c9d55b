"""Answers are made small in the best way that the browser takes."""

import pytest
import zstandard
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse

from tests.web import kit
from web import compression, guards

LONG = "Each deposit goes back to the card it came from. " * 100


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "gzip"),
        ("gzip, zstd;q=0", "gzip"),
        ("gzip; q=0", ""),
        ("GZIP", "gzip"),
        ("identity", ""),
        ("", ""),
    ],
)
def test_it_takes_the_best_that_is_offered(accepted: str, taken: str) -> None:
    assert compression.best(accepted) == taken


async def long(request: Request) -> PlainTextResponse:
    return PlainTextResponse(LONG)


async def rows(request: Request) -> StreamingResponse:
    return StreamingResponse(LONG[at : at + 700] for at in range(0, len(LONG), 700))


@pytest.mark.parametrize("handler", [long, rows])
async def test_zstd_reads_back_as_it_was(handler: guards.Handler) -> None:
    routes = [guards.route("GET", "/long", handler, allow=guards.PUBLIC)]
    client = kit.browser(kit.make_app(routes))
    async with client.stream("GET", "/long", headers={"accept-encoding": "zstd"}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "zstd" and len(raw) < len(LONG) / 10
    reader = zstandard.ZstdDecompressor().decompressobj()
    assert reader.decompress(raw).decode() == LONG


async def test_static_files_are_kept_for_ever_and_come_small() -> None:
    app = kit.make_app([])
    address = app.state.house.assets.url("app.css")
    sizes = {}
    for encoding in ("identity", "gzip", "zstd"):
        client = kit.browser(app)
        headers = {"accept-encoding": encoding}
        async with client.stream("GET", address, headers=headers) as answer:
            sizes[encoding] = len(b"".join([part async for part in answer.aiter_raw()]))
        assert "immutable" in answer.headers["cache-control"]
    assert sizes["zstd"] <= sizes["gzip"] * 1.05 < sizes["identity"] / 2
