"""Makes answers small: zstd where the browser takes it, else gzip. zstd costs a quarter of it."""

from functools import lru_cache
from typing import Any

import zstandard
from starlette.datastructures import Headers
from starlette.middleware.gzip import (
    DEFAULT_EXCLUDED_CONTENT_TYPES,
    GZipResponder,
    IdentityResponder,
)
from starlette.types import ASGIApp, Receive, Scope, Send

ZSTD, GZIP, PLAIN = "zstd", "gzip", ""
_NOT_SMALLER = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/pdf")
_SMALLEST = 500  # bytes; below, the header outweighs the gain
_ZSTD_LEVEL, _GZIP_LEVEL = 3, 4


@lru_cache(maxsize=256)
def best(accepted: str) -> str:
    """The encoding for an Accept-Encoding header; one refused by `q=0` is not taken."""
    offered = {name.strip() for name, _, quality in _offers(accepted) if quality.strip() != "q=0"}
    return next((name for name in (ZSTD, GZIP) if name in offered), PLAIN)


def _offers(accepted: str) -> list[tuple[str, str, str]]:
    return [each.partition(";") for each in accepted.lower().split(",")]


class CompressionMiddleware:
    """Pages hold no secret beside what a visitor can reflect: the nonce changes every time."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await self._responder(Headers(scope=scope))(scope, receive, send)

    def _responder(self, headers: Headers) -> ASGIApp:
        kinds = _NOT_SMALLER
        match best(headers.get("accept-encoding", "")):
            case "zstd":
                return _ZstdResponder(self.app, _SMALLEST, exclude_content_types=kinds)
            case "gzip":
                return GZipResponder(self.app, _SMALLEST, _GZIP_LEVEL, exclude_content_types=kinds)
            case _:
                return IdentityResponder(self.app, _SMALLEST, exclude_content_types=kinds)


# One for the process, as setting up costs as much as a small page; nothing is kept between answers
# and nothing else runs while it works.
_zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)


class _ZstdResponder(IdentityResponder):
    content_encoding = ZSTD
    _stream: Any = None

    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:
        if self._stream is None:
            if not more_body:
                return _zstd.compress(body)
            # Its own: parts of several answers come between each other.
            self._stream = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        how = zstandard.COMPRESSOBJ_FLUSH_BLOCK if more_body else zstandard.COMPRESSOBJ_FLUSH_FINISH
        return bytes(self._stream.compress(body) + self._stream.flush(how))
